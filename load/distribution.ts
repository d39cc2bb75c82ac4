/**
 * How durations are distributed.
 *
 * @module
 */

import { Float64Histogram } from "hdr-histogram-js";

/** How many significant digits durations keep. */
const DIGITS = 3;

/** The longest duration to start with, in microseconds; longer ones make it grow. */
const LONGEST = 60_000_000;

/** How many durations lie in a range, in milliseconds; `from` is part of it, `to` is not. */
export interface Bar {
  from: number;
  to: number;
  count: number;
}

/** Durations: recorded in milliseconds, kept to the microsecond, and to three significant digits. */
export class Distribution {
  readonly #histogram = new Float64Histogram(1, LONGEST, DIGITS);
  #min = Infinity;

  constructor() {
    this.#histogram.autoResize = true;
  }

  /** Adds a duration; what is less than nothing, by the rounding of others, counts as nothing. */
  record(duration: number): void {
    const microseconds = duration > 0 ? Math.round(1000 * duration) : 0;
    if (microseconds < this.#min) this.#min = microseconds;
    this.#histogram.recordValue(microseconds);
  }

  /** How many there are. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** The shortest. */
  get min(): number {
    return this.#min / 1000;
  }

  /** The longest. */
  get max(): number {
    return this.#histogram.maxValue / 1000;
  }

  /** The arithmetic mean. */
  get mean(): number {
    return this.#histogram.mean / 1000;
  }

  /** The standard deviation. */
  get deviation(): number {
    return this.#histogram.stdDeviation / 1000;
  }

  /** The duration that `percent` of them do not exceed. */
  percentile(percent: number): number {
    // The histogram gives the end of a range, which may be past all that was recorded.
    const end = this.#histogram.getValueAtPercentile(percent);
    return Math.max(this.#min, Math.min(end, this.#histogram.maxValue)) / 1000;
  }

  /**
   * `count` bars of the same width from the shortest to the 99th percentile; what is longer, and would
   * squeeze them together, is in one more.
   */
  bars(count: number): Bar[] {
    if (this.count === 0) return [];
    const { min, max } = this;
    const end = this.percentile(99) + 0.001;
    const width = (end - min) / count;
    const bars = Array.from({ length: count }, (_, i): Bar => ({
      from: round(min + i * width),
      to: round(min + (i + 1) * width),
      count: 0,
    }));
    if (max >= end) bars.push({ from: round(end), to: round(max + 0.001), count: 0 });
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

function round(milliseconds: number): number {
  return Math.round(1000 * milliseconds) / 1000;
}
