/**
 * A server of several workers on one port, each with its own event loop and requests in flight. The
 * system spreads connections over them. This is the main thread, which keeps them running.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import {
  type Certificate,
  DEFAULT_PORT,
  type Drained,
  type RunningServer,
  type ServerEvents,
} from "../../server.ts";
import type { GroupStatus } from "../../server/group.ts";
import { ServerStats } from "../../server/stats.ts";
import { countHandledBatch, type EventName, type ForwardedEvent } from "./event_forwarder.ts";
import {
  addCounts,
  type Counts,
  type GroupOptions,
  IN_FLIGHT,
  type WorkerFunctions,
} from "./messages.ts";
import { WorkerThread } from "./worker_thread.ts";

/** Time between two checks for signs of life, in milliseconds. */
const CHECK_PERIOD = 1000;

/** Checks in a row without a sign of life after which a worker is replaced. */
const MAX_CHECKS = 15;

/** Shortest and longest time until a worker is replaced, in milliseconds. It doubles each time. */
const MIN_WAIT = 100;
const MAX_WAIT = 30_000;

/** Time after which a worker counts as stable, in milliseconds: then the next wait is short again. */
const STABLE = 10_000;

/** Events of a server with workers. */
export interface WorkerEvents extends ServerEvents {
  /** A worker has ended, and its connections with it. It is replaced after `wait` milliseconds. */
  workerEnded?(worker: number, reason: string, wait: number): void;
  /** The replacement of a worker is listening. Workers are numbered from 1. */
  workerReplaced?(worker: number): void;
}

/**
 * Starts a server of several workers. Works on Linux, with Deno's unstable feature `net`.
 *
 * @returns the server, once all workers are listening.
 * @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of listening.
 */
export async function startWorkers(
  { events = {}, ...options }: GroupOptions & { readonly events?: WorkerEvents },
  size: number,
): Promise<RunningServer> {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT } = options;
  // Workers would share the port with another group unnoticed. Their errors also lose their classes.
  Deno.listen({ hostname, port }).close();
  const group = new WorkerGroup({ ...options, hostname, port }, events, size);
  await group.start();
  return group;
}

class WorkerGroup implements RunningServer {
  url = "";
  port = 0;
  readonly #events: WorkerEvents;
  readonly #size: number;
  #options: GroupOptions;
  /** The latest thread of each worker. */
  readonly #threads: WorkerThread[] = [];
  /** Sums over all earlier threads. */
  readonly #past = new ServerStats();
  readonly #ending = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #certificateSet = Promise.resolve();
  #drained: Promise<Drained> | undefined;

  constructor(options: GroupOptions, events: WorkerEvents, size: number) {
    this.#options = options;
    this.#events = events;
    this.#size = size;
  }

  get inFlight(): number {
    return this.#stats.gauges.inFlight;
  }

  get answered(): number {
    void this.#updateStats(); // for the next time
    return this.#stats.counters.answered;
  }

  get faults(): RunningServer["faults"] {
    return this.#options.faults && this.#stats.counters.faults;
  }

  /** Starts all workers. If any free port will do, the first worker chooses it. */
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
    this.#timer = setInterval(() => {
      for (const thread of this.#threads) {
        if (thread.check() < MAX_CHECKS) continue;
        thread.end(`no sign of life for ${MAX_CHECKS * CHECK_PERIOD / 1000} s`);
      }
    }, CHECK_PERIOD);
  }

  setCertificate(certificate: Certificate): Promise<void> {
    const isSet = this.#certificateSet.then(async () => {
      // One after the other, so that one is always listening.
      for (const thread of this.#threads) {
        await thread.channel.call("setCertificate", certificate).catch((error) => {
          if (thread.isLive) throw error; // or its successor gets the new certificate
        });
        this.#options = { ...this.#options, tls: certificate };
      }
    });
    this.#certificateSet = isSet.catch(() => {});
    return isSet;
  }

  drain(): Promise<Drained> {
    return this.#drained ??= this.#drain();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  /** Sums over all threads. */
  get #stats(): ServerStats {
    const sum = new ServerStats();
    for (const { stats } of [{ stats: this.#past }, ...this.#threads]) sum.add(stats);
    return sum;
  }

  async #start(index: number): Promise<{ url: string; port: number }> {
    const handledBatches = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const thread = new WorkerThread(index + 1, {
      status: () => this.#status(),
      addCounts: (changes) => this.#addCounts(thread, changes),
      setDisconnected: (...args) => this.#relay(thread, "setDisconnected", ...args),
      events: (batch) => {
        this.#emitAll(thread, batch);
        countHandledBatch(handledBatches);
      },
    });
    const before = this.#threads[index];
    if (before !== undefined) this.#past.add(before.stats);
    this.#threads[index] = thread;
    const started = thread.channel.call("start", {
      options: this.#options,
      events: Object.keys(this.#events) as EventName[],
      handledBatches,
      size: this.#size,
    });
    for (const other of this.#threads) {
      if (other !== thread) thread.channel.send("addCounts", other.counts);
    }
    try {
      return await started;
    } catch (error) {
      thread.end((error as Error).message);
      throw error;
    }
  }

  /** Replaces the thread of a worker whenever it ends. */
  async #keepRunning(index: number): Promise<void> {
    const { signal } = this.#ending;
    for (let failures = 0;; failures++) {
      const startedAt = performance.now();
      const thread = this.#threads[index]!;
      const reason = await thread.ended;
      this.#addCounts(thread, new Map([...thread.counts].map(([name, count]) => [name, -count])));
      if (signal.aborted) return;
      if (performance.now() - startedAt >= STABLE) failures = 0;
      const wait = Math.min(MIN_WAIT * 2 ** failures, MAX_WAIT);
      this.#emit("workerEnded", index + 1, reason, wait);
      await delay(wait, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#start(index).then(() => this.#emit("workerReplaced", index + 1), () => {});
    }
  }

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
    await this.#certificateSet;
    // The checks go on meanwhile, as a worker may stop responding.
    const all = await Promise.all(this.#threads.map((thread) => thread.drain()));
    this.#end();
    const dropped = all.reduce((sum, one) => sum + one.dropped, 0);
    const cut = all.reduce((sum, one) => sum + one.cut, 0);
    // The counter includes the requests that workers dropped when they ended or drained.
    return { dropped, cut, disconnected: this.#stats.counters.dropped - dropped };
  }

  #end(): void {
    clearInterval(this.#timer);
    for (const thread of this.#threads) thread.end("the server has ended");
  }

  /** Calls a function of all workers except one. */
  #relay<Name extends keyof WorkerFunctions>(
    sender: WorkerThread,
    name: Name,
    ...args: Parameters<WorkerFunctions[Name]>
  ): void {
    for (const thread of this.#threads) {
      if (thread !== sender) thread.channel.send(name, ...args);
    }
  }

  #addCounts(thread: WorkerThread, changes: Counts): void {
    addCounts(thread.counts, changes);
    thread.stats.gauges.inFlight = thread.counts.get(IN_FLIGHT) ?? 0;
    this.#relay(thread, "addCounts", changes);
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
      // A callback that throws must not fail a request.
    }
  }
}
