import { isDeepStrictEqual } from "node:util";
import { comparable } from "./_comparable.ts";

/**
 * Compares two values by their content.
 *
 * @param a One value.
 * @param b The other value.
 * @returns Whether their types and contents are the same.
 *
 * @example
 * ```ts
 * import { assert, equal } from "@std/assert";
 *
 * assert(equal({ a: [1, 2] }, { a: [1, 2] }));
 * assert(!equal({ a: [1, 2] }, { a: [2, 1] }));
 * ```
 */
export function equal(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b));
}
