/**
 * How far many requests are, in a line.
 *
 * @module
 */

import { counted, formatCount } from "../figures.ts";

const BAR_WIDTH = 30;

/** How many requests have come how far. */
export interface Progress {
  /** Requests that have ended, the failed ones included. */
  readonly done: number;
  readonly failed: number;
  readonly inFlight: number;
  /** How many there will be, if that is known. */
  readonly total: number | undefined;
}

/** The line; where nobody knows the total, without a bar. */
export function progressLine({ done, failed, inFlight, total }: Progress): string {
  const failures = failed === 0 ? "" : `${formatCount(failed)} failed, `;
  const rest = `done, ${failures}${formatCount(inFlight)} in flight`;
  if (total === undefined) return `${counted(done, "request")} ${rest}`;
  const filled = Math.round(BAR_WIDTH * done / Math.max(total, 1));
  const bar = "#".repeat(filled) + "-".repeat(BAR_WIDTH - filled);
  return `[${bar}] ${formatCount(done)} of ${counted(total, "request")} ${rest}`;
}
