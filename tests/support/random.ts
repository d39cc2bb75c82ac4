/**
 * Control over chance: random numbers from a seed, a fixed `Math.random()`, and ids of known delays.
 *
 * @module
 */

import { delayPolicy, type DelayRange } from "../../session/delays.ts";

/**
 * Returns a function that returns random integers from 0 to below `limit`, the same in each run: the upper
 * bits of a linear congruential generator. Consecutive seeds give unrelated numbers.
 */
export function randomIntegers(seed: number): (limit: number) => number {
  let state = Math.imul(seed ^ seed >>> 16, 0x85ebca6b);
  state = Math.imul(state ^ state >>> 13, 0xc2b2ae35);
  return (limit) => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223 | 0;
    return Math.floor((state >>> 0) / 2 ** 32 * limit);
  };
}

/** Makes `Math.random()` return `value` until it is disposed. */
export function fixRandom(value: number): Disposable {
  const real = Math.random;
  Math.random = () => value;
  return { [Symbol.dispose]: () => void (Math.random = real) };
}

/** Returns an id that a server with this range and seed delays by `least` to `most` milliseconds. */
export function idDelayedBy(
  { delay, seed }: { delay: DelayRange; seed: number },
  least: number,
  most: number,
): string {
  const policy = delayPolicy(delay, seed);
  const encoder = new TextEncoder();
  for (let i = 0;; i++) {
    const bytes = encoder.encode(JSON.stringify(`id${i}`));
    const given = policy.delayOf(bytes, 0, bytes.length);
    if (given >= least && given <= most) return `id${i}`;
  }
}
