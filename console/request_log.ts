/**
 * The page's own requests in runs. Requests that are sent while others are in flight share a run,
 * and so their time axis.
 *
 * @module
 */

import type { Sent } from "./exchange.ts";

/** How long requests can join a run, in milliseconds. */
const MAX_JOIN = 10_000;

/** The most requests that are kept; the oldest runs go first. */
const MAX_REQUESTS = 20_000;

/** Requests that share an axis. */
export interface Run {
  /** When its first request was sent, in milliseconds. */
  readonly startedAt: number;
  readonly sent: Sent[];
  inFlight: number;
  failed: number;
}

/** The requests of all runs. */
export class RequestLog {
  readonly #runOf = new Map<Sent, Run>();
  readonly #max: number;
  /** The runs, the newest first. */
  readonly runs: Run[] = [];

  /** Creates an empty log of about `max` requests; runs with requests in flight are kept. */
  constructor(max = MAX_REQUESTS) {
    this.#max = max;
  }

  /** How many requests it has. */
  get size(): number {
    return this.#runOf.size;
  }

  /** Returns the run of a request; undefined if it was removed. */
  runOf(sent: Sent): Run | undefined {
    return this.#runOf.get(sent);
  }

  /** Adds requests, at least one; returns whether they begin a run. */
  add(sent: readonly Sent[], now: number): boolean {
    const newest = this.runs[0];
    const joins = newest !== undefined && newest.inFlight > 0 && now - newest.startedAt < MAX_JOIN;
    const run = joins ? newest : { startedAt: now, sent: [], inFlight: 0, failed: 0 };
    if (!joins) this.runs.unshift(run);
    for (const one of sent) {
      run.sent.push(one);
      this.#runOf.set(one, run);
    }
    run.inFlight += sent.length;
    while (this.size > this.#max) {
      const oldest = this.runs.findLast(({ inFlight }) => inFlight === 0);
      if (oldest === undefined) break;
      this.#remove(oldest);
    }
    return !joins;
  }

  /** Counts the end of a request; returns its run. */
  end(sent: Sent, isFailed: boolean): Run | undefined {
    const run = this.#runOf.get(sent);
    if (run === undefined) return undefined;
    run.inFlight--;
    if (isFailed) run.failed++;
    return run;
  }

  /** Removes the runs that are over. */
  clear(): void {
    for (const run of this.runs.filter(({ inFlight }) => inFlight === 0)) this.#remove(run);
  }

  #remove(run: Run): void {
    for (const sent of run.sent) this.#runOf.delete(sent);
    this.runs.splice(this.runs.indexOf(run), 1);
  }
}
