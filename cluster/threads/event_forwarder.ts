/**
 * Events on their way from a worker to the main thread: in batches, in their order, none lost.
 *
 * @module
 */

import type { ServerEvents } from "../../server.ts";

/** How long events are gathered, in milliseconds: about as long as the log then gathers its lines. */
const GATHER = 10;

/** So many events make a batch at once. */
const MAX_BATCH = 250;

/**
 * With so many batches on their way, the worker waits, as it would if it wrote the log itself. More would
 * only keep everything else that the main thread does waiting: two are enough to keep it busy.
 */
const MAX_UNDERWAY = 2;

/** How long it waits at most, in milliseconds: a main thread that hangs must not hold it for ever. */
const MAX_WAIT = 10_000;

/** The name of an event. */
export type EventName = keyof ServerEvents;

/** An event: its name, and its arguments. */
export type ForwardedEvent = {
  [Name in EventName]-?: [Name, ...Parameters<NonNullable<ServerEvents[Name]>>];
}[EventName];

/** Gathers the events of a worker, and sends them. */
export class EventForwarder {
  /** The events to give to the server. */
  readonly events: ServerEvents;

  readonly #send: (batch: readonly ForwardedEvent[]) => void;
  readonly #handledBatches: Int32Array;
  #batch: ForwardedEvent[] = [];
  #sentBatches = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param names the events to forward.
   * @param handledBatches shared memory, in which {@linkcode countHandledBatch} counts.
   */
  constructor(
    names: readonly EventName[],
    handledBatches: Int32Array,
    send: (batch: readonly ForwardedEvent[]) => void,
  ) {
    this.#handledBatches = handledBatches;
    this.#send = send;
    const forward = (name: EventName) => (...args: unknown[]) => this.#add(name, args);
    this.events = Object.fromEntries(names.map((name) => [name, forward(name)]));
    if (!names.includes("failed")) return;
    this.events.failed = (id, error) => {
      // Not every error can be sent as it is.
      this.#add("failed", [id, error instanceof Error ? error.stack ?? error.message : `${error}`]);
      this.flush();
    };
  }

  /** Sends what is gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch.length === 0) return;
    const handled = Atomics.load(this.#handledBatches, 0);
    if (this.#sentBatches - handled >= MAX_UNDERWAY) {
      Atomics.wait(this.#handledBatches, 0, handled, MAX_WAIT);
    }
    this.#sentBatches++;
    this.#send(this.#batch);
    this.#batch = [];
  }

  #add(name: EventName, args: unknown[]): void {
    const length = this.#batch.push([name, ...args] as ForwardedEvent);
    if (length >= MAX_BATCH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHER);
  }
}

/** Counts a batch that has been handled, so that its worker may send another. */
export function countHandledBatch(handledBatches: Int32Array): void {
  Atomics.add(handledBatches, 0, 1);
  Atomics.notify(handledBatches, 0);
}
