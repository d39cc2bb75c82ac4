/**
 * Durations on the command line, such as `10`, `10s` and `500ms`.
 *
 * @module
 */

const UNITS = { "": 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Returns a duration in milliseconds, NaN if the text is none. Without a unit, it is in seconds. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(|ms|s|m|h)$/.exec(text) ?? [];
  return Number(number) * UNITS[unit as keyof typeof UNITS];
}
