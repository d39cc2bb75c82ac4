/**
 * What a run has to keep to, such as `p99<10ms`.
 *
 * @module
 */

import { type DistributionReport, figureOf, FIGURES, type Report, type Verdict } from "./report.ts";

/** A threshold that has been read. */
export interface Threshold {
  /** What it is about, such as `p99` or `failed`. */
  readonly metric: string;
  /** Holds a report against it. */
  judge(report: Report): Verdict;
}

/** How a metric is read from a report, in each unit that it can be given in. */
type Metric = Readonly<Record<string, (report: Report) => number | undefined>>;

const METRICS: ReadonlyMap<string, Metric> = new Map([
  ...metricsOf("", ({ latency_ms }) => latency_ms),
  ...metricsOf("latency.", ({ latency_ms }) => latency_ms),
  ...metricsOf("overhead.", ({ overhead_ms }) => overhead_ms),
  ["rate", { "": ({ rates }) => rates.answered, "/s": ({ rates }) => rates.answered }],
  ["failed", share(failures)],
  ["timed_out", share(({ counts }) => counts.timed_out)],
  ["lost", share(({ counts }) => counts.lost)],
  ["missed", share(({ counts }) => counts.missed)],
  ["late", share(({ counts }) => counts.late)],
  ["unknown", share(({ counts }) => counts.unknown)],
  ["out_of_order", share(({ counts }) => counts.out_of_order)],
]);

/** The names of all metrics. */
export const METRIC_NAMES: readonly string[] = [...METRICS.keys()];

const COMPARISONS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

/**
 * Reads a threshold: a metric, a comparison, a number with its unit.
 *
 * @throws {RangeError} if it is none.
 */
export function parseThreshold(text: string): Threshold {
  const match = /^\s*([\w.]+)\s*([<>]=?)\s*(\d+(?:\.\d+)?)\s*(\D*?)\s*$/.exec(text);
  if (match === null) {
    throw new RangeError(`want a threshold, such as p99<10ms, got ${JSON.stringify(text)}`);
  }
  const [, name, comparison, number, unit] = match as unknown as [string, ...string[]];
  const metric = METRICS.get(name!);
  if (metric === undefined) {
    const some = "p50, p99.9, mean, max, overhead.p99, failed or rate";
    throw new RangeError(`want a metric, such as ${some}, got ${JSON.stringify(name)}`);
  }
  const read = Object.hasOwn(metric, unit!) ? metric[unit!] : undefined;
  if (read === undefined) {
    const units = Object.keys(metric).map((each) => each || "a number").join(" or ");
    throw new RangeError(`want ${name} in ${units}, got ${JSON.stringify(text)}`);
  }
  const limit = Number(number);
  return {
    metric: name!,
    judge(report) {
      const value = read(report);
      const ok = value !== undefined && COMPARISONS[comparison!]!(value, limit);
      return { threshold: text, value: value === undefined ? null : round(value), ok };
    },
  };
}

/** Without the traces that reckoning leaves in the last digits. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}

/** How many requests have no response, whatever the reason. */
function failures({ counts }: Report): number {
  return counts.failed + counts.timed_out + counts.lost;
}

function metricsOf(
  prefix: string,
  of: (report: Report) => DistributionReport | null,
): [string, Metric][] {
  return FIGURES.map((name) => {
    const times = (factor: number) => (report: Report) => {
      const value = figureOf(of(report), name);
      return value === undefined ? undefined : value * factor;
    };
    return [prefix + name, { ms: times(1), s: times(0.001), us: times(1000) }];
  });
}

/** A count, or its share of the requests that were sent. */
function share(count: (report: Report) => number): Metric {
  return {
    "": count,
    "%": (report) => report.counts.sent > 0 ? 100 * count(report) / report.counts.sent : undefined,
  };
}
