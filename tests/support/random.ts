/**
 * Chance in the hands of a test: random numbers from a seed, or a number of its own choice.
 *
 * @module
 */

/**
 * Returns a function that gives an integer from 0 to below `limit`, another each time, the same each run: a
 * linear congruential generator, of which the upper bits are used. Seeds that follow each other give
 * numbers that have nothing in common.
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
  let state = Math.imul(seed ^ seed >>> 16, 0x85ebca6b);
  state = Math.imul(state ^ state >>> 13, 0xc2b2ae35);
  return (limit) => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    return Math.floor((state >>> 0) / 2 ** 32 * limit);
  };
}

/** Puts a function that returns `value` in the place of `Math.random` until it is disposed. */
export function fixRandom(value: number): Disposable {
  const real = Math.random;
  Math.random = () => value;
  return { [Symbol.dispose]: () => void (Math.random = real) };
}
