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
  readonly #watched = new Map<AbortSignal, { ids: Set<RequestId>; listener: () => void }>();

  /** @param onAbort is called for each request of an aborted signal. */
  constructor(onAbort: (id: RequestId, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  /** Watches the signal of a request. */
  add(signal: AbortSignal, id: RequestId): void {
    let watched = this.#watched.get(signal);
    if (watched === undefined) {
      const ids = new Set<RequestId>();
      const listener = () => {
        this.#watched.delete(signal);
        for (const id of ids) this.#onAbort(id, signal.reason);
      };
      signal.addEventListener("abort", listener, { once: true });
      this.#watched.set(signal, watched = { ids, listener });
    }
    watched.ids.add(id);
  }

  /** Stops watching for a request; the last one of a signal removes the listener. */
  remove(signal: AbortSignal, id: RequestId): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined || !watched.ids.delete(id) || watched.ids.size > 0) return;
    signal.removeEventListener("abort", watched.listener);
    this.#watched.delete(signal);
  }
}
