/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Ends the wait early. */
  signal?: AbortSignal;
  /** `false` lets the process end during the wait. Default: `true`. */
  persistent?: boolean;
}

// The runtime fires a longer timer at once, so a long wait consists of pieces.
const MAX_TIMER = 2 ** 31 - 1;

/**
 * Waits for `ms` milliseconds, without their fraction. Rejects with the reason of the signal once
 * that is aborted.
 */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal, persistent = true } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);

  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (left: number) => {
    const piece = Math.min(left, MAX_TIMER);
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
