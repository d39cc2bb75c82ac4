/**
 * Thresholds of a run, such as `p99<10ms`.
 *
 * @module
 */

import {
  type DistributionReport,
  figureOf,
  FIGURES,
  type Measurement,
  type Verdict,
} from "./report.ts";

/** Parsed threshold. */
export interface Threshold {
  /** Name of its metric, such as `p99` or `failed`. */
  readonly metric: string;
  /** Compares the measurement with it. */
  judge(measurement: Measurement): Verdict;
}

/** Reads a metric, for each unit of its thresholds; undefined if it is not known. */
type Metric = Readonly<Record<string, (measurement: Measurement) => number | undefined>>;

const METRICS: ReadonlyMap<string, Metric> = new Map([
  ...durationMetrics("", ({ latency_ms }) => latency_ms),
  ...durationMetrics("latency.", ({ latency_ms }) => latency_ms),
  ...durationMetrics("overhead.", ({ overhead_ms }) => overhead_ms),
  ["rate", { "": ({ rates }) => rates.answered, "/s": ({ rates }) => rates.answered }],
  ["failed", countMetric(({ failed, timed_out, lost }) => failed + timed_out + lost)],
  ...(["timed_out", "lost", "missed", "late", "unknown", "out_of_order"] as const)
    .map((name): [string, Metric] => [name, countMetric((counts) => counts[name])]),
]);

const COMPARISONS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

/**
 * Parses a threshold: a metric, a comparison, and a number with its unit.
 *
 * @throws {RangeError} if the text is not a threshold.
 */
export function parseThreshold(text: string): Threshold {
  const match = /^\s*([\w.]+)\s*([<>]=?)\s*(\d+(?:\.\d+)?)\s*(\D*?)\s*$/.exec(text);
  if (match === null) {
    throw new RangeError(`expected a threshold, such as p99<10ms, got ${JSON.stringify(text)}`);
  }
  const [, name, comparison, number, unit] = match as unknown as [string, ...string[]];
  const metric = METRICS.get(name!);
  if (metric === undefined) {
    const some = "p50, p99.9, mean, max, overhead.p99, failed or rate";
    throw new RangeError(`expected a metric, such as ${some}, got ${JSON.stringify(name)}`);
  }
  const read = Object.hasOwn(metric, unit!) ? metric[unit!] : undefined;
  if (read === undefined) {
    const units = Object.keys(metric).map((each) => each || "a number").join(" or ");
    throw new RangeError(`expected ${name} in ${units}, got ${JSON.stringify(text)}`);
  }
  const limit = Number(number);
  return {
    metric: name!,
    judge(measurement) {
      const value = read(measurement);
      const ok = value !== undefined && COMPARISONS[comparison!]!(value, limit);
      return { threshold: text, value: value === undefined ? null : round(value), ok };
    },
  };
}

/** Drops the last digits, where rounding errors show. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}

function durationMetrics(
  prefix: string,
  of: (measurement: Measurement) => DistributionReport | null,
): [string, Metric][] {
  return FIGURES.map((name) => {
    const times = (factor: number) => (measurement: Measurement) => {
      const value = figureOf(of(measurement), name);
      return value === undefined ? undefined : value * factor;
    };
    return [prefix + name, { ms: times(1), s: times(0.001), us: times(1000) }];
  });
}

/** Makes a metric of a count, or of its share of the sent requests. */
function countMetric(count: (counts: Measurement["counts"]) => number): Metric {
  return {
    "": ({ counts }) => count(counts),
    "%": ({ counts }) => counts.sent > 0 ? 100 * count(counts) / counts.sent : undefined,
  };
}
