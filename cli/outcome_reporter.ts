/**
 * Reports how requests end: answers on stdout as they come, everything else on stderr.
 *
 * @module
 */

import { type ClientErrorCode, type Outcome, RequestError, type RetryStats } from "../client.ts";
import { isErrorCode } from "../protocol/errors.ts";
import { encodeError } from "../protocol/packet.ts";
import type { Chart } from "./terminal/chart.ts";
import { Exit, type Streams } from "./command.ts";
import type { Answered } from "./message_client.ts";
import { escapeControls } from "./terminal/escape.ts";
import { counted, formatCount, progressBar, quantiles } from "./figures.ts";

/** Number of requests that need no progress line. */
const FEW = 5;

/** Number of faulty inputs that are reported one by one. */
const MAX_REPORTED = 5;

/** Width of a progress bar, in cells. */
const BAR_WIDTH = 30;

/** Codes of requests that failed, and of inputs that were not sent. */
type FailureCode = ClientErrorCode | "invalid_line";

/** Options for {@linkcode OutcomeReporter}. */
export interface OutcomeReporterOptions {
  /** Leaves out progress, messages about the connection, and the summary. */
  quiet: boolean;
  /** Writes the summary as one JSON object. */
  json: boolean;
  chart: Chart | undefined;
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
  /** Summary of the outcomes so far. */
  readonly summary = new Summary();
  readonly #streams: Streams;
  readonly #options: OutcomeReporterOptions;
  /** Number of faulty inputs. */
  #faulty = 0;

  constructor(streams: Streams, options: OutcomeReporterOptions) {
    this.#streams = streams;
    this.#options = options;
  }

  /** Writes a message, unless it is quiet. */
  info(text: string): void {
    if (!this.#options.quiet) this.warn(text);
  }

  /** Writes a message. */
  warn(text: string): void {
    this.#streams.stderr.writeEscaped(text);
  }

  /** Warns about an input that is not sent, and counts it as a failed request. */
  refuse(number: number, reason: string): void {
    this.summary.fail("invalid_line");
    this.warnOfInput(number, reason);
  }

  /** Warns about an input by its number, from 1. After a few warnings, it only counts them. */
  warnOfInput(number: number, reason: string): void {
    if (++this.#faulty > MAX_REPORTED) return;
    this.warn(`${this.#options.input} ${number}: ${reason}`);
  }

  /** Reports all outcomes until the last, or until stdout cannot be written. */
  async report(outcomes: AsyncIterable<Outcome<Answered>>, sender: Sender): Promise<void> {
    const { stdout, stderr } = this.#streams;
    const { quiet, total, chart } = this.#options;
    const showsProgress = !quiet && (total ?? Infinity) > FEW;
    using _progress = stderr.keepBelow((size) => {
      const { count: done, failed } = this.summary;
      const progress = progressLine({ done, failed, inFlight: sender.inFlight, total });
      return [...chart?.live(size) ?? [], ...showsProgress ? [progress] : []];
    });
    for await (const outcome of outcomes) {
      if (stdout.broken.aborted) break;
      this.summary.add(outcome);
      chart?.settled(outcome);
      this.#print(outcome);
      if (stdout.isBehind) await stdout.flush();
    }
    this.summary.retryStats = sender.retryStats;
  }

  /**
   * Writes the summary and returns the exit code. If stdout cannot be written, there is no summary,
   * because it would count answers that did not arrive there.
   */
  async end(): Promise<number> {
    const { stdout, stderr } = this.#streams;
    const { quiet, json, input, chart } = this.#options;
    await stdout.flush();
    if (stdout.failure !== undefined) return Exit.failed;
    const more = this.#faulty - MAX_REPORTED;
    if (more > 0) this.warn(`not shown: ${counted(more, `more such ${input}`)}`);
    if (chart !== undefined) stderr.write(chart.final(stderr.size.columns));
    if (!quiet && json) stderr.writeEscaped(JSON.stringify(this.summary));
    else if (!quiet) stderr.write(`${this.summary}`);
    return this.summary.exit;
  }

  /** Writes an answer to stdout, even an error; a request without an answer to stderr. */
  #print({ reply, error }: Outcome<Answered>): void {
    const { stdout, signal } = this.#streams;
    if (reply !== undefined) return stdout.writeEscaped(reply.json);
    if (error === undefined || signal.aborted) return;
    const id = JSON.stringify(error.requestId);
    const { code, message } = error;
    if (error instanceof RequestError && isErrorCode(code)) {
      stdout.writeEscaped(encodeError(id, { code, message }));
    } else {
      this.warn(`${id}: ${code}: ${message}`);
    }
  }
}

/** Numbers of requests: ended, among them failed ones, in flight, and overall if that is known. */
export interface Progress {
  readonly done: number;
  readonly failed: number;
  readonly inFlight: number;
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

/** Counts outcomes and keeps their latencies. */
export class Summary {
  /** Reconnects and repeated requests. */
  retryStats: RetryStats = { reconnects: 0, resent: 0, retried: 0 };

  #startedAt: number | undefined;
  readonly #failures = new Map<FailureCode, number>();
  readonly #latencies: number[] = [];

  /** Starts the clock, once there is a connection. A second call does nothing. */
  begin(): void {
    this.#startedAt ??= performance.now();
  }

  /** Counts an outcome. */
  add({ reply, error }: Outcome<Answered>): void {
    const code = error?.code ?? reply?.error;
    if (code !== undefined) this.fail(code);
    else if (reply !== undefined) this.#latencies.push(reply.latency);
  }

  /** Counts a failure. */
  fail(code: FailureCode): void {
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }

  /** Number of outcomes. */
  get count(): number {
    return this.#latencies.length + this.failed;
  }

  /** Number of failures. */
  get failed(): number {
    return this.#failures.values().reduce((sum, count) => sum + count, 0);
  }

  /** Exit code for the worst outcome. */
  get exit(): number {
    const has = (...codes: FailureCode[]) => codes.some((code) => this.#failures.has(code));
    if (has("connection_failed", "connection_lost", "closed")) return Exit.noConnection;
    if (has("timed_out")) return Exit.timedOut;
    return this.#failures.size > 0 ? Exit.failed : Exit.ok;
  }

  /** Returns lines with counts, failures by code, retries, and latency. */
  toString(): string {
    const lines = [
      `${counted(this.count, "request")}: ${formatCount(this.#latencies.length)} answered, ` +
      `${formatCount(this.failed)} failed, in ${this.#seconds.toFixed(2)} s`,
    ];
    for (const [code, count] of this.#failures) {
      lines.push(`  ${formatCount(count)} ${escapeControls(code)}`);
    }
    const { reconnects, resent, retried } = this.retryStats;
    const again = `${counted(reconnects, "time")}, resent ${counted(resent, "request")}`;
    if (reconnects > 0) lines.push(`reconnected ${again}`);
    if (retried > 0) lines.push(`retried ${counted(retried, "time")} after a refusal`);
    if (this.#latencies.length > 0) {
      const at = quantiles(this.#latencies);
      const seconds = (part: number) => `${(at(part) / 1000).toFixed(3)} s`;
      lines.push(
        `latency: min ${seconds(0)}, median ${seconds(0.5)}, p90 ${seconds(0.9)}, ` +
          `p99 ${seconds(0.99)}, max ${seconds(1)}`,
      );
    }
    return lines.join("\n") + "\n";
  }

  /** Returns the same as an object; `docs/send.schema.json` describes it. */
  toJSON() {
    const answered = this.#latencies.length;
    const quantile = quantiles(this.#latencies);
    const at = (part: number) => round(quantile(part));
    return {
      elapsed_s: round(this.#seconds),
      counts: { requests: this.count, answered, failed: this.failed },
      errors: Object.fromEntries(this.#failures),
      repairs: this.retryStats,
      latency_ms: answered === 0 ? null : {
        min: at(0),
        mean: round(this.#latencies.reduce((sum, each) => sum + each, 0) / answered),
        max: at(1),
        percentiles: { p50: at(0.5), p90: at(0.9), p99: at(0.99) },
      },
    };
  }

  get #seconds(): number {
    const now = performance.now();
    return (now - (this.#startedAt ?? now)) / 1000;
  }
}

/** Rounds to three digits after the point. Its twin in load/ would load the histogram at the start. */
function round(value: number): number {
  return Math.round(1000 * value) / 1000;
}
