import { refuse, show } from "./_refuse.ts";

/**
 * Checks that a value is less than or equal to another.
 *
 * @param actual The value.
 * @param expected The value to compare with.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If `actual <= expected` does not hold.
 *
 * @example
 * ```ts
 * import { assertLessOrEqual } from "@std/assert";
 *
 * assertLessOrEqual(2, 2);
 * ```
 */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) refuse(`Not so: ${show(actual)} <= ${show(expected)}`, msg);
}
