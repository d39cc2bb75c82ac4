/**
 * The newest requests of all connections, as the server reports them.
 *
 * @module
 */

import type { JournalEntry } from "./control_client.ts";

/** The most requests that are kept; the oldest go first. */
const MAX_REQUESTS = 10_000;

/** Which requests to show. */
export interface RequestFilter {
  /** A state; empty for all. */
  readonly state: string;
  /** A text in the id or the data, in any case; empty for all. */
  readonly text: string;
}

/** The newest requests. */
export class RequestList {
  readonly #entries = new Map<number, JournalEntry>();
  readonly #max: number;
  /** The greatest number that was removed. */
  #removed = 0;

  /** Creates an empty list of at most `max` requests. */
  constructor(max = MAX_REQUESTS) {
    this.#max = max;
  }

  /** How many requests it has. */
  get size(): number {
    return this.#entries.size;
  }

  /** Replaces all requests by those of a journal, the oldest first. */
  load(journal: readonly JournalEntry[]): void {
    this.#entries.clear();
    this.#removed = 0;
    for (const entry of journal) this.put(entry);
  }

  /** Adds or changes a request. */
  put(entry: JournalEntry): void {
    if (entry.number <= this.#removed) return;
    this.#entries.set(entry.number, entry);
    if (this.#entries.size <= this.#max) return;
    this.#removed = this.#entries.keys().next().value!;
    this.#entries.delete(this.#removed);
  }

  /** Returns the requests that a filter lets through, the newest first. */
  select({ state, text }: RequestFilter): JournalEntry[] {
    const wanted = text.toLowerCase();
    const has = (part: string) => part.toLowerCase().includes(wanted);
    return [...this.#entries.values()].reverse().filter((entry) =>
      (state === "" || stateOf(entry) === state) &&
      (wanted === "" || has(String(entry.id ?? "")) || has(entry.data))
    );
  }
}

/** Returns the state of a request: its outcome, with `error` for all errors. */
export function stateOf({ outcome }: JournalEntry): string {
  return outcome.startsWith("error:") ? "error" : outcome;
}
