import { refuse } from "./_refuse.ts";

/**
 * Checks that a text matches a pattern.
 *
 * @param actual The text.
 * @param expected The pattern.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If it does not match.
 *
 * @example
 * ```ts
 * import { assertMatch } from "@std/assert";
 *
 * assertMatch("1.2.3", /^\d+\.\d+/);
 * ```
 */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) refuse(`No match for ${expected} in "${actual}"`, msg);
}
