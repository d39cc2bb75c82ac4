/**
 * Uncaught errors: the server ends, but answers requests in flight first.
 *
 * @module
 */

import { isTooLongText } from "./deno_workarounds.ts";

/** Handles uncaught errors and unhandled rejections, until it is disposed. */
export class UncaughtErrorHandler implements Disposable {
  /** Resolves at the first error after which the process must end. */
  readonly failed: Promise<void>;

  readonly #onError: (error: unknown) => void;
  readonly #fail: () => void;

  /** @param onError called with each error. */
  constructor(onError: (error: unknown) => void) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.failed = promise;
    this.#fail = resolve;
    this.#onError = onError;
    addEventListener("unhandledrejection", this.#onUnhandledRejection);
    addEventListener("error", this.#onUncaughtError);
  }

  /** Leaves further errors to Deno, which ends the process. */
  [Symbol.dispose](): void {
    removeEventListener("unhandledrejection", this.#onUnhandledRejection);
    removeEventListener("error", this.#onUncaughtError);
  }

  #onUnhandledRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.#onError(event.reason);
    // That error costs only one connection. ReadFairness catches it, unless a version of Deno lacks
    // the private members that it replaces.
    if (!isTooLongText(event.reason)) this.#fail();
  };

  #onUncaughtError = (event: ErrorEvent): void => {
    event.preventDefault();
    this.#onError(event.error);
    this.#fail();
  };
}
