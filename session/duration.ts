/**
 * Durations and numbers on the command line, such as `10`, `10s`, `500ms` and `0.25`.
 *
 * @module
 */

/** Seconds of each unit; `ms` divides, as 0.001 is not exact. */
const UNITS = { "": 1, s: 1, m: 60, h: 3600 };

/** Returns a duration in seconds, NaN if the text is none. Without a unit, it is in seconds. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(|ms|s|m|h)$/.exec(text) ?? [];
  return unit === "ms" ? Number(number) / 1000 : Number(number) * UNITS[unit as keyof typeof UNITS];
}

/** Returns a number without an exponent, as the command line takes it. */
export function formatNumber(number: number): string {
  return number.toLocaleString("en", { maximumFractionDigits: 20, useGrouping: false });
}
