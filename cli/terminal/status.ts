/**
 * How a server does, in a line.
 *
 * @module
 */

import type { Server } from "../../server.ts";
import { counted, formatCount } from "../figures.ts";

/** Over how long the rate is taken at most, in milliseconds. */
const WINDOW = 1000;

/** Tells of a server; asked several times a second. */
export class Status {
  readonly #server: Pick<Server, "inFlight" | "answered">;
  /** What was answered at times of the last moment, the oldest first. */
  readonly #seen: { at: number; answered: number }[] = [];

  constructor(server: Pick<Server, "inFlight" | "answered">) {
    this.#server = server;
  }

  /** The line. */
  toString(): string {
    const { inFlight, answered } = this.#server;
    const now = performance.now();
    this.#seen.push({ at: now, answered });
    while (this.#seen.length > 2 && this.#seen[0]!.at < now - WINDOW) this.#seen.shift();
    const oldest = this.#seen[0]!;
    const rate = 1000 * (answered - oldest.answered) / Math.max(now - oldest.at, 1);
    return `${counted(inFlight, "request")} in flight, ${formatCount(answered)} answered, ` +
      `${counted(rate, "answer")}/s`;
  }
}
