/**
 * The report of a run. `docs/bench.schema.json` describes each of its members.
 *
 * @module
 */

import { type Bar, type Distribution, toThousandths } from "./distribution.ts";
import type { LoadOptions, Run } from "./run.ts";

/** Reported percentiles. */
const PERCENTILES = [10, 25, 50, 75, 90, 95, 99, 99.9, 99.99] as const;

/** Bars of a histogram, without the one beyond the 99th percentile. */
const BARS = 10;

/** A distribution of durations, in milliseconds. */
export interface DistributionReport {
  count: number;
  min: number;
  mean: number;
  stddev: number;
  max: number;
  /** By name, such as `p99.9`. */
  percentiles: Record<string, number>;
  histogram: Bar[];
}

/** Names of the figures of a distribution, in the order of the report. */
export const FIGURES: readonly string[] = [
  "min",
  "mean",
  "stddev",
  ...PERCENTILES.map((percent) => `p${percent}`),
  "max",
];

/** Returns a figure by its name; undefined if there is none. */
export function figureOf(report: DistributionReport | null, name: string): number | undefined {
  if (report === null) return undefined;
  return report.percentiles[name] ?? report[name as "min" | "mean" | "stddev" | "max"];
}

/** Verdict on a threshold. */
export interface Verdict {
  threshold: string;
  /** In the unit of the threshold; null if it is not known, which fails the threshold. */
  value: number | null;
  ok: boolean;
}

/** Figures of a run, on which thresholds are judged. */
export type Measurement = ReturnType<typeof measure>;

/** Report of a run, as JSON. */
export interface Report extends Measurement {
  thresholds: Verdict[];
}

/** What a report needs besides the run. */
export interface ReportContext {
  /** The version of asyncpkt. */
  readonly version: string;
  readonly startedAt: Date;
  readonly thresholds: readonly { judge(measurement: Measurement): Verdict }[];
}

/** Returns the report of a run that is over. */
export function reportOf(run: Run, options: LoadOptions, context: ReportContext): Report {
  const measurement = measure(run, options, context.version, context.startedAt);
  return {
    ...measurement,
    thresholds: context.thresholds.map((threshold) => threshold.judge(measurement)),
  };
}

function measure(run: Run, options: LoadOptions, version: string, startedAt: Date) {
  const { results, elapsed, sending } = run;
  const { rate, connections, concurrency, batch, wire } = options;
  const finite = (value: number) => Number.isFinite(value) ? value : null;
  return {
    asyncpkt: version,
    started_at: startedAt.toISOString(),
    interrupted: run.interrupted,
    server: {
      url: options.url.href,
      protocol: wire.name === "packets" ? run.subprotocol || "plain" : wire.name,
      subprotocol: run.subprotocol || null,
    },
    options: {
      connections,
      concurrency,
      batch,
      requests: finite(options.requests),
      duration_s: finite(options.duration / 1000),
      rate: rate ?? null,
      timeout_s: options.timeout / 1000,
      data: options.contents.length,
    },
    elapsed_s: toThousandths(elapsed / 1000),
    sending_s: toThousandths(sending / 1000),
    counts: { ...results.counts },
    errors: Object.fromEntries(results.errors),
    rates: {
      sent: perSecond(results.counts.sent, sending),
      answered: perSecond(results.counts.answered, elapsed),
    },
    concurrency: {
      mean: toThousandths(results.meanInFlight(elapsed)),
      max: results.maxInFlight,
      limit: connections * concurrency,
      // Little's law.
      required: rate === undefined ? null : toThousandths(rate * results.meanTimeToAnswer / 1000),
    },
    latency_ms: describe(results.latency),
    overhead_ms: describe(results.overhead),
    send_lag_ms: describe(results.lag),
  };
}

function describe(distribution: Distribution): DistributionReport | null {
  if (distribution.count === 0) return null;
  const percentiles = PERCENTILES.map((each) => [`p${each}`, distribution.percentile(each)]);
  return {
    count: distribution.count,
    min: distribution.min,
    mean: toThousandths(distribution.mean),
    stddev: toThousandths(distribution.deviation),
    max: distribution.max,
    percentiles: Object.fromEntries(percentiles),
    histogram: distribution.bars(BARS),
  };
}

function perSecond(count: number, milliseconds: number): number {
  return milliseconds > 0 ? toThousandths(1000 * count / milliseconds) : 0;
}
