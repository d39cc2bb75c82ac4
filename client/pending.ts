/**
 * Keeps requests, each until its deadline.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";

/** The longest time that a timer can be set to, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/**
 * Requests by id, in the order in which they were added. They share one timer, set to the earliest
 * deadline: a timer per request would cost more than the rest of the client. Deadlines are in
 * milliseconds.
 */
export class PendingRequests<T extends { readonly deadline: number }> extends Map<RequestId, T> {
  readonly #onOverdue: (id: RequestId, request: T) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  /** Whether the requests are in the order of their deadlines, as with equal timeouts. */
  #isInOrder = true;
  #lastDeadline = 0;

  /** @param onOverdue is called for each request that was removed at its deadline. */
  constructor(onOverdue: (id: RequestId, request: T) => void) {
    super();
    this.#onOverdue = onOverdue;
  }

  override set(id: RequestId, request: T): this {
    if (this.size === 0) this.#isInOrder = true;
    else if (request.deadline < this.#lastDeadline) this.#isInOrder = false;
    this.#lastDeadline = request.deadline;
    super.set(id, request);
    if (request.deadline < this.#timerAt) this.#setTimer(request.deadline);
    return this;
  }

  override clear(): void {
    super.clear();
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
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
    for (const [id, request] of this) {
      if (request.deadline <= now) {
        this.delete(id);
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
