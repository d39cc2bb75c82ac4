/**
 * Uncaught errors: the server ends, but answers requests in flight first.
 *
 * @module
 */

import { isTooLongText } from "./deno_workarounds.ts";

/**
 * Handles uncaught errors and unhandled rejections, until the result is disposed.
 *
 * @param onError called with each error.
 * @returns `failed`, which resolves at the first error after which the process must end.
 */
export function handleUncaughtErrors(
  onError: (error: unknown) => void,
): Disposable & { readonly failed: Promise<void> } {
  const { promise: failed, resolve: fail } = Promise.withResolvers<void>();
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    onError(event.reason);
    // That error costs only one connection. ReadFairness catches it, unless a version of Deno lacks
    // the private members that it replaces.
    if (!isTooLongText(event.reason)) fail();
  };
  const onUncaught = (event: ErrorEvent) => {
    event.preventDefault();
    onError(event.error);
    fail();
  };
  addEventListener("unhandledrejection", onRejection);
  addEventListener("error", onUncaught);
  return {
    failed,
    [Symbol.dispose]() {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("error", onUncaught);
    },
  };
}
