/**
 * Counts of a server's requests, errors and bytes. They are plain fields, so that counting costs next to nothing
 * and a structured clone has all of them.
 *
 * @module
 */

import { FAULT_KINDS, type FaultKind } from "./faults.ts";
import { type ErrorCode, ERRORS } from "../protocol.ts";

/** Upper bounds of delays, in milliseconds; most are in the default range of 1 to 5 s. */
const DELAYS: readonly number[] = [
  ...[1, 10, 50, 100, 250, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 7500],
  ...[10_000, 30_000, 60_000],
];

/** Upper bounds of lateness, in milliseconds; timers are late by up to 2. */
const LATENESS: readonly number[] = [0.5, 1, 2, 3, 5, 10, 25, 50, 100, 250, 500, 1000];

/** Counts values by range, and sums them. */
export class Histogram {
  readonly counts: Float64Array;
  sum = 0;

  readonly #bounds: readonly number[];

  /** @param bounds the inclusive upper bound of each range but the last, which has none. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** The upper bound of each range but the last. */
  get bounds(): readonly number[] {
    return this.#bounds;
  }

  add(value: number): void {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    this.counts[i]!++;
    this.sum += value;
  }
}

/** Counts since the start of the server. */
export class Counters {
  /** Requests answered with a response. */
  answered = 0;
  /** Requests in flight when their connection ended. */
  dropped = 0;
  /** Messages that get no answer. */
  notifications = 0;
  /** Bytes received in frames. */
  bytesIn = 0;
  /** Bytes sent in frames. */
  bytesOut = 0;
  readonly errors = zeros(Object.keys(ERRORS) as ErrorCode[]);
  readonly faults = zeros<FaultKind>(FAULT_KINDS);
  /** The delay of each accepted request, in milliseconds. */
  readonly delays = new Histogram(DELAYS);
  /** Time from when each answered request was due until it was answered, in milliseconds. */
  readonly lateness = new Histogram(LATENESS);
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
