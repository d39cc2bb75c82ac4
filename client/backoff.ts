/**
 * Waits before attempts.
 *
 * @module
 */

/** Limits of waits, in milliseconds: `first` before the first attempt, doubling up to `most`. */
export interface Backoff {
  readonly first: number;
  readonly most: number;
}

/**
 * Returns a wait with full jitter, in milliseconds: a random time up to a limit that doubles with
 * each attempt, from 0. Clients that were disconnected together do not reconnect together.
 */
export function jitter({ first, most }: Backoff, attempt: number, random = Math.random): number {
  return random() * Math.min(most, first * 2 ** attempt);
}
