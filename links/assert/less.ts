import { refuse, show } from "./_refuse.ts";

/**
 * Checks that a value is less than another.
 *
 * @param actual The value.
 * @param expected The value to compare with.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If `actual < expected` does not hold.
 *
 * @example
 * ```ts
 * import { assertLess } from "@std/assert";
 *
 * assertLess(1, 2);
 * ```
 */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) refuse(`Not so: ${show(actual)} < ${show(expected)}`, msg);
}
