/**
 * Reports how requests end: answers on stdout as they come, everything else on stderr.
 *
 * @module
 */

import { type Outcome, RequestError, type RetryStats } from "../client.ts";
import { isErrorCode } from "../protocol/errors.ts";
import { encodeError, type RequestId } from "../protocol/packet.ts";
import type { Chart } from "./terminal/chart.ts";
import type { Streams } from "./command.ts";
import { Exit } from "./exit.ts";
import { escapeControls } from "./terminal/escape.ts";
import { counted } from "./figures.ts";
import { progressLine } from "./terminal/progress.ts";
import { Summary } from "./summary.ts";

/** Number of requests that need no progress line. */
const FEW = 5;

/** Number of faulty inputs that are reported one by one. */
const MAX_REPORTED = 5;

/** Options for {@linkcode OutcomeReporter}. */
export interface OutcomeReporterOptions {
  /** Leaves out progress, messages about the connection, and the summary. */
  quiet: boolean;
  /** Writes the summary as one JSON object. */
  json: boolean;
  chart: boolean;
  /** Number of requests, if it is known in advance. */
  total: number | undefined;
  /** Word for an input. */
  input: "argument" | "line";
}

/** A client, or several that replay a recording. */
interface Sender {
  readonly inFlight: number;
  readonly retryStats: RetryStats;
}

/** Reports outcomes and sums them up. */
export class OutcomeReporter {
  readonly #streams: Streams;
  readonly #options: OutcomeReporterOptions;
  readonly #chart: Chart | undefined;
  readonly #summary = new Summary();
  /** Number of faulty inputs. */
  #faulty = 0;

  private constructor(streams: Streams, options: OutcomeReporterOptions, chart?: Chart) {
    this.#streams = streams;
    this.#options = options;
    this.#chart = chart;
  }

  /** Creates a reporter. It loads the module that draws charts only if it is needed. */
  static async start(streams: Streams, options: OutcomeReporterOptions): Promise<OutcomeReporter> {
    if (!options.chart) return new OutcomeReporter(streams, options);
    const { Chart } = await import("./terminal/chart.ts");
    return new OutcomeReporter(streams, options, new Chart(streams.stderr.hasColors));
  }

  /** Starts the clock of the summary at the first connection. */
  connected(): void {
    this.#summary.begin();
  }

  /** Adds a request to the chart, in the order of `Outcome.index`. */
  sent(id: RequestId | undefined): void {
    this.#chart?.sent(id);
  }

  /** Writes a message, unless it is quiet. */
  info(text: string): void {
    if (!this.#options.quiet) this.warn(text);
  }

  /** Writes a message. */
  warn(text: string): void {
    this.#streams.stderr.write(escapeControls(text) + "\n");
  }

  /** Warns about an input that is not sent, and counts it as a failed request. */
  refuse(number: number, reason: string): void {
    this.#summary.refuse();
    this.warnOfInput(number, reason);
  }

  /** Warns about an input by its number, from 1. After a few warnings, it only counts them. */
  warnOfInput(number: number, reason: string): void {
    if (++this.#faulty > MAX_REPORTED) return;
    this.warn(`${this.#options.input} ${number}: ${reason}`);
  }

  /** Reports all outcomes until the last, or until stdout cannot be written. */
  async report(outcomes: AsyncIterable<Outcome>, sender: Sender): Promise<void> {
    const { stdout, stderr } = this.#streams;
    const { quiet, total } = this.#options;
    const showsProgress = !quiet && (total ?? Infinity) > FEW;
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
   * Writes the summary and returns the exit code. If stdout cannot be written, there is no summary,
   * because it would count answers that did not arrive there.
   */
  async end(): Promise<number> {
    const { stdout, stderr } = this.#streams;
    const { quiet, json, input } = this.#options;
    await stdout.flush();
    if (stdout.failure !== undefined) return Exit.failed;
    const more = this.#faulty - MAX_REPORTED;
    if (more > 0) this.warn(`not shown: ${counted(more, `more such ${input}`)}`);
    if (this.#chart !== undefined) stderr.write(this.#chart.final(stderr.size.columns));
    if (!quiet) {
      const summary = this.#summary;
      stderr.write(json ? escapeControls(JSON.stringify(summary)) + "\n" : `${summary}`);
    }
    return this.#summary.exit;
  }

  /** Writes an answer to stdout, even an error; a request without an answer to stderr. */
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
