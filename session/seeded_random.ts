/**
 * Random numbers that a seed and the id of a request determine.
 *
 * @module
 */

/** Returns a number in [0, 1) for the request with the id `bytes[at .. end]`, JSON in UTF-8. */
export type SeededRandom = (bytes: Uint8Array, at: number, end: number) => number;

/** Streams of random numbers, which are independent of each other. */
export const RandomStream = { uniformDelay: 0, radius: 1, angle: 2, fault: 3 } as const;

/**
 * Returns the random numbers of one stream. A seed, an integer, makes a number a function of the
 * seed, the stream and the id alone.
 *
 * @throws {RangeError} if the seed is not an integer.
 */
export function seededRandom(
  seed: number | undefined,
  stream: typeof RandomStream[keyof typeof RandomStream],
): SeededRandom {
  if (seed === undefined) return () => Math.random();
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`seed: expected an integer within ±(2^53 − 1), got ${seed}`);
  }
  const basis = mix(mix(seed | 0) ^ Math.floor(seed / 2 ** 32)) ^ mix(stream);
  return (bytes, at, end) => fraction(basis, bytes, at, end);
}

/** Returns a number in [0, 1) that depends on the basis and on every byte: FNV-1a, then mixed. */
function fraction(basis: number, bytes: Uint8Array, at: number, end: number): number {
  let hash = basis ^ 0x811c9dc5;
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (mix(hash) >>> 0) / 2 ** 32;
}

/** Spreads every bit of a 32-bit integer over all of them, by the finalizer of MurmurHash3. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
