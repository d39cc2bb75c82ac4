/**
 * A log of events that clients can cause as often as they like.
 *
 * @module
 */

/** Shortest time between two logged events, in milliseconds. */
const INTERVAL = 1000;

/** Logs the first event at once, then the latest once a second, with the number of other events. */
export class RateLimitedLog<T> implements Disposable {
  readonly #log: (event: T, others: number) => void;
  #latest: T | undefined;
  #count = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param log receives an event, and the number of events left out since the last call. */
  constructor(log: (event: T, others: number) => void) {
    this.#log = log;
  }

  /** Adds an event. */
  add(event: T): void {
    this.#latest = event;
    this.#count++;
    if (this.#timer === undefined) this.#onTimer();
  }

  /** Logs the latest event at once, if it is not logged yet. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flush();
  }

  #onTimer = (): void => {
    this.#timer = this.#count > 0 ? setTimeout(this.#onTimer, INTERVAL) : undefined;
    this.#flush();
  };

  #flush(): void {
    if (this.#count === 0) return;
    const [latest, others] = [this.#latest!, this.#count - 1];
    this.#latest = undefined;
    this.#count = 0;
    this.#log(latest, others);
  }
}
