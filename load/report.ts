/**
 * The report of a run, as its JSON says it; `docs/bench.schema.json` describes it.
 *
 * @module
 */

import type { Bar, Distribution } from "./distribution.ts";
import type { LoadCounts } from "./results.ts";
import type { LoadOptions, Run } from "./run.ts";

/** The percentiles that are reported. */
export const PERCENTILES = [10, 25, 50, 75, 90, 95, 99, 99.9, 99.99] as const;

/** How many bars a histogram has, and one more for what is longer than the 99th percentile. */
const BARS = 10;

/** How durations are distributed; all are in milliseconds. */
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

/** The figures of a distribution, in the order in which they are told. */
export const FIGURES: readonly string[] = [
  "min",
  "mean",
  "stddev",
  ...PERCENTILES.map((percent) => `p${percent}`),
  "max",
];

/** The figure of this name; undefined if there is none. */
export function figureOf(report: DistributionReport | null, name: string): number | undefined {
  if (report === null) return undefined;
  return report.percentiles[name] ?? report[name as "min" | "mean" | "stddev" | "max"];
}

/** Everything that is known about a run. The unit of a time is in its name. */
export interface Report {
  /** The version of asyncpkt. */
  asyncpkt: string;
  /** When the first request was sent, as of RFC 3339. */
  started_at: string;
  /** Whether it was ended early, by a signal. */
  interrupted: boolean;
  server: {
    url: string;
    /** `asyncpkt.v1`, or `plain`, in which delays are not reported and so overhead is not known. */
    protocol: string;
  };
  options: {
    connections: number;
    pipeline: number;
    batch: number;
    /** How many requests there were to be; null for as many as the time allowed. */
    requests: number | null;
    duration_s: number | null;
    /** Requests a second; null for as many as were answered. */
    rate: number | null;
    timeout_s: number;
    /** How many different data were sent in turn. */
    data: number;
  };
  /** How long it took, up to the last answer. */
  elapsed_s: number;
  /** How long requests were sent. */
  sending_s: number;
  counts: LoadCounts;
  /** Error answers by code. */
  errors: Record<string, number>;
  rates: {
    /** Requests a second, while they were sent. */
    sent: number;
    /** Responses a second, from the first request to the last answer. */
    answered: number;
  };
  /** How many requests were in flight. */
  concurrency: {
    mean: number;
    max: number;
    /** How many there could be: connections × pipeline. */
    limit: number;
    /** How many the rate asks for: rate × mean time until an answer (Little's law). */
    required: number | null;
  };
  /** From the time at which a request was to be sent until its response. */
  latency_ms: DistributionReport | null;
  /** Latency less the delay that the server reported. */
  overhead_ms: DistributionReport | null;
  /** By how much frames were sent later than they were to be. */
  send_lag_ms: DistributionReport | null;
  thresholds: Verdict[];
}

/** What became of a threshold. */
export interface Verdict {
  threshold: string;
  /** In the unit of the threshold; null if it is not known, which keeps to nothing. */
  value: number | null;
  ok: boolean;
}

/** What is reported about a run besides itself. */
export interface ReportContext {
  readonly version: string;
  readonly startedAt: Date;
  readonly thresholds: readonly { judge(report: Report): Verdict }[];
}

/** Makes the report of a run that is over. */
export function reportOf(run: Run, options: LoadOptions, context: ReportContext): Report {
  const { results, elapsed, sending } = run;
  const { rate, connections, pipeline, batch } = options;
  const finite = (value: number) => Number.isFinite(value) ? value : null;
  const report: Report = {
    asyncpkt: context.version,
    started_at: context.startedAt.toISOString(),
    interrupted: run.interrupted,
    server: { url: options.url.href, protocol: run.protocol || "plain" },
    options: {
      connections,
      pipeline,
      batch,
      requests: finite(options.requests),
      duration_s: finite(options.duration / 1000),
      rate: rate ?? null,
      timeout_s: options.timeout / 1000,
      data: options.data.length,
    },
    elapsed_s: round(elapsed / 1000),
    sending_s: round(sending / 1000),
    counts: { ...results.counts },
    errors: Object.fromEntries(results.errors),
    rates: {
      sent: perSecond(results.counts.sent, sending),
      answered: perSecond(results.counts.answered, elapsed),
    },
    concurrency: {
      mean: round(results.meanInFlight(elapsed)),
      max: results.maxInFlight,
      limit: connections * pipeline,
      required: rate === undefined ? null : round(rate * results.meanTimeToAnswer / 1000),
    },
    latency_ms: describe(results.latency),
    overhead_ms: describe(results.overhead),
    send_lag_ms: describe(results.lag),
    thresholds: [],
  };
  report.thresholds = context.thresholds.map((threshold) => threshold.judge(report));
  return report;
}

function describe(distribution: Distribution): DistributionReport | null {
  if (distribution.count === 0) return null;
  const percentiles = PERCENTILES.map((
    percent,
  ) => [`p${percent}`, distribution.percentile(percent)]);
  return {
    count: distribution.count,
    min: distribution.min,
    mean: round(distribution.mean),
    stddev: round(distribution.deviation),
    max: distribution.max,
    percentiles: Object.fromEntries(percentiles),
    histogram: distribution.bars(BARS),
  };
}

function perSecond(count: number, milliseconds: number): number {
  return milliseconds > 0 ? round(1000 * count / milliseconds) : 0;
}

/** To three digits after the point: more would only seem exact. */
function round(value: number): number {
  return Math.round(1000 * value) / 1000;
}
