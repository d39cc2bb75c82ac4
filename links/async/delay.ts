/** Settings of {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the wait early. */
  signal?: AbortSignal;
  /** `false` lets the process end while the wait is still open. Default: `true`. */
  persistent?: boolean;
}

// The runtime fires a longer timer at once instead of late, so long waits are made of pieces.
const LONGEST = 2 ** 31 - 1;

/**
 * Waits.
 *
 * @param ms How long to wait, in milliseconds, of which a fraction is cut off.
 * @param options When to stop waiting, and whether the wait keeps the process alive.
 * @returns A promise that resolves after the wait. It rejects with the reason of the signal once
 * that is aborted.
 *
 * @example
 * ```ts
 * import { delay } from "@std/async/delay";
 *
 * await delay(5);
 * ```
 */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal, persistent = true } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);

  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (left: number) => {
    const piece = Math.min(left, LONGEST);
    timer = setTimeout(() => left > piece ? wait(left - piece) : resolve(), piece);
    if (!persistent) Deno.unrefTimer(Number(timer));
  };
  const stop = () => reject(signal?.reason);
  signal?.addEventListener("abort", stop);
  wait(Math.trunc(Math.max(ms, 0) || 0));
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  });
}
