/**
 * Watches the signals of requests.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";

/**
 * The requests that a signal gives up. Many requests may share a signal, so each signal is listened to
 * once, however many there are: a listener each would cost more than sending the request.
 */
export class AbortWatch {
  readonly #onAbort: (id: RequestId, reason: unknown) => void;
  readonly #watched = new Map<AbortSignal, { ids: Set<RequestId>; listener: () => void }>();

  /** @param onAbort is called for each request of a signal that is aborted. */
  constructor(onAbort: (id: RequestId, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  /** Watches the signal for a request. */
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

  /** The request has settled; the last one of a signal ends the listening. */
  remove(signal: AbortSignal, id: RequestId): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined || !watched.ids.delete(id) || watched.ids.size > 0) return;
    signal.removeEventListener("abort", watched.listener);
    this.#watched.delete(signal);
  }
}
