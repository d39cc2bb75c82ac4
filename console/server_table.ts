/**
 * The table of all connections' requests. It has elements only for the rows in sight, since there
 * may be thousands of requests, and each may change many times.
 *
 * @module
 */

import type { JournalEntry } from "./control_client.ts";
import { copyTemplate, find, rowSteps, serverTime } from "./page.ts";

/** Rows above and below the visible ones, so that fast scrolling shows no gaps. */
const MARGIN = 10;

/** The most UTF-16 units of data in a cell. */
const MAX_DATA = 200;

/** The class of a state, which has its color. */
const CLASSES: Readonly<Record<string, string>> = {
  in_flight: "in-flight",
  held: "held",
  answered: "answered",
};

/** A row and the request that it shows. */
interface Row {
  readonly element: HTMLTableRowElement;
  entry: JournalEntry | undefined;
}

/** The table of all connections' requests, the newest first. */
export class ServerTable {
  readonly #table: HTMLTableElement;
  readonly #body: HTMLTableSectionElement;
  readonly #scroll: HTMLElement;
  readonly #act: (entry: JournalEntry) => void;
  /** The rows that have elements, by the number of the request. */
  readonly #rows = new Map<number, Row>();
  #entries: readonly JournalEntry[] = [];
  /** The number of the request whose button the Tab key reaches. */
  #current: number | undefined;

  /** Creates an empty table, which calls `act` when the user holds or releases a request. */
  constructor(table: HTMLTableElement, act: (entry: JournalEntry) => void) {
    this.#table = table;
    this.#body = table.tBodies[0]!;
    this.#scroll = table.parentElement!;
    this.#act = act;
    this.#body.addEventListener("click", this.#onClick);
    this.#body.addEventListener("keydown", this.#onKey);
    this.#scroll.addEventListener("scroll", this.#render);
    new ResizeObserver(this.#render).observe(this.#scroll);
  }

  /** Shows requests, the newest first. The rows that the user looks at stay where they are. */
  show(entries: readonly JournalEntry[]): void {
    const height = this.#rowHeight();
    const top = Math.floor(this.#scroll.scrollTop / height);
    const anchor = this.#entries[top]?.number;
    const isFollowing = top === 0 && !this.#body.contains(document.activeElement);
    this.#entries = entries;
    this.#table.ariaRowCount = String(entries.length + 1);
    this.#body.style.setProperty("--rows", String(entries.length));
    const moved = isFollowing ? -1 : entries.findIndex(({ number }) => number === anchor);
    if (moved >= 0 && moved !== top) this.#scroll.scrollTop += (moved - top) * height;
    this.#render();
  }

  #rowHeight(): number {
    const [shown] = this.#rows.values();
    return shown?.element.getBoundingClientRect().height || 28;
  }

  #render = (): void => {
    const height = this.#rowHeight();
    const top = Math.floor(this.#scroll.scrollTop / height);
    const first = Math.max(0, top - MARGIN);
    const last = top + Math.ceil(this.#scroll.clientHeight / height) + MARGIN;
    const shown = new Map(this.#entries.slice(first, last).map((entry, i) => [first + i, entry]));
    const current = this.#entries.findIndex(({ number }) => number === this.#current);
    if (current < 0 || !this.#body.contains(document.activeElement)) {
      this.#current = this.#entries[top]?.number;
    } else {
      shown.set(current, this.#entries[current]!); // it keeps the focus when it is out of sight
    }
    this.#place([...shown].sort(([a], [b]) => a - b));
  };

  /** Gives elements to the requests at some indexes, and to no others. */
  #place(shown: readonly (readonly [index: number, entry: JournalEntry])[]): void {
    const numbers = new Set(shown.map(([, { number }]) => number));
    for (const [number, { element }] of this.#rows) {
      if (numbers.has(number)) continue;
      element.remove();
      this.#rows.delete(number);
    }
    let next = this.#body.firstElementChild;
    for (const [index, entry] of shown) {
      const row = this.#rows.get(entry.number) ?? this.#makeRow(entry.number);
      if (row.element === next) next = next.nextElementSibling;
      else this.#body.insertBefore(row.element, next);
      row.element.ariaRowIndex = String(index + 2);
      row.element.style.setProperty("--index", String(index));
      buttonOf(row.element).tabIndex = entry.number === this.#current ? 0 : -1;
      if (row.entry !== entry) fill(row.element, row.entry = entry);
    }
  }

  #makeRow(number: number): Row {
    const element = copyTemplate<HTMLTableRowElement>("server-row-template");
    element.dataset["number"] = String(number);
    const row = { element, entry: undefined };
    this.#rows.set(number, row);
    return row;
  }

  #entryAt(target: EventTarget | null): JournalEntry | undefined {
    const element = target instanceof Element ? target.closest<HTMLElement>(".entry") : null;
    return element === null ? undefined : this.#rows.get(Number(element.dataset["number"]))?.entry;
  }

  #onClick = ({ target }: Event): void => {
    const isButton = target instanceof Element && target.closest("button") !== null;
    const entry = this.#entryAt(target);
    if (!isButton || entry === undefined) return;
    this.#current = entry.number;
    this.#render();
    this.#act(entry);
  };

  #onKey = (event: KeyboardEvent): void => {
    const entry = this.#entryAt(event.target);
    const steps = rowSteps(event);
    if (entry === undefined || steps === undefined) return;
    event.preventDefault();
    const at = this.#entries.indexOf(entry);
    const to = Math.min(this.#entries.length - 1, Math.max(0, at + steps));
    this.#current = this.#entries[to]!.number;
    this.#reveal(to);
    this.#render();
    buttonOf(this.#rows.get(this.#current)!.element).focus({ preventScroll: true });
    this.#render(); // without the row that had the focus
  };

  /** Scrolls so that a row is in sight, below the head of the table. */
  #reveal(index: number): void {
    const height = this.#rowHeight();
    const room = this.#scroll.clientHeight - this.#table.tHead!.offsetHeight - height;
    const top = this.#scroll.scrollTop;
    this.#scroll.scrollTop = Math.min(index * height, Math.max(index * height - room, top));
  }
}

function buttonOf(row: HTMLTableRowElement): HTMLButtonElement {
  return find<HTMLButtonElement>("button", row);
}

function fill(row: HTMLTableRowElement, entry: JournalEntry): void {
  const { number, connection, id, data, cut, outcome, rule, fault, delay, due, ended } = entry;
  const isHeld = outcome === "held";
  row.className = `entry ${CLASSES[outcome] ?? "failed"}`;
  const show = (cell: string, text: unknown) => {
    find(`.${cell}`, row).textContent = text === null ? "" : String(text);
  };
  show("number", number);
  show("from", connection);
  show("id", id ?? "no id");
  show("data", data.length > MAX_DATA || cut ? `${data.slice(0, MAX_DATA)} …` : data);
  find(".id", row).title = id === null ? "" : String(id);
  find(".data", row).title = data;
  show("state", outcome === "in_flight" ? "in flight" : outcome.replace(":", ": "));
  find(".state", row).title = outcome;
  show("rule", rule);
  show("fault", fault);
  show("delay", serverTime(delay));
  show("due", serverTime(due));
  show("ended", serverTime(ended));
  const button = buttonOf(row);
  button.textContent = isHeld ? "Release" : "Hold";
  button.ariaDisabled = String(id === null); // it must be able to have the focus
  button.ariaLabel = isHeld ? `Release ${id}` : `Hold next requests with id ${id}`;
}
