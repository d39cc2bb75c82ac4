/**
 * The time by which requests fall due.
 *
 * @module
 */

/** A clock. Its times are in milliseconds, from any start, and never go back. */
export interface Clock {
  now(): number;
  /**
   * Calls `callback` once, when the time is `time` or a little later.
   *
   * @returns a function that cancels the call.
   */
  callAt(time: number, callback: () => void): () => void;
}

/** Time as it passes. */
export const realClock: Clock = {
  now: () => performance.now(),
  callAt(time, callback) {
    const timer = setTimeout(callback, Math.max(time - performance.now(), 0));
    return () => clearTimeout(timer);
  },
};
