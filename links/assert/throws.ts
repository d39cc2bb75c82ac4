import { checkError, type ErrorType, expectedFrom } from "./_error.ts";
import { refuse } from "./_refuse.ts";

/**
 * Checks that a function throws.
 *
 * @param fn The function.
 * @param msg Text to add to the error.
 * @returns What the function threw.
 * @throws {AssertionError} If it does not throw.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => JSON.parse("{"));
 * ```
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Checks that a function throws an error of a class, and optionally what its message contains.
 *
 * @param fn The function.
 * @param ErrorClass The class.
 * @param msgIncludes What the message of the error should contain.
 * @param msg Text to add to the error.
 * @returns The error that the function threw.
 * @throws {AssertionError} If it throws nothing or something else.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => new Array(-1), RangeError, "length");
 * ```
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorType<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  typeOrMsg?: ErrorType | string,
  includes?: string,
  msg?: string,
): unknown {
  const expected = expectedFrom(typeOrMsg, includes, msg);
  try {
    fn();
  } catch (error) {
    checkError(error, expected);
    return error;
  }
  refuse("Nothing was thrown", expected.msg);
}
