/**
 * How long to wait before the next attempt.
 *
 * @module
 */

/** The bounds of a wait, in milliseconds. */
export interface Backoff {
  /** The longest wait before the first attempt; it doubles with each. */
  readonly first: number;
  /** The longest wait ever. */
  readonly most: number;
}

/**
 * A wait with full jitter: anything from 0 to a limit that doubles with each attempt. Clients that were
 * turned away together do not come back together.
 *
 * @param attempt counted from 0.
 * @param random as Math.random().
 * @returns milliseconds.
 */
export function jitter(
  { first, most }: Backoff,
  attempt: number,
  random: () => number = Math.random,
): number {
  return random() * Math.min(most, first * 2 ** attempt);
}
