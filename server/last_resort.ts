/**
 * What is done about faults that nobody caught: the server ends, but not before it has answered.
 *
 * @module
 */

import { isTooLongText } from "./deno_rejection.ts";

/** Watches for faults that would end the process. */
export class LastResort implements Disposable {
  /** Resolves at the first fault after which the process cannot be trusted. */
  readonly fault: Promise<void>;

  readonly #fail: (error: unknown) => void;
  readonly #resolve: () => void;

  /** @param fail told of each fault. */
  constructor(fail: (error: unknown) => void) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.fault = promise;
    this.#resolve = resolve;
    this.#fail = fail;
    addEventListener("unhandledrejection", this.#onRejection);
    addEventListener("error", this.#onError);
  }

  /** Leaves what comes from now on to Deno, which ends the process. */
  [Symbol.dispose](): void {
    removeEventListener("unhandledrejection", this.#onRejection);
    removeEventListener("error", this.#onError);
  }

  #onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    this.#fail(event.reason);
    // Only that connection is lost. Where its loop is ours, as in server/turns.ts, it is caught there; this
    // is for versions of Deno where it is not.
    if (isTooLongText(event.reason)) return;
    this.#resolve();
  };

  #onError = (event: ErrorEvent): void => {
    event.preventDefault();
    this.#fail(event.error);
    this.#resolve();
  };
}
