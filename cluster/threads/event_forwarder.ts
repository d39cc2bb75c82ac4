/**
 * Sends the events of a worker to the main thread, in batches, in order, without loss.
 *
 * @module
 */

import type { ServerEvents } from "../../server.ts";

/** Time to gather events, in milliseconds, about as long as the log gathers its lines. */
const GATHER = 10;

/** Most events in a batch. */
const MAX_BATCH = 250;

/**
 * Most batches that the main thread has not handled. Then the worker waits, as if it wrote the log
 * itself. Two keep the main thread busy; more would only delay its other work.
 */
const MAX_UNHANDLED = 2;

/** Longest such wait, in milliseconds, since the main thread may hang. */
const MAX_WAIT = 10_000;

/** Name of an event. */
export type EventName = keyof ServerEvents;

/** An event: its name and its arguments. */
export type ForwardedEvent = {
  [Name in EventName]-?: [Name, ...Parameters<NonNullable<ServerEvents[Name]>>];
}[EventName];

/** Gathers events and sends them. */
export class EventForwarder {
  /** Events for the server. */
  readonly events: ServerEvents;

  readonly #send: (batch: readonly ForwardedEvent[]) => void;
  readonly #handledBatches: Int32Array;
  #batch: ForwardedEvent[] = [];
  #sentBatches = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param names names of the events to forward.
   * @param handledBatches shared memory in which {@linkcode countHandledBatch} counts.
   */
  constructor(
    names: readonly EventName[],
    handledBatches: Int32Array,
    send: (batch: readonly ForwardedEvent[]) => void,
  ) {
    this.#handledBatches = handledBatches;
    this.#send = send;
    this.events = Object.fromEntries(
      names.map((name) => [name, (...args: unknown[]) => this.#add(name, args)]),
    );
    if (!names.includes("failed")) return;
    this.events.failed = (id, error) => {
      // Not every error can be cloned. The worker may end soon, so nothing waits.
      this.#add("failed", [id, error instanceof Error ? error.stack ?? error.message : `${error}`]);
      this.flush();
    };
  }

  /** Sends the gathered events. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch.length === 0) return;
    const handled = Atomics.load(this.#handledBatches, 0);
    if (this.#sentBatches - handled >= MAX_UNHANDLED) {
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

/** Counts a handled batch, so that its worker may send another. */
export function countHandledBatch(handledBatches: Int32Array): void {
  Atomics.add(handledBatches, 0, 1);
  Atomics.notify(handledBatches, 0);
}
