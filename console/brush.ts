/**
 * The part of a run that a pointer selects.
 *
 * @module
 */

import type { Run } from "./request_log.ts";
import type { Brush } from "./selection.ts";

/** How far a pointer must move to limit the brush in a direction, in CSS pixels. */
const MIN_DRAG = 6;

/** A point in the window, in CSS pixels. */
interface Point {
  readonly clientX: number;
  readonly clientY: number;
}

/** A box in the window, in CSS pixels. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Returns the part of a run between two points of a box that shows `reach` milliseconds; undefined
 * if the points are too close.
 */
export function brushOf(
  a: Point,
  b: Point,
  { left, top, width, height }: Box,
  { run, reach }: { readonly run: Run; readonly reach: number },
): Brush | undefined {
  const isWide = Math.abs(a.clientX - b.clientX) >= MIN_DRAG;
  const isHigh = Math.abs(a.clientY - b.clientY) >= MIN_DRAG;
  if (!isWide && !isHigh) return undefined;
  const part = (value: number) => Math.min(1, Math.max(0, value));
  const xs = [a.clientX, b.clientX].map((x) => part((x - left) / width) * reach);
  const { length } = run.sent;
  const indexes = [a.clientY, b.clientY].map((y) =>
    Math.min(length - 1, Math.floor(part((y - top) / height) * length))
  );
  return {
    run,
    first: isHigh ? Math.min(...indexes) : 0,
    last: isHigh ? Math.max(...indexes) : length - 1,
    from: isWide ? Math.min(...xs) : 0,
    to: isWide ? Math.max(...xs) : Infinity,
  };
}
