/**
 * Lines that show how a server or a sender is doing.
 *
 * @module
 */

import type { Server } from "../../server.ts";
import { counted, formatCount } from "../figures.ts";

const BAR_WIDTH = 30;

/** Longest period over which a rate is measured, in milliseconds. */
const WINDOW = 1000;

/** Numbers of requests. */
export interface Progress {
  /** Requests that have ended, including the failed ones. */
  readonly done: number;
  readonly failed: number;
  readonly inFlight: number;
  /** Requests overall, if that is known. */
  readonly total: number | undefined;
}

/** Returns a line about a sender, with a bar if the total is known. */
export function progressLine({ done, failed, inFlight, total }: Progress): string {
  const failures = failed === 0 ? "" : `${formatCount(failed)} failed, `;
  const rest = `done, ${failures}${formatCount(inFlight)} in flight`;
  if (total === undefined) return `${counted(done, "request")} ${rest}`;
  const bar = progressBar(done / Math.max(total, 1), BAR_WIDTH);
  return `${bar} ${formatCount(done)} of ${counted(total, "request")} ${rest}`;
}

/** Returns a bar that is filled up to a share, from 0 to 1; `width` is in cells. */
export function progressBar(share: number, width: number): string {
  return `[${"#".repeat(Math.round(width * share)).padEnd(width, "-")}]`;
}

/** A line about a server, to be read several times a second. */
export class ServerStatus {
  readonly #server: Pick<Server, "inFlight" | "answered">;
  /** Readings of the last second, the oldest first. */
  readonly #readings: { at: number; answered: number }[] = [];

  constructor(server: Pick<Server, "inFlight" | "answered">) {
    this.#server = server;
  }

  /** Returns the line. */
  toString(): string {
    const { inFlight, answered } = this.#server;
    const now = performance.now();
    this.#readings.push({ at: now, answered });
    while (this.#readings.length > 2 && this.#readings[0]!.at < now - WINDOW) {
      this.#readings.shift();
    }
    const oldest = this.#readings[0]!;
    const rate = 1000 * (answered - oldest.answered) / Math.max(now - oldest.at, 1);
    return `${counted(inFlight, "request")} in flight, ${formatCount(answered)} answered, ` +
      `${counted(rate, "answer")}/s`;
  }
}
