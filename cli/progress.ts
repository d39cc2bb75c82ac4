/**
 * How far many requests are, in a line.
 *
 * @module
 */

const BAR_WIDTH = 30;

/** The line; where nobody knows the total, without a bar. */
export function progressLine(done: number, total: number | undefined, note: string): string {
  if (total === undefined) return `${done} ${note}`;
  const filled = Math.round(BAR_WIDTH * done / Math.max(total, 1));
  return `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] ${done}/${total} ${note}`;
}
