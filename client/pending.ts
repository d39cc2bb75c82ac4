/**
 * Requests that wait, each until its deadline.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";

/** What waits. */
export interface Waiting {
  /** Until when, in milliseconds. */
  readonly deadline: number;
}

/**
 * Requests by id. One timer serves them all: set for the earliest deadline, it looks for what is overdue.
 * A timer each would cost more than the rest of the client.
 */
export class PendingRequests<T extends Waiting> {
  readonly #requests = new Map<RequestId, T>();
  readonly #onOverdue: (id: RequestId, request: T) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  /** Whether the requests are also in the order of their deadlines, as with equal timeouts. */
  #isInOrder = true;
  #lastDeadline = 0;

  /** @param onOverdue is called for each request, out of the collection by then, whose time is up. */
  constructor(onOverdue: (id: RequestId, request: T) => void) {
    this.#onOverdue = onOverdue;
  }

  /** How many wait. */
  get size(): number {
    return this.#requests.size;
  }

  /** Whether a request with this id waits. */
  has(id: RequestId): boolean {
    return this.#requests.has(id);
  }

  /** The request with this id, which goes on waiting. */
  get(id: RequestId): T | undefined {
    return this.#requests.get(id);
  }

  /** The requests by id, in the order in which they were added. */
  entries(): IterableIterator<[RequestId, T]> {
    return this.#requests.entries();
  }

  /** Adds a request. */
  add(id: RequestId, request: T): void {
    if (this.#requests.size === 0) this.#isInOrder = true;
    else if (request.deadline < this.#lastDeadline) this.#isInOrder = false;
    this.#lastDeadline = request.deadline;
    this.#requests.set(id, request);
    if (request.deadline < this.#timerAt) this.#setTimer(request.deadline);
  }

  /** Takes a request out; undefined if there is none with this id. */
  take(id: RequestId): T | undefined {
    const request = this.#requests.get(id);
    if (request !== undefined) this.#requests.delete(id);
    return request;
  }

  /** Takes a request out that is of no more interest. */
  delete(id: RequestId): void {
    this.#requests.delete(id);
  }

  /** Takes all requests out, and stops the timer. */
  takeAll(): T[] {
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
    return requests;
  }

  #setTimer(at: number): void {
    clearTimeout(this.#timer);
    this.#timerAt = at;
    // Longer than a timer can be is as good as never: look again then. What is past is due at once.
    const wait = Math.min(Math.max(at - performance.now(), 0), 2 ** 31 - 1);
    this.#timer = setTimeout(this.#sweep, wait);
  }

  #sweep = (): void => {
    const now = performance.now();
    let next = Infinity;
    for (const [id, request] of this.#requests) {
      if (request.deadline <= now) {
        this.#requests.delete(id);
        this.#onOverdue(id, request);
        continue;
      }
      next = Math.min(next, request.deadline);
      if (this.#isInOrder) break;
    }
    this.#timerAt = Infinity;
    if (next < Infinity) this.#setTimer(next);
  };
}
