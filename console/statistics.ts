/**
 * Statistics of latencies, and totals over time.
 *
 * @module
 */

/** How much wider each bucket is than the one before, so that percentiles are right to 1 %. */
const GROWTH = 1.02;

/** How many latencies there were, in buckets; memory does not grow with their number. */
export class Latencies {
  readonly #counts: number[] = [];
  /** How many there are. */
  count = 0;

  /** Adds a latency, in milliseconds. */
  add(milliseconds: number): void {
    const bucket = Math.round(Math.log(Math.max(0, milliseconds) + 1) / Math.log(GROWTH));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.count++;
  }

  /** Removes all. */
  clear(): void {
    this.#counts.length = this.count = 0;
  }

  /** Returns the latency within which a share of the requests was answered; undefined without any. */
  percentile(share: number): number | undefined {
    let left = Math.ceil(share * this.count);
    if (left === 0) return undefined;
    const bucket = this.#counts.findIndex((count) => (left -= count ?? 0) <= 0);
    return latencyOf(bucket);
  }

  /** Returns the counts in `size` bars of equal width, from 0 to the end of the last. */
  histogram(size: number): { counts: number[]; end: number } {
    const end = latencyOf(this.#counts.length - 1) * 1.02 || 1;
    const counts = new Array<number>(size).fill(0);
    this.#counts.forEach((count, bucket) => {
      counts[Math.min(size - 1, Math.floor(latencyOf(bucket) / end * size))]! += count;
    });
    return { counts, end };
  }
}

function latencyOf(bucket: number): number {
  return bucket < 0 ? 0 : GROWTH ** bucket - 1;
}

/** The newest values of a total. */
export class Series {
  readonly values: number[] = [];
  readonly #size: number;

  /** Creates an empty series of at most `size` values. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Adds a value, the newest. */
  add(value: number): void {
    this.values.push(value);
    if (this.values.length > this.#size) this.values.shift();
  }
}

/**
 * Returns the path of an area under values in a box of `size` by 1, for SVG; the newest value is at
 * the right edge.
 */
export function areaPath(values: readonly number[], size: number): string {
  const max = Math.max(...values);
  if (values.length < 2 || max <= 0) return "";
  const start = size - values.length;
  const points = values.map((value, i) => `L${start + i + 1} ${round(1 - value / max)}`);
  return `M${start + 1} 1${points.join("")}L${size} 1Z`;
}

/** Returns the path of bars in a box of their number by 1, for SVG. */
export function barsPath(counts: readonly number[]): string {
  const max = Math.max(...counts);
  if (max <= 0) return "";
  return counts.map((count, i) =>
    count === 0 ? "" : `M${i + 0.1} 1V${round(1 - Math.max(0.04, count / max))}H${i + 0.9}V1Z`
  ).join("");
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
