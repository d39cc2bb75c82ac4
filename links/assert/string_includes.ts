import { refuse } from "./_refuse.ts";

/**
 * Checks that a text contains another.
 *
 * @param actual The text.
 * @param expected What should be in it.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If it is not in it.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 *
 * assertStringIncludes("package", "pack");
 * ```
 */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) refuse(`No "${expected}" in "${actual}"`, msg);
}
