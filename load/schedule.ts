/**
 * When requests are to be sent. Time is an argument, in milliseconds.
 *
 * @module
 */

/** When to stop sending: whichever comes first. */
export interface Limits {
  /** How many requests there are in all. */
  readonly requests: number;
  /** How long they are sent, in milliseconds. */
  readonly duration: number;
}

/** Says which requests may be sent, a frame at a time. */
export interface Schedule {
  /** Sets the clock going. */
  start(now: number): void;
  /** How many requests are to share a frame that is sent now; 0 if none is to be sent. */
  take(now: number): number;
  /** When those that were taken last were to be sent. */
  readonly intendedAt: number;
  /** When there is something to take: -Infinity for always, Infinity for never again. */
  readonly nextAt: number;
  /** Whether nothing is to be sent any more. */
  isOver(now: number): boolean;
  /** How many requests were to be sent by `now`, but have not been taken. */
  missed(now: number): number;
}

/** The next request is sent as soon as there is room for it: the server sets the pace. */
export class ClosedLoop implements Schedule {
  readonly #duration: number;
  readonly #batch: number;
  #left: number;
  #end = Infinity;
  /** When the last were taken, which is when they were to be sent. */
  intendedAt = 0;

  /** @param batch how many requests share a frame. */
  constructor({ requests, duration }: Limits, batch: number) {
    this.#left = requests;
    this.#duration = duration;
    this.#batch = batch;
  }

  start(now: number): void {
    this.#end = now + this.#duration;
  }

  take(now: number): number {
    if (this.isOver(now)) return 0;
    const count = Math.min(this.#batch, this.#left);
    this.#left -= count;
    this.intendedAt = now;
    return count;
  }

  get nextAt(): number {
    return this.#left > 0 ? -Infinity : Infinity;
  }

  isOver(now: number): boolean {
    return this.#left === 0 || now >= this.#end;
  }

  missed(): number {
    return 0;
  }
}

/**
 * Requests are sent at a fixed rate, whether or not the server keeps up. One that has to wait for room
 * keeps the time at which it was to be sent; so that the wait counts (no coordinated omission).
 */
export class OpenLoop implements Schedule {
  readonly #duration: number;
  readonly #batch: number;
  /** Milliseconds from one frame to the next. */
  readonly #interval: number;
  #left: number;
  #start = 0;
  #end = Infinity;
  #taken = 0;
  /** When the last were to be sent. */
  intendedAt = 0;

  /**
   * @param batch how many requests share a frame.
   * @param rate requests a second.
   */
  constructor({ requests, duration }: Limits, batch: number, rate: number) {
    this.#left = requests;
    this.#duration = duration;
    this.#batch = batch;
    this.#interval = 1000 * batch / rate;
  }

  start(now: number): void {
    this.#start = now;
    this.#end = now + this.#duration;
  }

  take(now: number): number {
    const { nextAt } = this;
    if (nextAt > now || now >= this.#end) return 0;
    const count = Math.min(this.#batch, this.#left);
    this.#left -= count;
    this.#taken++;
    this.intendedAt = nextAt;
    return count;
  }

  /** Multiplied anew each time: adding up intervals would add up their rounding as well. */
  get nextAt(): number {
    const at = this.#start + this.#taken * this.#interval;
    return this.#left > 0 && at < this.#end ? at : Infinity;
  }

  isOver(now: number): boolean {
    return now >= this.#end || this.nextAt === Infinity;
  }

  missed(now: number): number {
    const elapsed = Math.min(now, this.#end) - this.#start;
    const due = Math.ceil(elapsed / this.#interval) - this.#taken;
    return Math.max(0, Math.min(due * this.#batch, this.#left));
  }
}
