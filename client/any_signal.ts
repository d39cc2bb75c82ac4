/**
 * Joins signals, because the result of `AbortSignal.any()` may be lost.
 *
 * **What is broken.** Deno keeps a joined signal only as long as a script refers to it. What waits
 * for it inside, such as `stream.pipeThrough(…, { signal })`, does not count. So a garbage
 * collection may take the signal away, and what waits for it waits for ever.
 *
 * **Where.** Deno 2.7.11 and 2.9.6; with 2.7.11 also for listeners.
 *
 * **When this can go.** When the test of this module passes with `AbortSignal.any` in place of
 * `anySignal`, on the oldest supported Deno.
 *
 * @module
 */

/**
 * Returns a signal that is aborted, with the same reason, as soon as one of these is. It lives as
 * long as they do.
 */
export function anySignal(...signals: readonly AbortSignal[]): AbortSignal {
  const joined = new AbortController();
  for (const signal of signals) {
    const abort = () => joined.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }
  return joined.signal;
}
