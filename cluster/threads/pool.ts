/**
 * A server of several workers on one port, each with an event loop and requests in flight of its own. The
 * system spreads the connections over them; this is the main thread, which keeps them alive.
 *
 * @module
 */

import {
  type Certificate,
  DEFAULT_PORT,
  type Drained,
  type ServeOptions,
  type Server,
  type ServerEvents,
} from "../../server.ts";
import { randomKey } from "../../protocol/secret_hash.ts";
import { DEFAULT_CONNECTION_LIMITS } from "../../server/connections.ts";
import { Ledger, type LedgerParts, makeLedger } from "./ledger.ts";
import { tellAll } from "./telling.ts";
import { type Place, Thread } from "./thread.ts";

/** How often the workers are checked for signs of life, in milliseconds: half as often as they give one. */
const CHECK = 1000;

/** After so many checks without a sign of life, a worker is ended and replaced: its clients connect again. */
const LOST = 15;

/** How long until another worker takes the place of one that has ended, in milliseconds: at first. */
const FIRST_WAIT = 100;

/** … and at most: the wait doubles each time. */
const MAX_WAIT = 30_000;

/** A worker that has run for so long was well; in milliseconds. */
const LONG = 10_000;

/** What a pool tells of. */
export interface PoolEvents extends ServerEvents {
  /** A worker, counted from 1, has ended, and its connections with it; after `wait` there is another. */
  workerEnded?(worker: number, reason: string, wait: number): void;
  /** A worker, counted from 1, listens in the place of one that has ended. */
  workerReplaced?(worker: number): void;
}

/** What a pool can be told: all that a server can be, but a tap, which would have to be in the workers. */
export type PoolOptions = Omit<ServeOptions, "events" | "tap"> & { readonly events?: PoolEvents };

/**
 * Starts a server of several workers. Only on Linux, and with Deno's unstable feature `net`.
 *
 * @returns once all of them listen.
 * @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of listening.
 */
export async function startPool(options: PoolOptions, size: number): Promise<Server> {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT } = options;
  // Others that reuse ports would not be noticed; besides, here an error is what it is.
  Deno.listen({ hostname, port }).close();
  const pool = new Pool({ ...options, hostname, port }, size);
  await pool.start();
  return pool;
}

class Pool implements Server {
  readonly #events: PoolEvents;
  readonly #parts: LedgerParts;
  readonly #ledger: Ledger;
  /** By worker: the latest of its threads, and how many there were before. */
  readonly #threads: Thread[] = [];
  readonly #generations: number[];
  /** How often in a row each was replaced soon after its start. */
  readonly #failures: number[];
  readonly #waits = new Set<ReturnType<typeof setTimeout>>();
  #options: Omit<ServeOptions, "events" | "tap">;
  #place: Place = { url: "", port: 0 };
  #watch: ReturnType<typeof setInterval> | undefined;
  #drained: Promise<Drained> | undefined;
  #renewed = Promise.resolve();

  constructor({ events = {}, ...options }: PoolOptions, size: number) {
    const { maxConnections } = { ...DEFAULT_CONNECTION_LIMITS, ...options.limits };
    this.#options = options;
    this.#parts = makeLedger(size, maxConnections, randomKey());
    this.#ledger = new Ledger(this.#parts);
    this.#failures = new Array(size).fill(0);
    this.#generations = new Array(size).fill(0);
    this.#events = {
      ...events,
      ...events.abandoned && {
        abandoned: (address) => events.abandoned!(address, this.#ledger.sum().gauges.abandoned),
      },
    };
  }

  get url(): string {
    return this.#place.url;
  }

  get port(): number {
    return this.#place.port;
  }

  get inFlight(): number {
    return this.#ledger.sum().counters.inFlight[0]!;
  }

  get answered(): number {
    return this.#ledger.sum().counters.answered;
  }

  get faults(): Server["faults"] {
    return this.#options.faults && this.#ledger.sum().counters.faults;
  }

  /** Starts all; the first finds the port, if it is to be a free one. */
  async start(): Promise<void> {
    try {
      this.#place = await this.#begin(0).listening;
      this.#options = { ...this.#options, port: this.port };
      const [, ...others] = this.#generations.keys();
      await Promise.all(others.map((worker) => this.#begin(worker).listening));
    } catch (error) {
      this.#endAll();
      throw error;
    }
    for (const worker of this.#threads.keys()) this.#replaceWhenEnded(worker);
    this.#watch = setInterval(this.#check, CHECK);
  }

  renew(tls: Certificate): Promise<void> {
    const renewing = this.#renewed.then(async () => {
      // One after the other, so that somebody listens all the time.
      for (const thread of this.#threads) {
        await thread.renew(tls);
        this.#options = { ...this.#options, tls };
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

  #begin(worker: number): Thread {
    const row = this.#ledger.take(worker, this.#generations[worker]!++);
    return this.#threads[worker] = new Thread(
      {
        options: this.#options,
        events: Object.keys(this.#events) as (keyof ServerEvents)[],
        ledger: this.#parts,
        row: this.#ledger.rows.indexOf(row),
      },
      row,
      (tellings) => tellAll(this.#events, tellings, row.told),
    );
  }

  #replaceWhenEnded(worker: number): void {
    const startedAt = performance.now();
    void this.#threads[worker]!.ended.then((reason) => {
      if (this.#drained !== undefined) return;
      if (performance.now() - startedAt >= LONG) this.#failures[worker] = 0;
      const wait = Math.min(FIRST_WAIT * 2 ** this.#failures[worker]!++, MAX_WAIT);
      this.#tell("workerEnded", worker + 1, reason, wait);
      const timer = setTimeout(() => {
        this.#waits.delete(timer);
        const { listening } = this.#begin(worker);
        listening.then(() => this.#tell("workerReplaced", worker + 1), () => {});
        this.#replaceWhenEnded(worker);
      }, wait);
      this.#waits.add(timer);
    });
  }

  #check = (): void => {
    for (const thread of this.#threads) {
      if (thread.check() >= LOST) thread.end(`no sign of life for ${LOST * CHECK / 1000} s`);
    }
  };

  async #drain(): Promise<Drained> {
    for (const timer of this.#waits) clearTimeout(timer);
    await this.#renewed;
    // A worker that is lost meanwhile is still noticed.
    const all = await Promise.all(this.#threads.map((thread) => thread.drain()));
    this.#endAll();
    const sum = (of: (drained: Drained) => number) => all.reduce((sum, one) => sum + of(one), 0);
    const dropped = sum(({ dropped }) => dropped);
    // Workers that have ended before count as well. What was dropped by the drain is among it.
    const disconnected = this.#ledger.sum().counters.dropped - dropped;
    return { dropped, cut: sum(({ cut }) => cut), disconnected };
  }

  #endAll(): void {
    clearInterval(this.#watch);
    for (const thread of this.#threads) thread.end("the server has ended");
  }

  #tell<Name extends "workerEnded" | "workerReplaced">(
    name: Name,
    ...about: Parameters<NonNullable<PoolEvents[Name]>>
  ): void {
    try {
      (this.#events[name] as ((...about: unknown[]) => void) | undefined)?.(...about);
    } catch {
      // It is the events that are at fault.
    }
  }
}
