import { delay } from "./delay.ts";

/** Settings of {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Gives up before the time is over. */
  signal?: AbortSignal;
}

/**
 * Puts a time limit on a promise. The work behind the promise goes on; only the wait for it ends.
 *
 * @param p The promise to wait for.
 * @param ms The limit in milliseconds.
 * @param options What else ends the wait.
 * @returns A promise that settles as `p` does. It rejects with a `DOMException` named
 * `TimeoutError` when the time is over first, and with the reason of the signal when that is
 * aborted first.
 *
 * @example
 * ```ts
 * import { deadline } from "@std/async/deadline";
 *
 * const answer = await deadline(Promise.resolve(42), 1000);
 * console.assert(answer === 42);
 * ```
 */
export async function deadline<T>(
  p: Promise<T>,
  ms: number,
  options: DeadlineOptions = {},
): Promise<T> {
  // Not AbortSignal.timeout(): its timer cannot be taken back, and would outlive a quick promise.
  const settled = new AbortController();
  const signals = options.signal ? [settled.signal, options.signal] : [settled.signal];
  const late = delay(ms, { signal: AbortSignal.any(signals) }).then((): never => {
    throw new DOMException(`No result within ${ms} ms`, "TimeoutError");
  });
  try {
    return await Promise.race([late, p]);
  } finally {
    settled.abort();
  }
}
