import { refuse, show } from "./_refuse.ts";
import { equal } from "./equal.ts";

/**
 * Checks that two values differ in content, as {@linkcode equal} sees it.
 *
 * @param actual The value there is.
 * @param expected The value it must differ from.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If the contents are the same.
 *
 * @example
 * ```ts
 * import { assertNotEquals } from "@std/assert";
 *
 * assertNotEquals([1, 2], [2, 1]);
 * ```
 */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) refuse(`Same content: ${show(actual)}`, msg);
}
