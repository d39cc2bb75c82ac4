import { refuse, show } from "./_refuse.ts";

/**
 * Checks that a value is greater than another.
 *
 * @param actual The value.
 * @param expected The value to compare with.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If `actual > expected` does not hold.
 *
 * @example
 * ```ts
 * import { assertGreater } from "@std/assert";
 *
 * assertGreater(2, 1);
 * ```
 */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) refuse(`Not so: ${show(actual)} > ${show(expected)}`, msg);
}
