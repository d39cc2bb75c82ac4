/**
 * A hash for tables whose keys strangers choose.
 *
 * @module
 */

/** Per process and secret, so that nobody can choose keys that all fall into one bucket. */
const [BASIS, ODD] = crypto.getRandomValues(new Int32Array(2)) as unknown as [number, number];

/** 5 modulo 8: its powers take longest to repeat; other odd factors may hash thousands of ids alike. */
const FACTOR = ODD & ~7 | 5;

/** Hashes `bytes[at .. end]` to 32 bits; `salt` tells apart what shares a table. */
export function secretHash(bytes: Uint8Array, at: number, end: number, salt = 0): number {
  let hash = BASIS ^ Math.imul(salt, FACTOR);
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FACTOR);
  return hash ^ (hash >>> 15);
}
