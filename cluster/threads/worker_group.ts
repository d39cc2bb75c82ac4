/**
 * A server of several workers on one port, each with an event loop and requests in flight of its own. The
 * system spreads the connections over them; this is the main thread, which keeps them alive.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import {
  type Certificate,
  DEFAULT_PORT,
  type Drained,
  type Server,
  type ServerEvents,
} from "../../server.ts";
import type { GroupStatus } from "../../server/group.ts";
import { ServerStats } from "../../server/stats.ts";
import { addCounts, type Counts, IN_FLIGHT } from "./counts.ts";
import { countHandledBatch, type EventName, type ForwardedEvent } from "./event_forwarder.ts";
import type { WorkerOptions } from "./messages.ts";
import { WorkerThread } from "./worker_thread.ts";

/** How often the workers are checked for signs of life, in milliseconds. */
const CHECK = 1000;

/** After so many checks without a sign of life, a worker is replaced: its clients connect again. */
const LOST = 15;

/** How long until another worker takes the place of one that has ended, in milliseconds: at first … */
const FIRST_WAIT = 100;

/** … and at most: the wait doubles each time. */
const MAX_WAIT = 30_000;

/** A worker that has run for so long was well; in milliseconds. */
const LONG = 10_000;

/** Events of a server with workers. */
export interface WorkerEvents extends ServerEvents {
  /** A worker, counted from 1, has ended, and its connections with it; after `wait` there is another. */
  workerEnded?(worker: number, reason: string, wait: number): void;
  /** A worker, counted from 1, listens in the place of one that has ended. */
  workerReplaced?(worker: number): void;
}

/**
 * Starts a server of several workers. Only on Linux, and with Deno's unstable feature `net`.
 *
 * @returns once all of them listen.
 * @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of listening.
 */
export async function startWorkers(
  { events = {}, ...options }: WorkerOptions & { readonly events?: WorkerEvents },
  size: number,
): Promise<Server> {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT } = options;
  // Others that reuse ports would not be noticed; besides, here an error is what it is.
  Deno.listen({ hostname, port }).close();
  const group = new WorkerGroup({ ...options, hostname, port }, events, size);
  await group.start();
  return group;
}

class WorkerGroup implements Server {
  url = "";
  port = 0;
  readonly #events: WorkerEvents;
  readonly #size: number;
  #options: WorkerOptions;
  /** The latest thread of each worker. */
  readonly #threads: WorkerThread[] = [];
  /** The numbers of all threads before. */
  readonly #past = new ServerStats();
  readonly #ending = new AbortController();
  #watch: ReturnType<typeof setInterval> | undefined;
  #renewed = Promise.resolve();
  #drained: Promise<Drained> | undefined;

  constructor(options: WorkerOptions, events: WorkerEvents, size: number) {
    this.#options = options;
    this.#events = events;
    this.#size = size;
  }

  get inFlight(): number {
    return this.#stats.gauges.inFlight;
  }

  get answered(): number {
    void this.#updateStats(); // for whoever looks again
    return this.#stats.counters.answered;
  }

  get faults(): Server["faults"] {
    return this.#options.faults && this.#stats.counters.faults;
  }

  /** Starts all; the first finds the port, if it is to be a free one. */
  async start(): Promise<void> {
    try {
      ({ url: this.url, port: this.port } = await this.#start(0));
      this.#options = { ...this.#options, port: this.port };
      await Promise.all(Array.from({ length: this.#size - 1 }, (_, i) => this.#start(i + 1)));
    } catch (error) {
      this.#end();
      throw error;
    }
    for (const index of this.#threads.keys()) void this.#keepRunning(index);
    this.#watch = setInterval(this.#check, CHECK);
  }

  setCertificate(certificate: Certificate): Promise<void> {
    const renewing = this.#renewed.then(async () => {
      // One after the other, so that somebody listens all the time.
      for (const thread of this.#threads) {
        await thread.setCertificate(certificate);
        this.#options = { ...this.#options, tls: certificate };
      }
    });
    this.#renewed = renewing.catch(() => {});
    return renewing;
  }

  drain(): Promise<Drained> {
    return this.#drained ??= this.#drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  /** The numbers of all threads, added up. */
  get #stats(): ServerStats {
    const sum = new ServerStats();
    for (const stats of [this.#past, ...this.#threads.map(({ stats }) => stats)]) sum.add(stats);
    return sum;
  }

  async #start(index: number): Promise<{ url: string; port: number }> {
    const handledBatches = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const thread = new WorkerThread(index + 1, {
      status: () => this.#status(),
      addCounts: (changes) => this.#addCounts(thread, changes),
      setDisconnected: (...news) => {
        for (const other of this.#others(thread)) other.channel.send("setDisconnected", ...news);
      },
      events: (batch) => {
        this.#emitAll(thread, batch);
        countHandledBatch(handledBatches);
      },
    });
    const before = this.#threads[index];
    if (before !== undefined) this.#past.add(before.stats);
    this.#threads[index] = thread;
    void thread.ended.then(() =>
      this.#addCounts(thread, new Map([...thread.counts].map(([name, count]) => [name, -count])))
    );
    const started = thread.channel.call("start", {
      options: this.#options,
      events: Object.keys(this.#events) as EventName[],
      handledBatches,
      size: this.#size,
    });
    for (const { counts } of this.#others(thread)) thread.channel.send("addCounts", counts);
    try {
      return await started;
    } catch (error) {
      thread.end((error as Error).message);
      throw error;
    }
  }

  /** Keeps a worker running: starts another thread for each that ends. */
  async #keepRunning(index: number): Promise<void> {
    const { signal } = this.#ending;
    for (let failures = 0;; failures++) {
      const startedAt = performance.now();
      const reason = await this.#threads[index]!.ended;
      if (signal.aborted) return;
      if (performance.now() - startedAt >= LONG) failures = 0;
      const wait = Math.min(FIRST_WAIT * 2 ** failures, MAX_WAIT);
      this.#emit("workerEnded", index + 1, reason, wait);
      await delay(wait, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#start(index).then(() => this.#emit("workerReplaced", index + 1), () => {});
    }
  }

  #check = (): void => {
    for (const thread of this.#threads) {
      if (thread.check() >= LOST) thread.end(`no sign of life for ${LOST * CHECK / 1000} s`);
    }
  };

  async #updateStats(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.updateStats()));
  }

  async #status(): Promise<GroupStatus> {
    await this.#updateStats();
    const live = this.#threads.filter(({ isLive }) => isLive);
    return {
      stats: this.#stats,
      size: live.length,
      isHealthy: live.every(({ isSilent }) => !isSilent),
      startedAt: performance.timeOrigin,
    };
  }

  async #drain(): Promise<Drained> {
    this.#ending.abort();
    await this.#renewed;
    // A worker that is lost meanwhile is still noticed.
    const all = await Promise.all(this.#threads.map((thread) => thread.drain()));
    this.#end();
    const sum = (of: (drained: Drained) => number) => all.reduce((sum, one) => sum + of(one), 0);
    const dropped = sum(({ dropped }) => dropped);
    // Workers that ended earlier count as well. The requests that the drain dropped are included.
    const disconnected = this.#stats.counters.dropped - dropped;
    return { dropped, cut: sum(({ cut }) => cut), disconnected };
  }

  #end(): void {
    clearInterval(this.#watch);
    for (const thread of this.#threads) thread.end("the server has ended");
  }

  #others(thread: WorkerThread): WorkerThread[] {
    return this.#threads.filter((other) => other !== thread);
  }

  #addCounts(thread: WorkerThread, changes: Counts): void {
    addCounts(thread.counts, changes);
    thread.stats.gauges.inFlight = thread.counts.get(IN_FLIGHT) ?? 0;
    for (const other of this.#others(thread)) other.channel.send("addCounts", changes);
  }

  #emitAll(thread: WorkerThread, batch: readonly ForwardedEvent[]): void {
    for (const [name, ...args] of batch) {
      if (name === "abandoned") {
        thread.stats.gauges.abandoned = args[1] as number;
        args[1] = this.#stats.gauges.abandoned;
      }
      this.#emit(name, ...args);
    }
  }

  #emit(name: keyof WorkerEvents, ...args: unknown[]): void {
    try {
      (this.#events[name] as ((...args: unknown[]) => void) | undefined)?.(...args);
    } catch {
      // It is the events that are at fault; the request has had its answer.
    }
  }
}
