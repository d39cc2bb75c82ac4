/**
 * What is done about faults that nobody caught: the server ends, but not before it has answered.
 *
 * @module
 */

/**
 * What Deno itself rejects with, and nobody can catch, when a peer sends a text of more than 512 MiB in
 * fragments. Only that connection is lost. Where the connection's loop is ours, as it is in turns.ts,
 * it is caught there; this is for versions of Deno where it is not.
 */
const HARMLESS = /^failed to allocate string/i;

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
    if (event.reason instanceof Error && HARMLESS.test(event.reason.message)) return;
    this.#resolve();
  };

  #onError = (event: ErrorEvent): void => {
    event.preventDefault();
    this.#fail(event.error);
    this.#resolve();
  };
}
