/**
 * A worker as the main thread sees it, from its start to its end, which may come at any time.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import type { Drained } from "../../server.ts";
import { ServerStats } from "../../server/stats.ts";
import { Channel } from "./channel.ts";
import type { MainFunctions, WorkerFunctions } from "./messages.ts";

/** Checks in a row without a sign of life after which a worker is silent. */
const SILENT = 5;

/** How long to wait for the current stats of a worker, in milliseconds. Then the latest will do. */
const STATS_TIMEOUT = 1000;

/** A worker. */
export class WorkerThread {
  /** Calls the functions of the worker. */
  readonly channel: Channel<MainFunctions, WorkerFunctions>;
  /** Counts that the other workers need. */
  readonly counts = new Map<string, number>();
  /** Latest counts and gauges. When the worker has ended, its requests in flight are dropped. */
  stats = new ServerStats();
  isLive = true;
  readonly #ended = Promise.withResolvers<string>();
  /** Resolves with the reason when the worker has ended. */
  readonly ended = this.#ended.promise;

  readonly #worker: Worker;
  /** Checks in a row without a sign of life, counted from the first sign on. */
  #silentChecks = -Infinity;
  /** What was lost when the worker ended. */
  #lost = { dropped: 0, cut: 0 };

  /** @param number number of the worker, from 1. */
  constructor(number: number, functions: Omit<MainFunctions, "stats" | "failed">) {
    const url = new URL("./worker.ts", import.meta.url);
    this.#worker = new Worker(url, { type: "module", name: `worker ${number}` });
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.end(event.message);
    };
    this.channel = new Channel<MainFunctions, WorkerFunctions>(this.#worker, {
      ...functions,
      stats: (stats) => {
        this.stats = stats;
        this.#silentChecks = 0;
      },
      failed: () => this.end("uncaught error"),
    });
  }

  /** Whether the worker has given no sign of life for too long. */
  get isSilent(): boolean {
    return this.#silentChecks > SILENT;
  }

  /** Counts a check; returns how many in a row there were without a sign of life before. */
  check(): number {
    return this.#silentChecks++;
  }

  /** Updates the stats, unless that takes too long. */
  async updateStats(): Promise<void> {
    if (this.isSilent || !this.isLive) return;
    await deadline(this.channel.call("sendStats"), STATS_TIMEOUT).catch(() => {});
  }

  /** Drains the worker. If it ends meanwhile, its requests in flight are dropped. */
  async drain(): Promise<Pick<Drained, "dropped" | "cut">> {
    if (!this.isLive) return { dropped: 0, cut: 0 };
    return await this.channel.call("drain").catch(() => this.#lost);
  }

  /** Ends the worker at once, and its connections with it. */
  end(reason: string): void {
    if (!this.isLive) return;
    this.isLive = false;
    this.#worker.terminate();
    const { counters, gauges } = this.stats;
    this.#lost = { dropped: gauges.inFlight, cut: gauges.connections };
    counters.dropped += gauges.inFlight;
    gauges.inFlight = gauges.connections = gauges.heap = 0;
    this.channel.close(new Error(reason));
    this.#ended.resolve(reason);
  }
}
