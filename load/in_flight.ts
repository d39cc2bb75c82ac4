/**
 * The requests that wait for an answer on one connection.
 *
 * @module
 */

/** What stands in the place of a request that has been settled. */
const SETTLED = -1;

/**
 * Requests by their number. Numbers are given in the order of sending, so a ring of two arrays does for a
 * map: it holds everything from the oldest that waits to the newest. As all have the same timeout, the
 * first that is not overdue ends a sweep.
 */
export class InFlight {
  #sentAt = new Float64Array(64).fill(SETTLED);
  #intendedAt = new Float64Array(64);
  /** The number of the oldest that may still wait. */
  #oldest = 1;
  /** The number that the next gets. */
  #next = 1;
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Adds a request; returns its number, a positive integer. */
  add(sentAt: number, intendedAt: number): number {
    if (this.#next - this.#oldest === this.#sentAt.length) this.#grow();
    const at = this.#next & (this.#sentAt.length - 1);
    this.#sentAt[at] = sentAt;
    this.#intendedAt[at] = intendedAt;
    this.#size++;
    return this.#next++;
  }

  /** When request `number` was sent; negative if it does not wait. */
  sentAt(number: number): number {
    if (!(number >= this.#oldest && number < this.#next)) return SETTLED;
    return this.#sentAt[number & (this.#sentAt.length - 1)]!;
  }

  /** When request `number`, which waits, was to be sent. */
  intendedAt(number: number): number {
    return this.#intendedAt[number & (this.#sentAt.length - 1)]!;
  }

  /** Takes out request `number`, which waits. */
  settle(number: number): void {
    const mask = this.#sentAt.length - 1;
    this.#sentAt[number & mask] = SETTLED;
    this.#size--;
    while (this.#oldest < this.#next && this.#sentAt[this.#oldest & mask] === SETTLED) {
      this.#oldest++;
    }
  }

  /** The number of the oldest request that waits, if that was sent at `time` or before; else 0. */
  oldestSentBy(time: number): number {
    return this.#size > 0 && this.sentAt(this.#oldest) <= time ? this.#oldest : 0;
  }

  #grow(): void {
    const [sentAt, intendedAt] = [this.#sentAt, this.#intendedAt];
    const mask = sentAt.length - 1;
    this.#sentAt = new Float64Array(2 * sentAt.length).fill(SETTLED);
    this.#intendedAt = new Float64Array(2 * sentAt.length);
    for (let number = this.#oldest; number < this.#next; number++) {
      const at = number & (this.#sentAt.length - 1);
      this.#sentAt[at] = sentAt[number & mask]!;
      this.#intendedAt[at] = intendedAt[number & mask]!;
    }
  }
}
