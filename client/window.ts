/**
 * Sends many requests, a window of them at once.
 *
 * @module
 */

import { AbortError, ClientError } from "./errors.ts";
import type { Reply } from "./reply.ts";

/** The outcome of one request of many: a reply or an error. */
export interface Outcome<R = Reply> {
  /** The position of the request in the source, from 0. */
  readonly index: number;
  /** The reply, if there is no error. */
  readonly reply?: R;
  /** The error, if there is no reply. */
  readonly error?: ClientError;
}

/** Options for {@linkcode settleAll}. */
export interface WindowOptions {
  /** The most inputs in flight, or settled and not yet taken. */
  window: number;
  /** Whether outcomes are yielded in the order of the source. */
  ordered: boolean;
  /** Cancels the requests in flight, and stops reading the source. */
  signal: AbortSignal | undefined;
}

/**
 * Sends each input of `source` and yields the outcomes.
 *
 * @throws the error of the source, or any error of `send` that is no {@linkcode ClientError}.
 */
export async function* settleAll<T, R>(
  source: Iterable<T> | AsyncIterable<T>,
  send: (input: T, signal: AbortSignal) => Promise<R>,
  { window, ordered, signal }: WindowOptions,
): AsyncGenerator<Outcome<R>, void, void> {
  /** Outcomes not yet taken, by their position in the order of the result. */
  const outcomes = new Map<number, Outcome<R>>();
  let started = 0;
  let settled = 0;
  let taken = 0;
  let isRead = false;
  let failure: { error: unknown } | undefined;
  let wake = () => {};

  const abort = new AbortController();
  const stop = () => {
    abort.abort(signal?.reason);
    wake();
  };
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });

  const settle = (outcome: Outcome<R>) => {
    outcomes.set(ordered ? outcome.index : settled, outcome);
    settled++;
    wake();
  };
  const fail = (error: unknown) => {
    failure ??= { error };
    wake();
  };
  const start = (input: T) => {
    const index = started++;
    send(input, abort.signal).then(
      (reply) => settle({ index, reply }),
      (error) => error instanceof ClientError ? settle({ index, error }) : fail(error),
    );
  };

  const iterator = Symbol.asyncIterator in source
    ? source[Symbol.asyncIterator]()
    : source[Symbol.iterator]();
  let isReading = false;
  const take = ({ done, value }: IteratorResult<T>) => {
    isReading = false;
    if (done) isRead = true;
    else if (!abort.signal.aborted) start(value);
  };
  const fill = () => {
    while (!isRead && !isReading && !abort.signal.aborted && started - taken < window) {
      const next = iterator.next();
      if ("then" in next) {
        isReading = true;
        next.then(take).then(() => wake(), fail);
      } else {
        take(next);
      }
    }
  };

  try {
    while (true) {
      fill();
      if (failure !== undefined) throw failure.error;
      const outcome = outcomes.get(taken);
      if (outcome !== undefined) {
        outcomes.delete(taken++);
        yield outcome;
      } else if (taken === started && (isRead || abort.signal.aborted)) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    abort.abort(new AbortError(signal?.reason ?? "the caller left the loop"));
    // A source that is busy with its next input would return only after that, so it is not awaited.
    const ended = Promise.resolve(isRead ? undefined : iterator.return?.());
    if (isReading) ended.catch(() => {});
    else await ended;
  }
}
