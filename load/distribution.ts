/**
 * The distribution of durations.
 *
 * @module
 */

import { Float64Histogram } from "hdr-histogram-js";

/** Significant digits of a duration. */
const DIGITS = 3;

/** The range to start with, in microseconds; longer durations extend it. */
const INITIAL_RANGE = 60_000_000;

/** Number of durations in a range, in milliseconds; `to` is not part of it. */
export interface Bar {
  from: number;
  to: number;
  count: number;
}

/** Durations in milliseconds, of which it keeps microseconds and three significant digits. */
export class Distribution {
  readonly #histogram = new Float64Histogram(1, INITIAL_RANGE, DIGITS);
  #min = Infinity;

  constructor() {
    this.#histogram.autoResize = true;
  }

  /** Adds a duration. A negative one, which rounding can cause, counts as 0. */
  record(duration: number): void {
    const microseconds = duration > 0 ? Math.round(1000 * duration) : 0;
    if (microseconds < this.#min) this.#min = microseconds;
    this.#histogram.recordValue(microseconds);
  }

  /** Number of durations. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Shortest duration. */
  get min(): number {
    return this.#min / 1000;
  }

  /** Longest duration. */
  get max(): number {
    return this.#histogram.maxValue / 1000;
  }

  /** Arithmetic mean. */
  get mean(): number {
    return this.#histogram.mean / 1000;
  }

  /** Standard deviation. */
  get deviation(): number {
    return this.#histogram.stdDeviation / 1000;
  }

  /** Returns the duration that `percent` of all durations do not exceed. */
  percentile(percent: number): number {
    // The histogram returns the end of a range, which may be beyond every duration.
    const end = this.#histogram.getValueAtPercentile(percent);
    return Math.max(this.#min, Math.min(end, this.#histogram.maxValue)) / 1000;
  }

  /**
   * Returns `count` bars of equal width, from the shortest duration to the 99th percentile, and one
   * more for longer durations, which would squeeze the others together.
   */
  bars(count: number): Bar[] {
    if (this.count === 0) return [];
    const { min, max } = this;
    const end = this.percentile(99) + 0.001;
    const width = (end - min) / count;
    const bars = Array.from({ length: count }, (_, i): Bar => ({
      from: toThousandths(min + i * width),
      to: toThousandths(min + (i + 1) * width),
      count: 0,
    }));
    if (max >= end) {
      bars.push({ from: toThousandths(end), to: toThousandths(max + 0.001), count: 0 });
    }
    const values = this.#histogram.recordedValuesIterator;
    values.resetIterator(this.#histogram);
    values.reset();
    while (values.hasNext()) {
      const { valueIteratedTo, countAtValueIteratedTo } = values.next();
      const lowest = this.#histogram.lowestEquivalentValue(valueIteratedTo) / 1000;
      const bar = bars[Math.floor((Math.max(lowest, min) - min) / width)] ?? bars.at(-1)!;
      bar.count += countAtValueIteratedTo;
    }
    return bars;
  }
}

/** Rounds to thousandths; further digits would only seem exact. */
export function toThousandths(value: number): number {
  return Math.round(1000 * value) / 1000;
}
