/**
 * When to send requests. The caller passes the time, in milliseconds.
 *
 * @module
 */

/** When to stop sending: whichever comes first. */
export interface LoadLimits {
  /** Number of requests. */
  readonly requests: number;
  /** How long to send, in milliseconds. */
  readonly duration: number;
}

/**
 * Decides when to send each frame.
 *
 * With a rate, the loop is open: frames are due at fixed times, whether or not the server keeps up.
 * Without one, it is closed: a frame is due as soon as there is room for it.
 */
export class Schedule {
  readonly #duration: number;
  readonly #batch: number;
  /** Milliseconds from one frame to the next; undefined in a closed loop. */
  readonly #interval: number | undefined;
  #left: number;
  #start = 0;
  #end = Infinity;
  #frames = 0;
  /**
   * When the last taken frame was due. In an open loop, a frame that had to wait for room keeps its
   * time, so that latency includes the wait (no coordinated omission).
   */
  intendedAt = 0;

  /**
   * @param batch requests that share a frame.
   * @param rate requests a second; undefined for a closed loop.
   */
  constructor({ requests, duration }: LoadLimits, batch: number, rate?: number) {
    this.#left = requests;
    this.#duration = duration;
    this.#batch = batch;
    this.#interval = rate === undefined ? undefined : 1000 * batch / rate;
  }

  /** Starts the clock. */
  start(now: number): void {
    this.#start = now;
    this.#end = now + this.#duration;
  }

  /** Takes the next frame; returns its number of requests, 0 if none is due. */
  take(now: number): number {
    const { nextAt } = this;
    if (nextAt > now || now >= this.#end) return 0;
    const count = Math.min(this.#batch, this.#left);
    this.#left -= count;
    this.#frames++;
    this.intendedAt = this.#interval === undefined ? now : nextAt;
    return count;
  }

  /** When the next frame is due: -Infinity for always, Infinity for never. */
  get nextAt(): number {
    if (this.#left === 0) return Infinity;
    if (this.#interval === undefined) return -Infinity;
    // A product, because a sum of intervals would add up their rounding errors.
    const at = this.#start + this.#frames * this.#interval;
    return at < this.#end ? at : Infinity;
  }

  /** Whether no frame will be due anymore. */
  isOver(now: number): boolean {
    return now >= this.#end || this.nextAt === Infinity;
  }

  /** Number of requests that were due by `now` but not taken; 0 in a closed loop. */
  missed(now: number): number {
    if (this.#interval === undefined) return 0;
    const elapsed = Math.min(now, this.#end) - this.#start;
    const due = Math.ceil(elapsed / this.#interval) - this.#frames;
    return Math.max(0, Math.min(due * this.#batch, this.#left));
  }
}
