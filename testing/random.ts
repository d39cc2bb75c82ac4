/**
 * Random numbers from a seed, for runs of operations too long for fast-check.
 *
 * @module
 */

/**
 * Returns a function that gives an integer from 0 to below `limit`, another each time, the same each
 * run: a linear congruential generator, of which the upper bits are used.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { randomIntegers } from "./random.ts";
 *
 * const [one, other] = [randomIntegers(7), randomIntegers(7)];
 * assertEquals([one(6), one(6), one(6)], [other(6), other(6), other(6)]);
 * ```
 */
export function randomIntegers(seed: number): (limit: number) => number {
  let state = seed | 0;
  return (limit) => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    return Math.floor((state >>> 0) / 2 ** 32 * limit);
  };
}
