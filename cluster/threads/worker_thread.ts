/**
 * The main thread's hold on one worker: its life, from its start to its end, which may come at any time.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import type { Certificate, Drained } from "../../server.ts";
import { ServerStats } from "../../server/stats.ts";
import { Channel } from "./channel.ts";
import type { MainFunctions, WorkerFunctions } from "./messages.ts";

/** After so many checks in a row without a sign of life, a worker is silent. */
const SILENT = 5;

/** How long to wait for the numbers of a worker, in milliseconds; then the latest will do. */
const STATS_TIMEOUT = 1000;

/** A worker. */
export class WorkerThread {
  /** Calls its functions. */
  readonly channel: Channel<MainFunctions, WorkerFunctions>;
  /** Resolves with the reason when it has ended. */
  readonly ended: Promise<string>;
  /** What it has in common with the other workers. */
  readonly counts = new Map<string, number>();
  /** Its latest numbers; when it has ended, what was in flight is dropped. */
  stats = new ServerStats();
  /** Whether it has not ended. */
  isLive = true;

  readonly #worker: Worker;
  readonly #ended = Promise.withResolvers<string>();
  /** How many checks in a row have seen no sign of life; they count from the first sign on. */
  #silentChecks = -Infinity;
  /** What was lost when it ended. */
  #lost: Drained = { dropped: 0, cut: 0, disconnected: 0 };

  /** @param number counts from 1. */
  constructor(number: number, functions: Omit<MainFunctions, "stats" | "failed">) {
    this.ended = this.#ended.promise;
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
      failed: () => this.end("a fault of its own"),
    });
  }

  /** Whether it has given no sign of life for too long. */
  get isSilent(): boolean {
    return this.#silentChecks > SILENT;
  }

  /** Notes that it should have given a sign of life; returns how often in a row it has not. */
  check(): number {
    return this.#silentChecks++;
  }

  /** Brings its numbers up to date, unless that takes too long. */
  async updateStats(): Promise<void> {
    if (this.isSilent || !this.isLive) return;
    await deadline(this.channel.call("sendStats"), STATS_TIMEOUT).catch(() => {});
  }

  /** Has it listen with another certificate; if it ends meanwhile, that is up to its successor. */
  async setCertificate(certificate: Certificate): Promise<void> {
    await this.channel.call("setCertificate", certificate).catch((error) => {
      if (this.isLive) throw error;
    });
  }

  /** Drains it; if it ends meanwhile, what was in flight is dropped. */
  async drain(): Promise<Drained> {
    if (!this.isLive) return { dropped: 0, cut: 0, disconnected: 0 };
    return await this.channel.call("drain").catch(() => this.#lost);
  }

  /** Ends it at once: all its connections break off. A second time, it does nothing. */
  end(reason: string): void {
    if (!this.isLive) return;
    this.isLive = false;
    this.#worker.terminate();
    const { counters, gauges } = this.stats;
    this.#lost = {
      dropped: gauges.inFlight,
      cut: gauges.connections,
      disconnected: counters.dropped,
    };
    counters.dropped += gauges.inFlight;
    gauges.inFlight = gauges.connections = gauges.heap = 0;
    this.channel.close(new Error(reason));
    this.#ended.resolve(reason);
  }
}
