/**
 * What many measurements say together.
 *
 * @module
 */

/** Gives the value at or below which a part of them lies, from 0 to 1, by nearest rank; Infinity of none. */
export function quantiles(values: readonly number[]): (part: number) => number {
  const sorted = values.toSorted((a, b) => a - b);
  return (part) => sorted[Math.ceil(part * sorted.length) - 1] ?? Infinity;
}
