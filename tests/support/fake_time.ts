/**
 * Time that a test moves.
 *
 * @module
 */

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

const real = {
  now: performance.now,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
};

/** Replaces `performance.now`, `setTimeout` and `clearTimeout` until it is disposed. */
export class FakeTime implements Disposable {
  /** What `performance.now()` returns. */
  now = 0;
  #timers = new Map<number, Timer>();
  #lastId = 0;

  /** Replaces the real ones. */
  constructor() {
    performance.now = () => this.now;
    globalThis.setTimeout = ((run: () => void, delay = 0) => {
      // Out of this range, the real one fires at once.
      if (!(delay < 2 ** 31)) throw new RangeError(`Cannot wait for ${delay} ms`);
      this.#timers.set(++this.#lastId, { at: this.now + Math.max(delay, 0), run });
      return this.#lastId;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = (id) => void this.#timers.delete(id as number);
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass, in milliseconds; each timer fires at its own time. */
  pass(duration: number): void {
    const end = this.now + duration;
    while (true) {
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end)
        .sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) break;
      const [id, { at, run }] = next;
      this.#timers.delete(id);
      this.now = Math.max(this.now, at);
      run();
    }
    this.now = end;
  }

  /** Restores the real ones. */
  [Symbol.dispose](): void {
    performance.now = real.now;
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
  }
}
