/**
 * Watches the signals of requests.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";

/**
 * Requests by their signal. Many requests may share a signal, so each signal gets one listener: a
 * listener per request would cost more than sending the request.
 */
export class AbortWatch {
  readonly #onAbort: (id: RequestId, reason: unknown) => void;
  readonly #ids = new Map<AbortSignal, Set<RequestId>>();

  /** @param onAbort is called for each request of an aborted signal. */
  constructor(onAbort: (id: RequestId, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  add(signal: AbortSignal, id: RequestId): void {
    let ids = this.#ids.get(signal);
    if (ids === undefined) {
      this.#ids.set(signal, ids = new Set());
      signal.addEventListener("abort", this.#abort, { once: true });
    }
    ids.add(id);
  }

  /** Stops watching for a request; the last one of a signal removes the listener. */
  remove(signal: AbortSignal, id: RequestId): void {
    const ids = this.#ids.get(signal);
    if (ids === undefined || !ids.delete(id) || ids.size > 0) return;
    signal.removeEventListener("abort", this.#abort);
    this.#ids.delete(signal);
  }

  readonly #abort = ({ target }: Event): void => {
    const signal = target as AbortSignal;
    const ids = this.#ids.get(signal)!;
    this.#ids.delete(signal);
    for (const id of ids) this.#onAbort(id, signal.reason);
  };
}
