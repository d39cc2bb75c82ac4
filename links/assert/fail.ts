import { refuse } from "./_refuse.ts";

/**
 * Fails in any case, for a place that must not be reached.
 *
 * @param msg Text to add to the error.
 * @throws {AssertionError} Always.
 *
 * @example
 * ```ts
 * import { assertThrows, fail } from "@std/assert";
 *
 * assertThrows(() => fail("not here"));
 * ```
 */
export function fail(msg?: string): never {
  refuse("Failed", msg);
}
