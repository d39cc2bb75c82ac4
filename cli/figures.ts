/**
 * Figures for people: quantiles, and text.
 *
 * @module
 */

import type { Bar } from "../load/distribution.ts";

/** How long the bars of a histogram are where nothing else is said, in cells. */
const BAR_WIDTH = 40;

/**
 * Returns a function that gives quantiles of some values by nearest rank: the smallest value that a `part`,
 * from 0 to 1, of them does not exceed. If there are no values, it is Infinity.
 */
export function quantiles(values: readonly number[] | Float64Array): (part: number) => number {
  const sorted = Float64Array.from(values).sort();
  return (part) => sorted[Math.max(Math.ceil(part * sorted.length) - 1, 0)] ?? Infinity;
}

/** A count, its thousands set apart. */
export function formatCount(count: number): string {
  // Not by toLocaleString(), which takes 10 ms to load tables of languages.
  return String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** The word for `count` things, such as `request` or `requests`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}

/**
 * A count with what it counts.
 */
export function counted(count: number, one: string, many?: string): string {
  return `${formatCount(count)} ${plural(Math.round(count), one, many)}`;
}

/** A duration in milliseconds, with a unit that suits it. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1) return `${Math.round(1000 * milliseconds)} µs`;
  if (milliseconds < 1000) return `${significant(milliseconds)} ms`;
  return `${significant(milliseconds / 1000)} s`;
}

/** A line for each bar; `width` is that of the longest. */
export function histogram(bars: readonly Bar[], width = BAR_WIDTH): string[] {
  const most = Math.max(...bars.map(({ count }) => count), 1);
  const counts = bars.map(({ count }) => formatCount(count));
  const digits = Math.max(...counts.map((count) => count.length));
  return bars.map(({ from, to, count }, i) => {
    const range = `${formatDuration(from).padStart(8)} … ${formatDuration(to).padStart(8)}`;
    const bar = "■".repeat(Math.ceil(width * count / most));
    return `${range}  ${counts[i]!.padStart(digits)}  ${bar}`.trimEnd();
  });
}

function significant(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
