import { refuse, show } from "./_refuse.ts";

/**
 * Checks with `Object.is` that two values are the same one.
 *
 * @param actual The value there is.
 * @param expected The value there should be.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If they are not.
 *
 * @example
 * ```ts
 * import { assertStrictEquals } from "@std/assert";
 *
 * const list = [1];
 * assertStrictEquals(list, list);
 * ```
 */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) {
    refuse(`Not the same: ${show(actual)} and ${show(expected)}`, msg);
  }
}
