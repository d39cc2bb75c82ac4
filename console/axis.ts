/**
 * The time axis of the requests.
 *
 * @module
 */

/** How far an axis reaches at first, in milliseconds; default delays are 1 to 5 s. */
export const FIRST_REACH = 6000;

/** How far an axis may reach, in seconds; beyond the last, it doubles. */
const REACHES = [0.1, 0.2, 0.5, 1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 45, 60, 90, 120];

/** Times between marks, in milliseconds. */
const STEPS = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000];

/** How many times too far an axis may reach before it shrinks. */
const MAX_SLACK = 4;

/**
 * Returns how far an axis should reach for a duration, in milliseconds. To change rarely, it
 * shrinks only if most of it is empty.
 */
export function fitAxis(reach: number, longest: number): number {
  if (longest <= reach && reach <= MAX_SLACK * longest) return reach;
  let fitting = 1000 * (REACHES.find((seconds) => 1000 * seconds >= longest) ?? REACHES.at(-1)!);
  while (fitting < longest) fitting *= 2;
  return fitting;
}

/** Returns the marks of an axis, in milliseconds. */
export function marksOf(reach: number): number[] {
  const step = stepOf(reach);
  return Array.from({ length: Math.ceil(reach / step) }, (_, i) => i * step);
}

/** Returns the time between marks, in milliseconds. */
export function stepOf(reach: number): number {
  return STEPS.find((step) => reach / step <= 6) ?? reach / 6;
}
