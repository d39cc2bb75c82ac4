/**
 * Events on their way from a worker to the main thread: in batches, in their order, none lost.
 *
 * @module
 */

import type { ServerEvents } from "../../server.ts";
import type { Telling } from "./messages.ts";

/** How long events are gathered, in milliseconds: about as long as the log then gathers its lines. */
const GATHER = 10;

/** So many events make a batch at once. */
const BATCH = 1000;

/** So many batches may be on their way; then the worker waits, as it would if it wrote the log itself. */
const MOST_UNDERWAY = 16;

/** How long it waits at most, in milliseconds: a main thread that is gone must not hold it for ever. */
const MAX_WAIT = 10_000;

/** Gathers the events of a worker. */
export class Teller {
  /** What the server is to be given. */
  readonly events: ServerEvents;

  readonly #send: (tellings: readonly Telling[]) => void;
  readonly #told: Int32Array;
  #tellings: Telling[] = [];
  #sent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param names of those events that somebody wants to hear of.
   * @param told holds how many batches have been dealt with.
   */
  constructor(
    names: readonly (keyof ServerEvents)[],
    told: Int32Array,
    send: (tellings: readonly Telling[]) => void,
  ) {
    this.#told = told;
    this.#send = send;
    const tell = (name: keyof ServerEvents) => (...about: unknown[]) =>
      this.#tell([name, ...about] as Telling);
    this.events = Object.fromEntries(names.map((name) => [name, tell(name)]));
    // An error may hold what cannot be sent.
    if (names.includes("failed")) {
      this.events.failed = (id, error) => {
        const reason = error instanceof Error ? error.stack ?? error.message : String(error);
        this.#tell(["failed", id, reason]);
        this.flush();
      };
    }
  }

  /** Sends what is gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#tellings.length === 0) return;
    const told = Atomics.load(this.#told, 0);
    if (this.#sent - told >= MOST_UNDERWAY) Atomics.wait(this.#told, 0, told, MAX_WAIT);
    this.#sent++;
    this.#send(this.#tellings);
    this.#tellings = [];
  }

  #tell(telling: Telling): void {
    if (this.#tellings.push(telling) >= BATCH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHER);
  }
}

/** Tells `events` of what a worker has told, and lets the worker know. Nothing is thrown. */
export function tellAll(
  events: ServerEvents,
  tellings: readonly Telling[],
  told: Int32Array,
): void {
  for (const [name, ...about] of tellings) {
    try {
      (events[name] as ((...about: unknown[]) => void) | undefined)?.(...about);
    } catch {
      // It is the events that are at fault; the request has had its answer.
    }
  }
  Atomics.add(told, 0, 1);
  Atomics.notify(told, 0);
}
