/**
 * What came of many requests, in a few lines.
 *
 * @module
 */

import type { ClientErrorCode, Outcome, Repairs } from "../client.ts";
import { Exit } from "./command.ts";
import { escapeControls } from "./escape.ts";

/** Counts outcomes and keeps their latencies. */
export class Summary {
  readonly #startedAt = performance.now();
  readonly #failures = new Map<ClientErrorCode, number>();
  #latencies = new Float64Array(64);
  #answered = 0;

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
      this.#failures.set(error.code, (this.#failures.get(error.code) ?? 0) + 1);
    }
  }

  /** How many outcomes there were. */
  get count(): number {
    return this.#answered + this.#failed;
  }

  get #failed(): number {
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
  toString(repairs: Repairs = NOTHING): string {
    const took = (performance.now() - this.#startedAt) / 1000;
    const lines = [
      `${this.count} requests: ${this.#answered} answered, ${this.#failed} failed, ${
        took.toFixed(2)
      } s`,
    ];
    for (const [code, count] of this.#failures) lines.push(`  ${count} ${escapeControls(code)}`);
    const { reconnects, resent, retried } = repairs;
    if (reconnects > 0) {
      lines.push(`connected again: ${reconnects}, requests sent again: ${resent}`);
    }
    if (retried > 0) lines.push(`refused and tried again: ${retried}`);
    if (this.#answered > 0) {
      const sorted = this.#latencies.subarray(0, this.#answered).sort();
      const at = (rank: number) =>
        `${(sorted[Math.max(Math.ceil(rank * sorted.length) - 1, 0)]! / 1000).toFixed(3)} s`;
      lines.push(
        `latency: min ${at(0)}, median ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, max ${at(1)}`,
      );
    }
    return lines.join("\n") + "\n";
  }
}

const NOTHING: Repairs = { reconnects: 0, resent: 0, retried: 0 };

const CONNECTION: readonly ClientErrorCode[] = ["connection_failed", "connection_lost", "closed"];
