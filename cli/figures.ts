/**
 * Numbers as text for people, and quantiles.
 *
 * @module
 */

import type { Bar } from "../load/distribution.ts";

/**
 * Returns a function that returns quantiles by nearest rank: the smallest value that a `part` of all
 * values, from 0 to 1, does not exceed. Without values, it returns Infinity.
 */
export function quantiles(values: readonly number[]): (part: number) => number {
  const sorted = Float64Array.from(values).sort();
  return (part) => sorted[Math.max(Math.ceil(part * sorted.length) - 1, 0)] ?? Infinity;
}

/** Returns a count with separated thousands. */
export function formatCount(count: number): string {
  // Not by toLocaleString(), which takes 10 ms to load tables of languages.
  return String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Returns the singular or plural for `count` things, such as `request` or `requests`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}

/** Returns a count with its noun, such as `2,000 requests`. */
export function counted(count: number, one: string, many?: string): string {
  return `${formatCount(count)} ${plural(Math.round(count), one, many)}`;
}

/** Returns a duration, given in milliseconds, in µs, ms or s. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1) return `${Math.round(1000 * milliseconds)} µs`;
  if (milliseconds < 1000) return `${significant(milliseconds)} ms`;
  return `${significant(milliseconds / 1000)} s`;
}

/** Returns a line for each bar; `width` is the length of the longest, in cells. */
export function histogram(bars: readonly Bar[], width = 40): string[] {
  const most = Math.max(...bars.map(({ count }) => count), 1);
  const counts = bars.map(({ count }) => formatCount(count));
  const digits = Math.max(...counts.map((count) => count.length));
  return bars.map(({ from, to, count }, i) => {
    const range = `${formatDuration(from).padStart(8)} … ${formatDuration(to).padStart(8)}`;
    const bar = "■".repeat(Math.ceil(width * count / most));
    return `${range}  ${counts[i]!.padStart(digits)}  ${bar}`.trimEnd();
  });
}

/** Returns a bar that is filled up to a share, from 0 to 1; `width` is in cells. */
export function progressBar(share: number, width: number): string {
  return `[${"#".repeat(Math.round(width * share)).padEnd(width, "-")}]`;
}

function significant(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
