/**
 * A hash function for tables whose keys come from clients.
 *
 * @module
 */

/** Random in each process, so that no client can choose keys that share a bucket. */
const [BASIS, ODD] = crypto.getRandomValues(new Int32Array(2)) as unknown as [number, number];

/** 5 modulo 8, so that its powers repeat latest; other factors may hash thousands of ids alike. */
const FACTOR = ODD & ~7 | 5;

/** Hashes `bytes[at .. end]` to 32 bits; `salt` separates kinds of keys that share a table. */
export function secretHash(bytes: Uint8Array, at: number, end: number, salt = 0): number {
  let hash = BASIS ^ Math.imul(salt, FACTOR);
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FACTOR);
  return hash ^ (hash >>> 15);
}
