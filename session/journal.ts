/**
 * The journal: what a server received, and what became of it.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { type Clock, MAX_TIMEOUT } from "./clock.ts";
import type { Observer, RequestOutcome } from "./context.ts";
import { matchesPattern } from "./pattern.ts";
import type { Plan } from "./plan.ts";
import { type ArrivedRequest, matchesId } from "./rules.ts";

/** How many requests a journal keeps by default. */
export const JOURNAL_SIZE = 10_000;

/** Data longer than this is cut, in UTF-16 units. */
const MAX_DATA = 4096;

/** A request in the journal. Times are in seconds since the start of the server, by its clock. */
export interface JournalEntry {
  /** Its number on the server, from 1, in order of arrival. */
  readonly number: number;
  /** The number of its connection, from 1. */
  readonly connection: number;
  /** Null if the request was wrong and had none. */
  readonly id: RequestId | null;
  /** Empty if the request was wrong. */
  readonly data: string;
  /** Whether only the first 4,096 UTF-16 units of the data are there. */
  readonly cut: boolean;
  /** When it arrived. */
  readonly arrived: number;
  /** In seconds; null if the request was refused, held or never answered. */
  readonly delay: number | null;
  /** Null if nothing answers it but a release. */
  readonly due: number | null;
  /** The number of the rule that it follows. */
  readonly rule: number | null;
  /** The kind of the fault that it meets. */
  readonly fault: string | null;
  /** What became of it. */
  readonly outcome: RequestOutcome | "in_flight" | "held";
  /** When it was answered, or ended without an answer. */
  readonly ended: number | null;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Which entries to return; all members must match. */
export interface JournalFilter {
  /** An id, with `*` as in rules. */
  readonly id?: RequestId | undefined;
  /** The number of a connection. */
  readonly connection?: number | undefined;
  /** An outcome, with `*` as in rules, such as `error:*`. */
  readonly outcome?: string | undefined;
  /** The number of a rule. */
  readonly rule?: number | undefined;
}

interface Waiter {
  readonly filter: JournalFilter;
  readonly count: number;
  /** The numbers of the entries that match, so that a change needs no look at the others. */
  readonly matching: Set<number>;
  resolve(entries: JournalEntry[]): void;
}

/** Keeps the latest requests of a server. */
export class Journal implements Observer {
  readonly #clock: Clock;
  readonly #size: number;
  readonly #startedAt: number;
  /** By number. */
  readonly #entries = new Map<number, Writable<JournalEntry>>();
  /** Those in flight, by their entry in the table of requests. */
  readonly #inFlight = new Map<number, Writable<JournalEntry>>();
  readonly #waiters = new Set<Waiter>();
  readonly #listeners = new Set<(entry: JournalEntry) => void>();
  #last = 0;

  /**
   * @param size how many requests it keeps.
   * @throws {RangeError} if the size is not a positive integer.
   */
  constructor(clock: Clock, size = JOURNAL_SIZE) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(`journal: expected a positive integer, got ${size}`);
    }
    this.#clock = clock;
    this.#size = size;
    this.#startedAt = clock.now();
  }

  /** The time since the start of the server, in seconds. */
  get now(): number {
    return this.since(this.#clock.now());
  }

  /** Returns the seconds from the start of the server to a time of its clock, in milliseconds. */
  since(time: number): number {
    return seconds(time - this.#startedAt);
  }

  /** Returns the entries that match, in order of arrival. */
  list(filter: JournalFilter = {}): JournalEntry[] {
    return [...this.#entries.values()].filter((entry) => matches(filter, entry))
      .map((entry) => ({ ...entry }));
  }

  /**
   * Returns the entries that match as soon as there are this many.
   *
   * @param timeout how long to wait, in milliseconds of real time; at most 24 days.
   * @param signal ends the wait with its reason.
   * @throws {DOMException} `TimeoutError` if there are fewer by then.
   */
  async wait(
    count: number,
    filter: JournalFilter = {},
    timeout = 5000,
    signal?: AbortSignal,
  ): Promise<JournalEntry[]> {
    signal?.throwIfAborted();
    const found = this.list(filter);
    if (found.length >= count) return found;
    const { promise, resolve, reject } = Promise.withResolvers<JournalEntry[]>();
    const matching = new Set(found.map(({ number }) => number));
    const waiter = { filter, count, matching, resolve };
    const timer = setTimeout(() => {
      const message = `expected ${count} requests within ${timeout} ms, got ${matching.size}`;
      reject(new DOMException(message, "TimeoutError"));
    }, Math.min(timeout, MAX_TIMEOUT));
    const abort = () => reject(signal!.reason);
    signal?.addEventListener("abort", abort);
    this.#waiters.add(waiter);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      this.#waiters.delete(waiter);
    }
  }

  /** Calls `listener` with each entry that is added or changes; returns a function that ends it. */
  listen(listener: (entry: JournalEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Returns the entry of a request in flight, by its entry in the table of requests. */
  inFlight(entry: number): JournalEntry | undefined {
    return this.#inFlight.get(entry);
  }

  /** Returns the entries that change while `step` runs, in the order in which they change. */
  changesDuring(step: () => void): JournalEntry[] {
    const changed = new Map<number, JournalEntry>();
    const stop = this.listen((entry) => changed.set(entry.number, entry));
    try {
      step();
    } finally {
      stop();
    }
    return [...changed.values()];
  }

  /** Forgets all requests; the next one has number 1. */
  clear(): void {
    this.#entries.clear();
    for (const { matching } of this.#waiters) matching.clear();
    this.#inFlight.clear();
    this.#last = 0;
  }

  arrived(arrival: ArrivedRequest, entry: number, plan: Readonly<Plan>): void {
    const state = plan.isHeld ? "held" : "in_flight";
    this.#inFlight.set(entry, this.#add(arrival, state, plan));
  }

  released(entry: number, delay: number): void {
    const noted = this.#inFlight.get(entry);
    if (noted === undefined) return;
    noted.outcome = "in_flight";
    noted.due = this.now;
    noted.delay = seconds(delay);
    this.#changed(noted);
  }

  ended(entry: number, outcome: RequestOutcome): void {
    const noted = this.#inFlight.get(entry);
    if (noted === undefined) return; // it arrived before the journal was started or cleared
    this.#inFlight.delete(entry);
    noted.outcome = outcome;
    noted.ended = this.now;
    this.#changed(noted);
  }

  passed(arrival: ArrivedRequest, outcome: RequestOutcome, plan?: Readonly<Plan>): void {
    this.#add(arrival, outcome, plan);
  }

  #add(
    { connection, id, data }: ArrivedRequest,
    outcome: JournalEntry["outcome"],
    plan: Readonly<Plan> | undefined,
  ): Writable<JournalEntry> {
    const { now } = this;
    const isTimed = plan !== undefined && plan.wait < Infinity;
    const isCut = data.length > MAX_DATA;
    const entry: Writable<JournalEntry> = {
      number: ++this.#last,
      connection,
      id: parseJson(id) as RequestId | null,
      // A slice would keep the whole data in memory.
      data: isCut ? JSON.parse(JSON.stringify(data.slice(0, MAX_DATA))) : data,
      cut: isCut,
      arrived: now,
      delay: isTimed ? seconds(plan.delay) : null,
      due: isTimed ? seconds(1000 * now + plan.wait) : null,
      rule: plan?.rule ?? null,
      fault: plan?.replacement?.fault?.kind ?? null,
      outcome,
      ended: outcome === "held" || outcome === "in_flight" ? null : now,
    };
    this.#entries.set(entry.number, entry);
    if (this.#entries.size > this.#size) this.#forget(entry.number - this.#size);
    this.#changed(entry);
    return entry;
  }

  #changed(entry: JournalEntry): void {
    for (const listener of this.#listeners) listener({ ...entry });
    for (const waiter of this.#waiters) {
      const { filter, count, matching, resolve } = waiter;
      const isKept = this.#entries.has(entry.number);
      if (isKept && matches(filter, entry)) matching.add(entry.number);
      else matching.delete(entry.number);
      if (matching.size < count) continue;
      this.#waiters.delete(waiter);
      resolve(this.list(filter));
    }
  }

  #forget(number: number): void {
    this.#entries.delete(number);
    for (const { matching } of this.#waiters) matching.delete(number);
  }
}

function matches({ id, connection, outcome, rule }: JournalFilter, entry: JournalEntry): boolean {
  return (id === undefined || matchesId(id, entry.id)) &&
    (connection === undefined || connection === entry.connection) &&
    (outcome === undefined || matchesPattern(outcome, entry.outcome)) &&
    (rule === undefined || rule === entry.rule);
}

/** Rounds to whole microseconds, so that times print without noise. */
function seconds(milliseconds: number): number {
  return Math.round(1000 * milliseconds) / 1e6;
}
