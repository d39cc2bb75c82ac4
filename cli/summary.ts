/**
 * What came of many requests, in a few lines.
 *
 * @module
 */

import type { ClientErrorCode, Outcome, RetryStats } from "../client.ts";
import { Exit } from "./exit.ts";
import { escapeControls } from "./terminal/escape.ts";
import { counted, formatCount, quantiles } from "./figures.ts";

/** What came of many requests, for programs. The unit of a time is in its name. */
export interface SummaryReport {
  elapsed_s: number;
  counts: { requests: number; answered: number; failed: number };
  /** Those that failed, by code. */
  errors: Record<string, number>;
  /** What was done so that there were not more of these. */
  repairs: RetryStats;
  /** From sending a request to its answer; null if there was none. */
  latency_ms: {
    min: number;
    mean: number;
    max: number;
    /** By name: `p50`, `p90` and `p99`. */
    percentiles: Record<string, number>;
  } | null;
}

type FailureCode = ClientErrorCode | "invalid_line";

/** Counts outcomes and keeps their latencies. */
export class Summary {
  /** What was done so that requests were answered all the same. */
  retryStats: RetryStats = { reconnects: 0, resent: 0, retried: 0 };

  #startedAt: number | undefined;
  readonly #failures = new Map<FailureCode, number>();
  #latencies = new Float64Array(64);
  #answered = 0;

  /** Starts the time, once there is a connection; a second call does nothing. */
  begin(): void {
    this.#startedAt ??= performance.now();
  }

  /** Counts an outcome. */
  add({ reply, error }: Outcome): void {
    if (reply !== undefined) {
      if (this.#answered === this.#latencies.length) {
        const latencies = new Float64Array(2 * this.#answered);
        latencies.set(this.#latencies);
        this.#latencies = latencies;
      }
      this.#latencies[this.#answered++] = reply.latency;
    } else if (error !== undefined) {
      this.#fail(error.code);
    }
  }

  /** Counts a line of the input that could not be sent. */
  refuse(): void {
    this.#fail("invalid_line");
  }

  #fail(code: FailureCode): void {
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }

  /** How many outcomes there were. */
  get count(): number {
    return this.#answered + this.failed;
  }

  /** How many of them were failures. */
  get failed(): number {
    return this.#failures.values().reduce((sum, count) => sum + count, 0);
  }

  /** The exit code that they are worth; the worst counts. */
  get exit(): number {
    const codes = [...this.#failures.keys()];
    if (codes.some((code) => CONNECTION.includes(code))) return Exit.noConnection;
    if (codes.includes("timed_out")) return Exit.timedOut;
    return codes.length > 0 ? Exit.failed : Exit.ok;
  }

  /** The lines: counts, failures by code, what was done about them, and latency. */
  toString(): string {
    const lines = [
      `${counted(this.count, "request")}: ${formatCount(this.#answered)} answered, ` +
      `${formatCount(this.failed)} failed, in ${this.#seconds.toFixed(2)} s`,
    ];
    for (const [code, count] of this.#failures) {
      lines.push(`  ${formatCount(count)} ${escapeControls(code)}`);
    }
    const { reconnects, resent, retried } = this.retryStats;
    if (reconnects > 0) {
      lines.push(
        `connected again: ${counted(reconnects, "time")}, ` +
          `sent again: ${counted(resent, "request")}`,
      );
    }
    if (retried > 0) lines.push(`refused and tried again: ${counted(retried, "time")}`);
    if (this.#answered > 0) {
      const at = quantiles(this.#given);
      const figures = [["min", 0], ["median", 0.5], ["p90", 0.9], ["p99", 0.99], [
        "max",
        1,
      ]] as const;
      const told = figures.map(([name, rank]) => `${name} ${(at(rank) / 1000).toFixed(3)} s`);
      lines.push(`latency: ${told.join(", ")}`);
    }
    return lines.join("\n") + "\n";
  }

  /** The same for programs, as `docs/send.schema.json` describes it. */
  toJSON(): SummaryReport {
    const at = quantiles(this.#given);
    return {
      elapsed_s: round(this.#seconds),
      counts: { requests: this.count, answered: this.#answered, failed: this.failed },
      errors: Object.fromEntries(this.#failures),
      repairs: this.retryStats,
      latency_ms: this.#answered === 0 ? null : {
        min: round(at(0)),
        mean: round(this.#given.reduce((sum, latency) => sum + latency, 0) / this.#answered),
        max: round(at(1)),
        percentiles: { p50: round(at(0.5)), p90: round(at(0.9)), p99: round(at(0.99)) },
      },
    };
  }

  get #seconds(): number {
    const now = performance.now();
    return (now - (this.#startedAt ?? now)) / 1000;
  }

  get #given(): Float64Array {
    return this.#latencies.subarray(0, this.#answered);
  }
}

const CONNECTION: readonly FailureCode[] = ["connection_failed", "connection_lost", "closed"];

/** To three digits after the point: more would only seem exact. */
function round(value: number): number {
  return Math.round(1000 * value) / 1000;
}
