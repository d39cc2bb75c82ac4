/**
 * What is known of a run while it goes on, to be kept at the bottom of a terminal.
 *
 * @module
 */

import { counted, formatCount, formatDuration } from "./figures.ts";
import type { LoadOptions, Run } from "../load/run.ts";
import { errorRows } from "./bench_report.ts";

/** Over how long the rate is taken at least, in milliseconds. */
const MOMENT = 250;

const BAR_WIDTH = 40;
const MAX_ERRORS = 5;

/** Tells of a run. */
export class Display {
  readonly #options: LoadOptions;
  #rate = 0;
  #answered = 0;
  #countedAt = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** How a run goes. */
  lines(run: Run): string[] {
    const { answered } = run.results.counts;
    const since = run.elapsed - this.#countedAt;
    if (since >= MOMENT) {
      this.#rate = 1000 * (answered - this.#answered) / since;
      this.#answered = answered;
      this.#countedAt = run.elapsed;
    }
    return linesOf(run, this.#options, this.#rate);
  }
}

function linesOf(run: Run, options: LoadOptions, rate: number): string[] {
  const { results, elapsed } = run;
  const { counts, latency } = results;
  const lines = [
    progress(elapsed, counts.sent, options),
    `${counted(rate, "answer")}/s, ${formatCount(results.inFlight)} in flight, ` +
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
