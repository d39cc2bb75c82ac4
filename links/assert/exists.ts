import { refuse } from "./_refuse.ts";

/**
 * Checks that a value is neither `null` nor `undefined`, and tells the type checker so.
 *
 * @param actual The value.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If it is `null` or `undefined`.
 *
 * @example
 * ```ts
 * import { assertExists } from "@std/assert";
 *
 * assertExists([7].at(0));
 * ```
 */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) refuse(`Missing: ${actual}`, msg);
}
