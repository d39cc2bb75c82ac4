import { checkError, type ErrorType, expectedFrom } from "./_error.ts";
import { refuse } from "./_refuse.ts";

/**
 * Checks that the promise a function returns rejects.
 *
 * @param fn The function.
 * @param msg Text to add to the error.
 * @returns A promise of what it rejected with.
 * @throws {AssertionError} If the promise resolves, or if the function throws or returns no promise.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => Promise.reject("no"));
 * ```
 */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/**
 * Checks that the promise a function returns rejects with an error of a class, and optionally what
 * the message of the error contains.
 *
 * @param fn The function.
 * @param ErrorClass The class.
 * @param msgIncludes What the message of the error should contain.
 * @param msg Text to add to the error.
 * @returns A promise of the error it rejected with.
 * @throws {AssertionError} If the promise resolves or rejects with something else, or if the
 * function throws or returns no promise.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => fetch("no-address"), TypeError);
 * ```
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorType<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  typeOrMsg?: ErrorType | string,
  includes?: string,
  msg?: string,
): Promise<unknown> {
  const expected = expectedFrom(typeOrMsg, includes, msg);
  let promise: unknown;
  try {
    promise = fn();
  } catch {
    refuse("The function threw instead of returning a promise", expected.msg);
  }
  if (typeof (promise as PromiseLike<unknown> | undefined)?.then !== "function") {
    refuse("The function did not return a promise", expected.msg);
  }
  try {
    await promise;
  } catch (error) {
    checkError(error, expected);
    return error;
  }
  refuse("Nothing was rejected", expected.msg);
}
