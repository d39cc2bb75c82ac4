/**
 * Shows how requests end: answers on stdout as they come, all else on stderr.
 *
 * @module
 */

import { type Outcome, RequestError, type RetryStats } from "../client.ts";
import { encodeError, isErrorCode, type RequestId } from "../protocol.ts";
import type { Chart } from "./terminal/chart.ts";
import type { Streams } from "./command.ts";
import { Exit } from "./exit.ts";
import { escapeControls } from "./terminal/escape.ts";
import { counted } from "./figures.ts";
import { progressLine } from "./terminal/progress.ts";
import { Summary } from "./summary.ts";

/** Up to this many requests need no progress. */
const HANDFUL = 5;

/** The most faulty lines of the input that are reported one by one. */
const MAX_REPORTED = 5;

/** What is shown. */
export interface OutcomesOptions {
  quiet: boolean;
  /** Whether the summary is one JSON object. */
  json: boolean;
  chart: boolean;
  /** How many requests there will be, if that is known. */
  total: number | undefined;
  /** What one input is. */
  input: "argument" | "line";
}

/** What has requests under way. */
interface Sender {
  readonly inFlight: number;
  readonly retryStats: RetryStats;
}

/** Shows outcomes, and sums them up. */
export class Outcomes {
  readonly #streams: Streams;
  readonly #options: OutcomesOptions;
  readonly #chart: Chart | undefined;
  readonly #summary = new Summary();
  /** How many inputs have had a fault. */
  #reported = 0;

  private constructor(streams: Streams, options: OutcomesOptions, chart: Chart | undefined) {
    this.#streams = streams;
    this.#options = options;
    this.#chart = chart;
  }

  /** Makes ready to show. Only those who want a chart wait for what draws it. */
  static async start(streams: Streams, options: OutcomesOptions): Promise<Outcomes> {
    if (!options.chart) return new Outcomes(streams, options, undefined);
    const { Chart } = await import("./terminal/chart.ts");
    return new Outcomes(streams, options, new Chart(streams.stderr.hasColours));
  }

  /** There is a connection: from the first one on, the time counts. */
  connected(): void {
    this.#summary.begin();
  }

  /** A request is about to be sent, in the order of `Outcome.index`. */
  sent(id: RequestId | undefined): void {
    this.#chart?.sent(id);
  }

  /** Says what happens to the connection, unless it is to be quiet. */
  tell(text: string): void {
    if (!this.#options.quiet) this.warn(text);
  }

  /** Says what may not be passed over. */
  warn(text: string): void {
    this.#streams.stderr.write(escapeControls(text) + "\n");
  }

  /** Reports an input that is not sent; it counts as a failed request. */
  refuse(number: number, reason: string): void {
    this.#summary.refuse();
    this.doubt(number, reason);
  }

  /** Reports an input by its number, counted from 1. Very many only add to a count. */
  doubt(number: number, reason: string): void {
    if (++this.#reported > MAX_REPORTED) return;
    this.warn(`${this.#options.input} ${number}: ${reason}`);
  }

  /** Shows all outcomes of `sender`, until there are none, or nobody reads them. */
  async show(outcomes: AsyncIterable<Outcome>, sender: Sender): Promise<void> {
    const { stdout, stderr } = this.#streams;
    const { quiet, total } = this.#options;
    const showsProgress = !quiet && (total ?? Infinity) > HANDFUL;
    const progress = () => {
      const { count: done, failed } = this.#summary;
      return progressLine({ done, failed, inFlight: sender.inFlight, total });
    };
    using _progress = stderr.keepBelow((size) => [
      ...this.#chart?.live(size) ?? [],
      ...showsProgress ? [progress()] : [],
    ]);
    for await (const outcome of outcomes) {
      if (stdout.isBroken) break;
      this.#summary.add(outcome);
      this.#chart?.settled(outcome);
      this.#print(outcome);
      if (stdout.isBehind) await stdout.flush();
    }
    this.#summary.retryStats = sender.retryStats;
  }

  /**
   * Sums up; returns the exit code that the outcomes are worth. If stdout cannot be written, there is no
   * sum: not all of the answers that it would count have arrived there.
   */
  async end(): Promise<number> {
    const { stdout, stderr } = this.#streams;
    const { quiet, json } = this.#options;
    await stdout.flush();
    if (stdout.failure !== undefined) return Exit.failed;
    const more = this.#reported - MAX_REPORTED;
    if (more > 0) this.warn(`not shown: ${counted(more, `more such ${this.#options.input}`)}`);
    if (this.#chart !== undefined) stderr.write(this.#chart.final(stderr.size.columns));
    if (!quiet) {
      const summary = this.#summary;
      stderr.write(json ? escapeControls(JSON.stringify(summary)) + "\n" : `${summary}`);
    }
    return this.#summary.exit;
  }

  /** An answer goes to stdout, error or not; that there was none goes to stderr. */
  #print({ reply, error }: Outcome): void {
    const { stdout, signal } = this.#streams;
    if (reply !== undefined) return stdout.write(escapeControls(reply.json) + "\n");
    if (error === undefined || signal.aborted) return;
    const id = JSON.stringify(error.requestId);
    const { code, message } = error;
    if (error instanceof RequestError && isErrorCode(code)) {
      stdout.write(escapeControls(encodeError(id, { code, message })) + "\n");
    } else {
      this.warn(`${id}: ${code}: ${message}`);
    }
  }
}
