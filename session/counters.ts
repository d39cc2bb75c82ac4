/**
 * What has happened in the sessions of a process, in numbers: cells of one array, so that counting
 * costs a request next to nothing, whether or not anybody ever asks, and workers can share them.
 *
 * @module
 */

import { FAULT_KINDS, type FaultKind } from "./fault_policy.ts";
import { type ErrorCode, ERRORS } from "../protocol.ts";
import { namedCells } from "./cells.ts";

/** Upper bounds of delays, in milliseconds: fine where the default delays of 1 to 5 s are. */
const DELAYS: readonly number[] = [
  ...[1, 10, 50, 100, 250, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500, 5000, 7500],
  ...[10_000, 30_000, 60_000],
];

/** Upper bounds of lateness, in milliseconds: timers alone are late by up to 2. */
const LATENESS: readonly number[] = [0.5, 1, 2, 3, 5, 10, 25, 50, 100, 250, 500, 1000];

/**
 * How many values fell into each of some ranges, and their sum.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Histogram } from "./counters.ts";
 *
 * const histogram = new Histogram([1, 10]);
 * for (const value of [0, 1, 1.5, 11]) histogram.add(value);
 * assertEquals([...histogram.counts], [2, 1, 1]);
 * assertEquals(histogram.sum, 13.5);
 * ```
 */
export class Histogram {
  /** The upper bound of each range but the last, which has none; a value may equal it. */
  readonly bounds: readonly number[];
  /** How many values fell into each range. */
  readonly counts: Float64Array;

  readonly #sum: Float64Array;

  /** @param cells where it counts: one for each bound, and two more. */
  constructor(
    bounds: readonly number[],
    cells: Float64Array = new Float64Array(bounds.length + 2),
  ) {
    this.bounds = bounds;
    this.counts = cells.subarray(0, -1);
    this.#sum = cells.subarray(-1);
  }

  /** All values together. */
  get sum(): number {
    return this.#sum[0]!;
  }

  /** Counts a value. */
  add(value: number): void {
    const { bounds } = this;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    this.counts[i]!++;
    this.#sum[0]! += value;
  }
}

const CODES = Object.keys(ERRORS) as ErrorCode[];

/** What stands in the first cells. */
const enum Cell {
  Answered,
  Dropped,
  BytesIn,
  BytesOut,
  InFlight,
}
const SINGLE_CELLS = 5;

/** Counts since the process has started. */
export class Counters {
  /** How many cells they take. */
  static readonly CELLS: number = SINGLE_CELLS + CODES.length + FAULT_KINDS.length + DELAYS.length +
    LATENESS.length + 4;

  /** How many requests are in flight; {@linkcode InFlight} keeps it. */
  readonly inFlight: Float64Array;
  /** Errors sent, by code: of requests, and of frames that held none. */
  readonly errors: Record<ErrorCode, number>;
  /** How often each kind of trouble was made on purpose. */
  readonly faults: Record<FaultKind, number>;
  /** Of each request that was taken in, in milliseconds. */
  readonly delays: Histogram;
  /** From when a request was due to when it was answered, in milliseconds. */
  readonly lateness: Histogram;

  readonly #cells: Float64Array;

  /** @param cells where they stand: as many as {@linkcode Counters.CELLS}. */
  constructor(cells: Float64Array = new Float64Array(Counters.CELLS)) {
    this.#cells = cells;
    let at = SINGLE_CELLS;
    const next = (length: number) => cells.subarray(at, at += length);
    this.inFlight = cells.subarray(Cell.InFlight, Cell.InFlight + 1);
    this.errors = namedCells(CODES, next(CODES.length));
    this.faults = namedCells(FAULT_KINDS, next(FAULT_KINDS.length));
    this.delays = new Histogram(DELAYS, next(DELAYS.length + 2));
    this.lateness = new Histogram(LATENESS, next(LATENESS.length + 2));
  }

  /** Requests that were answered with a response. */
  get answered(): number {
    return this.#cells[Cell.Answered]!;
  }

  set answered(count: number) {
    this.#cells[Cell.Answered] = count;
  }

  /** Requests whose connection ended before they were due. */
  get dropped(): number {
    return this.#cells[Cell.Dropped]!;
  }

  set dropped(count: number) {
    this.#cells[Cell.Dropped] = count;
  }

  /** Bytes of all frames that came. */
  get bytesIn(): number {
    return this.#cells[Cell.BytesIn]!;
  }

  set bytesIn(count: number) {
    this.#cells[Cell.BytesIn] = count;
  }

  /** Bytes of all frames that were sent. */
  get bytesOut(): number {
    return this.#cells[Cell.BytesOut]!;
  }

  set bytesOut(count: number) {
    this.#cells[Cell.BytesOut] = count;
  }
}
