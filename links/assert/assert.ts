import { refuse } from "./_refuse.ts";

/**
 * Checks that a value is truthy, and tells the type checker so.
 *
 * @param expr The value.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If it is falsy.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 *
 * assert("text".length > 3);
 * ```
 */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) refuse("Not truthy", msg);
}
