/**
 * The time axis: how far it reaches and where its marks are.
 *
 * @module
 */

/** How far an axis may reach, in milliseconds; after the last, by doubling. */
const REACHES = [0.1, 0.2, 0.5, 1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 45, 60, 90, 120].map((s) =>
  s * 1000
);

/** Between marks, in milliseconds, so that there are between 4 and 6 of them or so. */
const STEPS = [20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000];

/** Of an axis that reaches this many times as far as is needed, little would be seen. */
const FAR_TOO_FAR = 4;

/**
 * How far the axis is to reach so that `longest` fits. It grows when it must, and shrinks only where
 * most of it is empty: it should not jump about.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fitAxis } from "./axis.ts";
 *
 * assertEquals(fitAxis(6000, 7500), 8000);
 * assertEquals(fitAxis(6000, 2500), 6000);
 * assertEquals(fitAxis(6000, 280), 500);
 * ```
 */
export function fitAxis(reach: number, longest: number): number {
  if (longest <= reach && reach <= FAR_TOO_FAR * longest) return reach;
  let fitting = REACHES.find((each) => each >= longest) ?? REACHES.at(-1)!;
  while (fitting < longest) fitting *= 2;
  return fitting;
}

/**
 * Where the marks of an axis are, in milliseconds.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { marksOf } from "./axis.ts";
 *
 * assertEquals(marksOf(6000), [0, 1000, 2000, 3000, 4000, 5000]);
 * assertEquals(marksOf(500), [0, 100, 200, 300, 400]);
 * ```
 */
export function marksOf(reach: number): number[] {
  const step = stepOf(reach);
  return Array.from({ length: Math.ceil(reach / step) }, (_, i) => i * step);
}

/** How far apart they are. */
export function stepOf(reach: number): number {
  return STEPS.find((step) => reach / step <= 6) ?? reach / 6;
}
