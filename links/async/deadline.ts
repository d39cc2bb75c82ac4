import { delay } from "./delay.ts";

/** Options for {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Ends the wait early. */
  signal?: AbortSignal;
}

/**
 * Puts a time limit of `ms` milliseconds on a promise. The work behind the promise goes on; only
 * the wait for it ends.
 *
 * @throws {DOMException} Named `TimeoutError`, if the time is over first; if the signal is aborted
 * first, throws the reason of the signal.
 */
export async function deadline<T>(
  p: Promise<T>,
  ms: number,
  options: DeadlineOptions = {},
): Promise<T> {
  // Not AbortSignal.timeout(): its timer cannot be canceled and would outlive a quick promise.
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
