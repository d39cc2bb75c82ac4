/**
 * The page's own requests as bars on a time axis. The bars of requests in flight grow with one
 * variable of the table, which changes once per frame.
 *
 * @module
 */

import { Reply } from "../client/reply.ts";
import { FIRST_REACH, fitAxis, marksOf, stepOf } from "./axis.ts";
import type { Sent } from "./exchange.ts";
import type { Inspector } from "./inspector.ts";
import { Overview } from "./overview.ts";
import { faultsOf, latenessOf, type State, stateOf } from "./outcome.ts";
import { copyTemplate, count, duration, find, make, timeOfDay } from "./page.ts";
import { RequestLog, type Run } from "./request_log.ts";
import { ALL, dependsOnAnswers, isAll, select, type Selection } from "./selection.ts";
import { VirtualRows } from "./virtual_rows.ts";

/** States in words. */
const WORDS: Readonly<Record<State, string>> = {
  "queued": "Queued",
  "in-flight": "In flight",
  "answered": "Answered",
  "late": "Late",
  "failed": "Error",
  "cancelled": "Cancelled",
};

/** Where the inspector has room beside the table. */
const WIDE = matchMedia("(width >= 60rem)");
const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");

/** Where the detail of a request is shown, and what the user does to it. */
export interface TimelineParts {
  readonly table: HTMLTableElement;
  readonly inspector: Inspector;
  /** Called when the user cancels a request. */
  cancel(sent: Sent): void;
}

/** The table of requests, the newest run first. */
export class Timeline {
  readonly #table: HTMLTableElement;
  readonly #inspector: Inspector;
  readonly #cancel: (sent: Sent) => void;
  readonly #log = new RequestLog();
  readonly #rows: VirtualRows<Sent | Run>;
  readonly #overview = new Overview((brush) => this.select({ brush }));
  #selection: Selection = ALL;
  /** The rows: requests and, above them, their runs. */
  #items: (Sent | Run)[] = [];
  #isConnected = false;
  /** Whether the list of rows has changed since the last frame. */
  #isStale = false;
  #frame: number | undefined;
  #reach = FIRST_REACH;
  #longest = 0;

  /** Creates an empty timeline. */
  constructor({ table, inspector, cancel }: TimelineParts) {
    this.#table = table;
    this.#inspector = inspector;
    this.#cancel = cancel;
    this.#rows = new VirtualRows<Sent | Run>(table, {
      keyOf: (item) => item,
      hasButton: (item) => !isRun(item),
      make: (item) => copyTemplate(isRun(item) ? "run-template" : "row-template"),
      fill: (row, item) => isRun(item) ? this.#fillRun(row, item) : this.#fill(row, item),
    });
    const body = table.tBodies[0]!;
    body.addEventListener("click", this.#onClick);
    body.addEventListener("keydown", this.#onKey);
    inspector.onKey = (event) => this.#onInspectorKey(event);
    inspector.onClose = () => this.#close();
    this.#setReach(FIRST_REACH);
  }

  /** How many requests it shows. */
  get size(): number {
    return this.#log.size;
  }

  /** The requests in the table, in its order. */
  get shown(): Sent[] {
    return this.#items.filter((item): item is Sent => !isRun(item));
  }

  /** Whether there is a connection. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Which requests the table shows. */
  get selection(): Selection {
    return this.#selection;
  }

  /** Changes which requests the table shows, and in which order. */
  select(changes: Partial<Selection>): void {
    this.#selection = { ...this.#selection, ...changes };
    this.#changeList();
  }

  /** Adds requests. */
  add(sent: readonly Sent[], now: number): void {
    if (sent.length === 0) return;
    const isNewRun = this.#log.add(sent, now);
    this.#rows.touch(this.#log.runs[0]!);
    this.#changeList();
    if (!isNewRun) return;
    this.select({ brush: undefined });
    if (WIDE.matches) this.#open(sent[0]!);
    else this.#close();
  }

  /** Shows the end of a request. */
  end(sent: Sent): void {
    const run = this.#log.end(sent, stateOf(sent, true) === "failed");
    if (run === undefined) return;
    this.#longest = Math.max(this.#longest, sent.ending!.at - run.startedAt);
    if (run.inFlight === 0) this.#setReach(fitAxis(this.#reach, this.#longest));
    this.#rows.touch(run);
    this.change(sent);
  }

  /** Shows a change of a request. */
  change(sent: Sent): void {
    this.#rows.touch(sent);
    if (dependsOnAnswers(this.#selection)) this.#isStale = true;
    if (this.#inspector.sent === sent) this.#inspector.update();
    this.#schedule();
  }

  /** Shows whether requests are in flight, or queued until there is a connection. */
  connected(isConnected: boolean): void {
    this.#isConnected = isConnected;
    this.#rows.touchAll();
    this.#changeList();
  }

  /** Draws again, in other colors. */
  redraw(): void {
    this.#schedule();
  }

  /** Removes the runs that are over. */
  clear(): void {
    this.#log.clear();
    const { brush } = this.#selection;
    if (brush && !this.#log.runs.includes(brush.run)) this.select({ brush: undefined });
    const { sent } = this.#inspector;
    if (sent !== undefined && this.#log.runOf(sent) === undefined) this.#inspector.hide();
    this.#longest = 0;
    if (this.size === 0) this.#setReach(FIRST_REACH);
    this.#changeList();
  }

  #changeList(): void {
    this.#isStale = true;
    this.#schedule();
  }

  /** Renders once before the next frame, and then in each while bars grow. */
  #schedule(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.#render(performance.now());
    });
  }

  #render(now: number): void {
    const running = this.#log.runs.filter(({ inFlight }) => inFlight > 0);
    // Grows before a bar reaches the end.
    const elapsed = Math.max(0, ...running.map(({ startedAt }) => now - startedAt));
    if (elapsed > 0.92 * this.#reach) this.#setReach(fitAxis(this.#reach, 1.2 * elapsed));
    this.#table.style.setProperty("--now", now.toFixed(1));
    if (this.#isStale) this.#showList();
    else this.#rows.update();
    this.#isStale = false;
    this.#showOverview(now);
    if (running.length > 0 && !REDUCED_MOTION.matches) this.#schedule();
  }

  #showList(): void {
    this.#items = select(this.#log.runs, this.#selection, this.#isConnected);
    find("#welcome").hidden = this.size > 0;
    find("#no-match").hidden = this.size === 0 || this.#items.length > 0;
    this.#table.hidden = this.size === 0;
    const all = `${count(this.size)} requests`;
    find("#request-count").textContent = isAll(this.#selection)
      ? all
      : `${count(this.shown.length)} of ${all}`;
    this.#rows.show(this.#items);
  }

  /** Shows the brushed run, or that of the selected request, or the newest. */
  #showOverview(now: number): void {
    const { brush } = this.#selection;
    const { sent } = this.#inspector;
    const run = brush?.run ?? (sent && this.#log.runOf(sent)) ?? this.#log.runs[0];
    const isConnected = this.#isConnected;
    this.#overview.show(run && { run, reach: this.#reach, now, isConnected, brush });
  }

  #fillRun(row: HTMLTableRowElement, { startedAt, sent, inFlight, failed }: Run): void {
    const parts = [timeOfDay(startedAt), `${count(sent.length)} sent`];
    const open = this.#isConnected ? "in flight" : "queued";
    if (inFlight > 0) parts.push(`${count(inFlight)} ${open}`);
    if (failed > 0) parts.push(`${count(failed)} failed`);
    row.cells[0]!.textContent = parts.join(" · ");
  }

  #fill(row: HTMLTableRowElement, sent: Sent): void {
    const state = stateOf(sent, this.#isConnected);
    const [head, delay, late, outcome, track] = row.cells;
    const [bar, note] = track!.children as unknown as [HTMLElement, HTMLElement];
    const id = sent.draft.id === null ? "no id" : String(sent.draft.id);
    const isSelected = this.#inspector.sent === sent;
    row.className = `request ${state}`;
    row.classList.toggle("selected", isSelected);
    const button = find<HTMLButtonElement>("button", head!);
    button.textContent = button.title = id;
    button.ariaExpanded = String(isSelected);
    const words = find(".state", outcome!);
    words.textContent = WORDS[state];
    row.style.setProperty("--start", String(sent.sentAt - this.#log.runOf(sent)!.startedAt));
    row.style.setProperty("--sent-at", String(sent.sentAt));
    note.replaceChildren(...faultsOf(sent).map((fault) => make("span", "fault", fault)));
    const cancel = outcome!.querySelector("button");
    if (sent.ending !== undefined || sent.draft.id === null) cancel?.remove();
    else cancel!.ariaLabel = `Cancel ${id}`;
    if (sent.ending === undefined) return;
    const { at, place, result } = sent.ending;
    row.style.setProperty("--took", String(at - sent.sentAt));
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

  #setReach(reach: number): void {
    this.#reach = reach;
    this.#table.style.setProperty("--reach", String(reach));
    this.#table.style.setProperty("--step", String(stepOf(reach)));
    const marks = marksOf(reach).map((at) => {
      const mark = make("span", "", at === 0 ? "0" : reach < 1000 ? `${at} ms` : `${at / 1000} s`);
      mark.style.setProperty("--at", String(at));
      return mark;
    });
    find(".marks", this.#table).replaceChildren(...marks);
  }

  #open(sent: Sent): void {
    const before = this.#inspector.sent;
    this.#inspector.show(sent);
    if (before !== undefined) this.#rows.touch(before);
    this.#rows.touch(sent);
    this.#rows.makeCurrent(sent);
    this.#schedule();
  }

  /** Closes the inspector; the focus goes from there to the row. */
  #close(): void {
    const { sent, hasFocus } = this.#inspector;
    this.#inspector.hide();
    if (sent === undefined) return;
    this.#rows.touch(sent);
    if (hasFocus && this.#log.runOf(sent) !== undefined) this.#rows.focus(sent);
    else this.#rows.render();
  }

  #onClick = ({ target }: Event): void => {
    const item = this.#rows.itemAt(target);
    if (item === undefined || isRun(item)) return;
    if ((target as Element).closest(".outcome button")) this.#cancel(item);
    else if (this.#inspector.sent === item) this.#close();
    else this.#open(item);
  };

  #onKey = (event: KeyboardEvent): void => {
    const item = this.#rows.itemAt(event.target);
    if (item === undefined || isRun(item)) return;
    if (event.key === "Delete") return this.#cancel(item);
    if (event.key === "Escape") return this.#close();
    const next = this.#rows.next(item, event);
    if (next === undefined || isRun(next)) return;
    if (this.#inspector.sent !== undefined) this.#open(next);
    this.#rows.focus(next);
  };

  /** Shows another request while the focus stays in the inspector. */
  #onInspectorKey(event: KeyboardEvent): void {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const { sent } = this.#inspector;
    const next = sent && this.#log.runOf(sent) && this.#rows.next(sent, event);
    if (next === undefined || isRun(next)) return;
    this.#open(next);
    this.#rows.reveal(next);
  }
}

function isRun(item: Sent | Run): item is Run {
  return "startedAt" in item;
}
