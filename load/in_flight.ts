/**
 * The requests in flight on one connection.
 *
 * @module
 */

/** Stands for a request that is not in flight. */
const NONE = -1;

/**
 * Requests by number. Since numbers are in the order of sending, a ring of two arrays holds all from
 * the oldest request in flight to the newest. A Map takes 0.4 to 0.9 µs more for each request.
 */
export class InFlight {
  #sentAt = new Float64Array(64).fill(NONE);
  #intendedAt = new Float64Array(64);
  /** No request before this number is in flight. */
  #oldest = 1;
  #next = 1;
  #size = 0;

  /** Number of requests in flight. */
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

  /** Returns when a request was sent; a negative number if it is not in flight. */
  sentAt(number: number): number {
    if (!(number >= this.#oldest && number < this.#next)) return NONE;
    return this.#sentAt[number & (this.#sentAt.length - 1)]!;
  }

  /** Returns when a request in flight was due. */
  intendedAt(number: number): number {
    return this.#intendedAt[number & (this.#sentAt.length - 1)]!;
  }

  /** Removes a request in flight. */
  settle(number: number): void {
    const mask = this.#sentAt.length - 1;
    this.#sentAt[number & mask] = NONE;
    this.#size--;
    while (this.#oldest < this.#next && this.#sentAt[this.#oldest & mask] === NONE) {
      this.#oldest++;
    }
  }

  /** Returns the number of the oldest request in flight if it was sent by `time`, else 0. */
  oldestSentBy(time: number): number {
    return this.#size > 0 && this.sentAt(this.#oldest) <= time ? this.#oldest : 0;
  }

  #grow(): void {
    const [sentAt, intendedAt] = [this.#sentAt, this.#intendedAt];
    const mask = sentAt.length - 1;
    this.#sentAt = new Float64Array(2 * sentAt.length).fill(NONE);
    this.#intendedAt = new Float64Array(2 * sentAt.length);
    for (let number = this.#oldest; number < this.#next; number++) {
      const at = number & (this.#sentAt.length - 1);
      this.#sentAt[at] = sentAt[number & mask]!;
      this.#intendedAt[at] = intendedAt[number & mask]!;
    }
  }
}
