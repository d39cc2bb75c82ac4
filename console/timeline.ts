/**
 * The requests as bars on a time axis.
 *
 * Requests that are sent while others are in flight share their axis: a run. A fill behind the rows
 * of a run grows with time, and the bars of the requests in flight are holes that show it. So a run
 * has one animation, however many bars it has.
 *
 * @module
 */

import { Reply } from "../client/reply.ts";
import type { Detail } from "./detail.ts";
import type { Sent } from "./exchange.ts";
import { faultsOf, latenessOf, type State, stateOf } from "./outcome.ts";
import { copyTemplate, count, duration, find, make, rowSteps, timeOfDay } from "./page.ts";

/** How far the axis reaches at first, in milliseconds; default delays are 1 to 5 s. */
const FIRST_REACH = 6000;

/** How long requests can join a run, in milliseconds. */
const MAX_JOIN = 10_000;

/** The most requests that are kept; the oldest runs go first. */
const MAX_ROWS = 5000;

/** How far an axis may reach, in seconds; beyond the last, it doubles. */
const REACHES = [0.1, 0.2, 0.5, 1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 45, 60, 90, 120];

/** Times between marks, in milliseconds. */
const STEPS = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000];

/** How many times too far an axis may reach before it shrinks. */
const MAX_SLACK = 4;

/** Requests that share an axis. */
interface Run {
  readonly body: HTMLTableSectionElement;
  readonly title: HTMLElement;
  readonly startedAt: number;
  readonly fill: HTMLElement;
  readonly growth: Animation;
  readonly sent: Sent[];
  inFlight: number;
  failed: number;
}

/** States in words. */
const WORDS: Readonly<Record<State, string>> = {
  "queued": "Queued",
  "in-flight": "In flight",
  "answered": "Answered",
  "late": "Late",
  "failed": "Error",
  "cancelled": "Cancelled",
};

/** The place of a request. */
interface Row {
  readonly run: Run;
  readonly row: HTMLTableRowElement;
}

/** The table of requests, the newest run first. */
export class Timeline {
  readonly #table: HTMLTableElement;
  readonly #detail: Detail;
  readonly #cancel: (sent: Sent) => void;
  readonly #rows = new Map<Sent, Row>();
  /** The newest first. */
  readonly #runs: Run[] = [];
  readonly #sentOf = new WeakMap<Element, Sent>();
  #isConnected = false;
  #reach = FIRST_REACH;
  #longest = 0;

  /** Creates an empty timeline, which calls `cancel` when the user cancels a request. */
  constructor(table: HTMLTableElement, detail: Detail, cancel: (sent: Sent) => void) {
    this.#table = table;
    this.#detail = detail;
    this.#cancel = cancel;
    table.addEventListener("click", this.#onClick);
    table.addEventListener("keydown", this.#onKey);
    this.#setReach(FIRST_REACH);
  }

  /** How many requests it shows. */
  get size(): number {
    return this.#rows.size;
  }

  /** Adds requests. */
  add(sent: readonly Sent[], now: number): void {
    if (sent.length === 0) return;
    const newest = this.#runs[0];
    const joins = newest !== undefined && newest.inFlight > 0 && now - newest.startedAt < MAX_JOIN;
    const run = joins ? newest : this.#startRun(now);
    const rows = document.createDocumentFragment();
    for (const one of sent) rows.append(this.#makeRow(one, run));
    run.body.append(rows);
    run.inFlight += sent.length;
    run.sent.push(...sent);
    if (!joins) this.#open(sent[0]!);
    this.#title(run);
    this.#trim();
  }

  /** Shows the end of a request. */
  end(sent: Sent): void {
    const shown = this.#rows.get(sent);
    if (shown === undefined) return;
    const { run, row } = shown;
    this.#fill(row, sent);
    if (row.classList.contains("failed")) run.failed++;
    this.#longest = Math.max(this.#longest, sent.ending!.at - run.startedAt);
    if (--run.inFlight === 0) {
      run.growth.cancel();
      run.fill.hidden = true;
      this.#title(run);
      this.#setReach(fitAxis(this.#reach, this.#longest));
    }
    if (this.#detail.sent === sent) this.#detail.update();
  }

  /** Shows a new anomaly of a request. */
  change(sent: Sent): void {
    const shown = this.#rows.get(sent);
    if (shown === undefined) return;
    this.#fill(shown.row, sent);
    if (this.#detail.sent === sent) this.#detail.update();
  }

  /** Shows whether requests are in flight, or queued until there is a connection. */
  connected(isConnected: boolean): void {
    this.#isConnected = isConnected;
    for (const [sent, { row }] of this.#rows) {
      if (sent.ending === undefined) this.#fill(row, sent);
    }
    for (const run of this.#runs) this.#title(run);
  }

  /** Updates the runs; call it a few times per second while requests are in flight. */
  tick(now: number): void {
    const running = this.#runs.filter(({ inFlight }) => inFlight > 0);
    for (const run of running) this.#title(run);
    // Grows before the fill reaches the end.
    const elapsed = Math.max(0, ...running.map(({ startedAt }) => now - startedAt));
    if (elapsed > 0.92 * this.#reach) this.#setReach(fitAxis(this.#reach, 1.2 * elapsed));
  }

  /** Removes the runs that are over. */
  clear(): void {
    for (const run of this.#runs.filter(({ inFlight }) => inFlight === 0)) this.#remove(run);
    this.#longest = 0;
    this.#setReach(this.#runs.length === 0 ? FIRST_REACH : this.#reach);
  }

  #startRun(now: number): Run {
    const body = copyTemplate<HTMLTableSectionElement>("run-template");
    const title = find(".run th", body);
    const fill = find(".fill", body);
    this.#table.tHead!.after(body);
    const growth = find("td", fill).animate(
      [{ transform: "translateX(-100%)" }, { transform: "none" }],
      { duration: this.#reach, fill: "forwards" },
    );
    growth.startTime = now;
    const run = { body, title, startedAt: now, fill, growth, sent: [], inFlight: 0, failed: 0 };
    this.#runs.unshift(run);
    return run;
  }

  #makeRow(sent: Sent, run: Run): HTMLTableRowElement {
    const row = copyTemplate<HTMLTableRowElement>("row-template");
    const id = sent.draft.id === null ? "no id" : String(sent.draft.id);
    const [button, cancel] = row.querySelectorAll("button");
    button!.textContent = id;
    button!.title = id;
    cancel!.setAttribute("aria-label", `Cancel ${id}`);
    if (sent.draft.id === null) cancel!.remove();
    row.style.setProperty("--start", String(sent.sentAt - run.startedAt));
    this.#rows.set(sent, { run, row });
    this.#sentOf.set(row, sent);
    this.#fill(row, sent);
    return row;
  }

  #fill(row: HTMLTableRowElement, sent: Sent): void {
    const state = stateOf(sent, this.#isConnected);
    const [, delay, late, outcome, track] = row.cells;
    const [bar, note] = track!.children as unknown as [HTMLElement, HTMLElement];
    row.className = `request ${state}`;
    const words = find(".state", outcome!);
    words.textContent = WORDS[state];
    const faults = faultsOf(sent).map((fault) => make("span", "fault", fault));
    note.replaceChildren(...faults);
    if (sent.ending === undefined) return;
    outcome!.querySelector("button")?.remove();
    const { at, place, result } = sent.ending;
    const took = at - sent.sentAt;
    row.style.setProperty("--took", String(took));
    if (!(result instanceof Reply)) {
      note.append(make("strong", "", result.code), ` ${result.message}`);
      return;
    }
    words.textContent = `#${count(place)}`;
    if (result.delay === undefined) return;
    delay!.textContent = `${result.delay.toFixed(2)} s`;
    late!.textContent = duration(latenessOf(sent)!);
    if (state === "late") bar.style.setProperty("--due", String(result.delay * 1000));
  }

  #title({ title, startedAt, sent, inFlight, failed }: Run): void {
    const parts = [timeOfDay(startedAt), `${count(sent.length)} sent`];
    const open = this.#isConnected ? "in flight" : "queued";
    if (inFlight > 0) parts.push(`${count(inFlight)} ${open}`);
    if (failed > 0) parts.push(`${count(failed)} failed`);
    title.textContent = parts.join(" · ");
  }

  #setReach(reach: number): void {
    this.#reach = reach;
    this.#table.style.setProperty("--reach", String(reach));
    this.#table.style.setProperty("--step", String(stepOf(reach)));
    for (const { growth, inFlight } of this.#runs) {
      if (inFlight > 0) growth.effect!.updateTiming({ duration: reach });
    }
    const marks = marksOf(reach).map((at) => {
      const mark = make("span", "", at === 0 ? "0" : reach < 1000 ? `${at} ms` : `${at / 1000} s`);
      mark.style.setProperty("--at", String(at));
      return mark;
    });
    find(".marks", this.#table).replaceChildren(...marks);
  }

  #trim(): void {
    while (this.#rows.size > MAX_ROWS) {
      const oldest = this.#runs.findLast(({ inFlight }) => inFlight === 0);
      if (oldest === undefined) return;
      this.#remove(oldest);
    }
  }

  #remove(run: Run): void {
    if (run.body.contains(this.#detail.row)) this.#close();
    run.body.remove();
    for (const sent of run.sent) this.#rows.delete(sent);
    this.#runs.splice(this.#runs.indexOf(run), 1);
  }

  #open(sent: Sent): void {
    this.#close();
    const { row } = this.#rows.get(sent)!;
    this.#detail.show(sent);
    row.after(this.#detail.row);
    const button = buttonOf(row);
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", this.#detail.row.id);
    this.#makeCurrent(button);
  }

  #close(): void {
    const shown = this.#detail.row.parentElement && this.#rows.get(this.#detail.sent!);
    this.#detail.row.remove();
    if (!shown) return;
    const button = buttonOf(shown.row);
    button.setAttribute("aria-expanded", "false");
    button.removeAttribute("aria-controls");
  }

  /** Makes a row the only one that the Tab key reaches; the arrow keys go on from there. */
  #makeCurrent(button: HTMLButtonElement): void {
    for (const other of this.#table.querySelectorAll<HTMLElement>(".request th [tabindex='0']")) {
      other.tabIndex = -1;
    }
    button.tabIndex = 0;
  }

  #onClick = (event: Event): void => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const row = button?.closest(".request");
    const sent = row && this.#sentOf.get(row);
    if (!button || !sent) return;
    if (button.closest(".outcome")) this.#cancel(sent);
    else if (button.getAttribute("aria-expanded") === "true") this.#close();
    else this.#open(sent);
  };

  #onKey = (event: KeyboardEvent): void => {
    const row = event.target instanceof Element
      ? event.target.closest<HTMLTableRowElement>(".request")
      : null;
    const sent = row && this.#sentOf.get(row);
    if (!row || !sent || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Delete") return this.#cancel(sent);
    const steps = rowSteps(event);
    if (steps === undefined) return;
    event.preventDefault();
    const rows = [...this.#table.querySelectorAll<HTMLTableRowElement>(".request")];
    const to = Math.min(rows.length - 1, Math.max(0, rows.indexOf(row) + steps));
    const button = buttonOf(rows[to]!);
    this.#makeCurrent(button);
    button.focus();
  };
}

function buttonOf(row: HTMLTableRowElement): HTMLButtonElement {
  return find<HTMLButtonElement>("th button", row);
}

/**
 * Returns how far an axis should reach for a duration, in milliseconds. To change rarely, it
 * shrinks only if most of it is empty.
 */
export function fitAxis(reach: number, longest: number): number {
  if (longest <= reach && reach <= MAX_SLACK * longest) return reach;
  let fitting = 1000 * (REACHES.find((seconds) => 1000 * seconds >= longest) ?? REACHES.at(-1)!);
  while (fitting < longest) fitting *= 2;
  return fitting;
}

/** Returns the marks of an axis, in milliseconds. */
export function marksOf(reach: number): number[] {
  const step = stepOf(reach);
  return Array.from({ length: Math.ceil(reach / step) }, (_, i) => i * step);
}

/** Returns the time between marks, in milliseconds. */
function stepOf(reach: number): number {
  return STEPS.find((step) => reach / step <= 6) ?? reach / 6;
}
