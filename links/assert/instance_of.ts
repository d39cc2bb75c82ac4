import { refuse, show } from "./_refuse.ts";

/**
 * Checks that a value is an instance of a class, and tells the type checker so.
 *
 * @param actual The value.
 * @param expectedType The class.
 * @param msg Text to add to the error.
 * @throws {AssertionError} If it is not.
 *
 * @example
 * ```ts
 * import { assertInstanceOf } from "@std/assert";
 *
 * assertInstanceOf(new Map(), Map);
 * ```
 */
// deno-lint-ignore no-explicit-any -- only `any` lets classes with every kind of argument through
export function assertInstanceOf<T extends abstract new (...args: any[]) => any>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (!(actual instanceof expectedType)) {
    refuse(`Not an instance of ${expectedType.name}: ${show(actual)}`, msg);
  }
}
