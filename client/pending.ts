/**
 * Keeps requests, each until its deadline.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";

/** The longest time that a timer can be set to, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/**
 * Requests by id. They share one timer, set to the earliest deadline: a timer per request would
 * cost more than the rest of the client. Deadlines are in milliseconds.
 */
export class PendingRequests<T extends { readonly deadline: number }> {
  readonly #requests = new Map<RequestId, T>();
  readonly #onOverdue: (id: RequestId, request: T) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  /** Whether the requests are in the order of their deadlines, as with equal timeouts. */
  #isInOrder = true;
  #lastDeadline = 0;

  /** @param onOverdue is called for each request that was removed at its deadline. */
  constructor(onOverdue: (id: RequestId, request: T) => void) {
    this.#onOverdue = onOverdue;
  }

  /** The number of requests. */
  get size(): number {
    return this.#requests.size;
  }

  /** Whether there is a request with this id. */
  has(id: RequestId): boolean {
    return this.#requests.has(id);
  }

  /** Returns the request with this id, if any. */
  get(id: RequestId): T | undefined {
    return this.#requests.get(id);
  }

  /** Returns the requests by id, in the order in which they were added. */
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

  /** Removes and returns the request with this id, if any. */
  take(id: RequestId): T | undefined {
    const request = this.#requests.get(id);
    if (request !== undefined) this.#requests.delete(id);
    return request;
  }

  /** Removes the request with this id. */
  delete(id: RequestId): void {
    this.#requests.delete(id);
  }

  /** Removes and returns all requests, and stops the timer. */
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
    const wait = Math.max(at - performance.now(), 0);
    this.#timer = setTimeout(this.#sweep, Math.min(wait, MAX_TIMER));
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
