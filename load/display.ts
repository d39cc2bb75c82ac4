/**
 * What is known of a run while it goes on, drawn over and over at the bottom of a terminal.
 *
 * @module
 */

import type { Output } from "../cli/output.ts";
import type { LoadOptions, Run } from "./run.ts";
import { errorRows, formatCount, formatDuration } from "./text.ts";

/** How long a drawing stands at least, in milliseconds. */
const FRAME = 250;

const BAR_WIDTH = 40;
const MAX_ERRORS = 5;

/** Lines that are too long are cut off, as what wraps could not be drawn over. */
const WRAP = { off: "\x1b[?7l", on: "\x1b[?7h" };
const ERASE_BELOW = "\x1b[J";

/** The drawing; where the output is no terminal, it does nothing. */
export class Display {
  readonly #output: Output;
  readonly #options: LoadOptions;
  #lines = 0;
  #drawnAt = -Infinity;
  #answered = 0;

  constructor(output: Output, options: LoadOptions) {
    this.#output = output;
    this.#options = options;
  }

  /** Draws how a run goes, unless it did so a moment ago. */
  draw(run: Run): void {
    const now = performance.now();
    if (!this.#output.isTerminal || this.#output.isBehind || now - this.#drawnAt < FRAME) return;
    const { answered } = run.results.counts;
    const since = Math.min(now - this.#drawnAt, run.elapsed);
    const rate = since > 0 ? 1000 * (answered - this.#answered) / since : 0;
    const lines = linesOf(run, this.#options, rate);
    this.#output.write(
      `${this.#top()}${WRAP.off}${lines.map((line) => `${line}\n`).join("")}${WRAP.on}`,
    );
    this.#lines = lines.length;
    this.#drawnAt = now;
    this.#answered = answered;
  }

  /** Takes it away. */
  clear(): void {
    if (this.#lines > 0) this.#output.write(this.#top());
    this.#lines = 0;
  }

  /** Moves to where the drawing begins, and erases it. */
  #top(): string {
    return this.#lines > 0 ? `\x1b[${this.#lines}A\r${ERASE_BELOW}` : "";
  }
}

function linesOf(run: Run, options: LoadOptions, rate: number): string[] {
  const { results, elapsed } = run;
  const { counts, latency } = results;
  const lines = [
    progress(elapsed, counts.sent, options),
    `${formatCount(rate)}/s, ${formatCount(results.inFlight)} in flight, ` +
    `${formatCount(counts.answered)} answered, ${formatCount(counts.failed)} failed, ` +
    `${formatCount(counts.timed_out)} timed out`,
  ];
  if (latency.count > 0) {
    const percentiles = [50, 90, 99].map((each) =>
      `p${each} ${formatDuration(latency.percentile(each))}`
    );
    lines.push(`latency: ${percentiles.join(", ")}, max ${formatDuration(latency.max)}`);
  }
  const errors = errorRows(Object.fromEntries(results.errors));
  return [...lines, ...errors.slice(0, MAX_ERRORS).map(([count, code]) => `  ${count}  ${code}`)];
}

/** How far it is: by the limit of which more is used up. */
function progress(elapsed: number, sent: number, { requests, duration }: LoadOptions): string {
  const byTime = Math.min(elapsed / duration, 1);
  const byCount = sent / requests;
  const filled = Math.round(BAR_WIDTH * Math.max(byTime, byCount));
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
  const far = byCount > byTime
    ? `${formatCount(sent)} of ${formatCount(requests)}`
    : `${seconds(Math.min(elapsed, duration))} of ${seconds(duration)}`;
  const waits = byTime === 1 || byCount === 1 ? ", waiting for the last answers" : "";
  return `[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}] ${far}${waits}`;
}
