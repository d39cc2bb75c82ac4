/**
 * A hash for tables whose keys strangers choose.
 *
 * @module
 */

/** What hashes with one key cannot be foretold without it. */
export interface HashKey {
  readonly basis: number;
  readonly factor: number;
}

/** A key that nobody knows. */
export function randomKey(): HashKey {
  const [basis, factor] = crypto.getRandomValues(new Int32Array(2));
  // 5 modulo 8: its powers take longest to repeat; other odd factors may hash thousands of names alike.
  return { basis: basis!, factor: factor! & ~7 | 5 };
}

/** Per process and secret, so that nobody can choose keys that all fall into one bucket. */
const { basis: BASIS, factor: FACTOR } = randomKey();

/** Hashes `bytes[at .. end]` to 32 bits; `salt` tells apart what shares a table. */
export function secretHash(bytes: Uint8Array, at: number, end: number, salt = 0): number {
  let hash = BASIS ^ Math.imul(salt, FACTOR);
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FACTOR);
  return hash ^ (hash >>> 15);
}

/** Hashes text to 32 bits, for tables that others share, and so the key. */
export function hashText(text: string, { basis, factor }: HashKey): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), factor);
  return hash ^ (hash >>> 15);
}
