/**
 * One line at the bottom of a terminal that is drawn over and over.
 *
 * @module
 */

import type { Output } from "./output.ts";

/** How long a drawing stands at least, in milliseconds. */
const FRAME = 100;

const ERASE_LINE = "\r\x1b[2K";
const BAR_WIDTH = 30;

/** Progress on a terminal; where the output is none, it does nothing. */
export class Progress {
  readonly #output: Output;
  #drawnAt = -Infinity;
  #isDrawn = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Draws how far things are, unless it did so a moment ago. */
  draw(done: number, total: number | undefined, note: string): void {
    const now = performance.now();
    if (!this.#output.isTerminal || now - this.#drawnAt < FRAME) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    this.#output.write(`${ERASE_LINE}${barOf(done, total)} ${note}`);
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.#isDrawn) return;
    this.#isDrawn = false;
    this.#output.write(ERASE_LINE);
  }
}

function barOf(done: number, total: number | undefined): string {
  if (total === undefined) return `${done}`;
  const filled = Math.round(BAR_WIDTH * done / Math.max(total, 1));
  return `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] ${done}/${total}`;
}
