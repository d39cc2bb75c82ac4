/**
 * Summary of many requests.
 *
 * @module
 */

import type { ClientErrorCode, Outcome, RetryStats } from "../client.ts";
import { Exit } from "./exit.ts";
import { escapeControls } from "./terminal/escape.ts";
import { counted, formatCount, quantiles } from "./figures.ts";

type FailureCode = ClientErrorCode | "invalid_line";

const CONNECTION_FAILURES: readonly FailureCode[] = [
  "connection_failed",
  "connection_lost",
  "closed",
];

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
  add({ reply, error }: Outcome): void {
    if (reply !== undefined) this.#latencies.push(reply.latency);
    else if (error !== undefined) this.#fail(error.code);
  }

  /** Counts a line of the input that was not sent. */
  refuse(): void {
    this.#fail("invalid_line");
  }

  #fail(code: FailureCode): void {
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
    const codes = [...this.#failures.keys()];
    if (codes.some((code) => CONNECTION_FAILURES.includes(code))) return Exit.noConnection;
    if (codes.includes("timed_out")) return Exit.timedOut;
    return codes.length > 0 ? Exit.failed : Exit.ok;
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
    if (reconnects > 0) {
      lines.push(
        `reconnected ${counted(reconnects, "time")}, resent ${counted(resent, "request")}`,
      );
    }
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
