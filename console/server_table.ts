/**
 * The table of all connections' requests.
 *
 * @module
 */

import type { JournalEntry } from "./control_client.ts";
import { copyTemplate, find, serverTime } from "./page.ts";
import { VirtualRows } from "./virtual_rows.ts";

/** The most UTF-16 units of data in a cell. */
const MAX_DATA = 200;

/** The class of a state, which has its color. */
const CLASSES: Readonly<Record<string, string>> = {
  in_flight: "in-flight",
  held: "held",
  answered: "answered",
};

/** The table of all connections' requests, the newest first. */
export class ServerTable {
  readonly #rows: VirtualRows<JournalEntry>;

  /** Creates an empty table, which calls `act` when the user holds or releases a request. */
  constructor(table: HTMLTableElement, act: (entry: JournalEntry) => void) {
    const rows = this.#rows = new VirtualRows<JournalEntry>(table, {
      keyOf: ({ number }) => number,
      make: () => copyTemplate("server-row-template"),
      fill,
    });
    const body = table.tBodies[0]!;
    body.addEventListener("click", ({ target }) => {
      const entry = rows.itemAt(target);
      const isButton = target instanceof Element && target.closest("button") !== null;
      if (!isButton || entry === undefined) return;
      rows.makeCurrent(entry);
      act(entry);
    });
    body.addEventListener("keydown", (event) => {
      const entry = rows.itemAt(event.target);
      const next = entry && rows.next(entry, event);
      if (next !== undefined) rows.focus(next);
    });
  }

  /** Shows requests, the newest first. */
  show(entries: readonly JournalEntry[]): void {
    this.#rows.show(entries);
  }
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
  const button = find<HTMLButtonElement>("button", row);
  button.textContent = isHeld ? "Release" : "Hold";
  button.ariaDisabled = String(id === null); // it must be able to have the focus
  button.ariaLabel = isHeld ? `Release ${id}` : `Hold next requests with id ${id}`;
}
