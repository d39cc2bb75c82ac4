/**
 * `GET /metrics`: the metrics of a server in Prometheus' text format, version 0.0.4.
 *
 * @module
 */

import project from "../deno.json" with { type: "json" };
import type { Counters, Histogram } from "../session/counters.ts";
import type { ServerStats } from "./stats.ts";

/** A line of a metric; the suffix is part of its name. */
interface Sample {
  value: number;
  labels?: Record<string, string>;
  suffix?: string;
}

/**
 * Returns a response with all metrics.
 *
 * @param injectsFaults whether the server injects faults; otherwise they have no metric.
 * @param startedAt when the server started, in milliseconds since 1970.
 */
export function answerMetrics(
  { counters, gauges }: ServerStats,
  injectsFaults: boolean,
  startedAt: number,
): Response {
  const { version } = project;
  const { deno, v8 } = Deno.version;
  const faults = counter(
    "asyncpkt_faults_total",
    "Injected faults, by kind.",
    byLabel("kind", counters.faults),
  );
  const metrics = [
    counter(
      "asyncpkt_requests_total",
      "Requests that have ended, by outcome. A frame without a request counts as refused.",
      byLabel("outcome", outcomes(counters)),
    ),
    counter("asyncpkt_errors_total", "Errors sent, by code.", byLabel("code", counters.errors)),
    gauge("asyncpkt_requests_in_flight", "Requests in flight.", gauges.inFlight),
    histogram("asyncpkt_delay_seconds", "Delays of requests.", counters.delays),
    histogram(
      "asyncpkt_lateness_seconds",
      "Time from when a request was due until it was answered.",
      counters.lateness,
    ),
    ...injectsFaults ? [faults] : [],
    gauge("asyncpkt_connections", "Open WebSocket connections.", gauges.connections),
    gauge("asyncpkt_upgrades_abandoned", "Upgrades that never opened.", gauges.abandoned),
    counter(
      "asyncpkt_received_bytes_total",
      "Bytes received in frames and bodies.",
      counters.bytesIn,
    ),
    counter("asyncpkt_sent_bytes_total", "Bytes sent in frames and bodies.", counters.bytesOut),
    gauge("asyncpkt_build_info", "Versions of the server, of Deno and of V8; always 1.", [
      { labels: { version, deno, v8 }, value: 1 },
    ]),
    gauge("process_start_time_seconds", "Start of the process, in Unix time.", startedAt / 1000),
    gauge("process_resident_memory_bytes", "Resident memory.", Deno.memoryUsage().rss),
    gauge("process_heap_bytes", "Memory in use by JavaScript.", gauges.heap),
  ];
  const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
  return new Response(metrics.join("\n"), { headers });
}

/** Formats a metric: its help, its type, and a line for each sample, or for its only value. */
export function formatMetric(
  type: "counter" | "gauge" | "histogram",
  name: string,
  help: string,
  value: number | Sample[],
): string {
  const samples: Sample[] = typeof value === "number" ? [{ value }] : value;
  const lines = samples.map(({ value, labels = {}, suffix = "" }) => {
    const pairs = Object.entries(labels).map(([label, text]) =>
      `${label}="${escape(text, /[\\\n"]/g)}"`
    );
    return `${name}${suffix}${pairs.length > 0 ? `{${pairs}}` : ""} ${formatValue(value)}\n`;
  });
  return `# HELP ${name} ${escape(help, /[\\\n]/g)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

const counter = formatMetric.bind(undefined, "counter");
const gauge = formatMetric.bind(undefined, "gauge");

function escape(text: string, special: RegExp): string {
  return text.replace(special, (character) => character === "\n" ? "\\n" : `\\${character}`);
}

/** Prometheus parses numbers as Go does, where infinity is `+Inf`. */
function formatValue(value: number): string {
  return String(value).replace(/^Infinity/, "+Inf").replace("-Infinity", "-Inf");
}

/** Errors other than a cancel and a failure of the server are refusals. */
function outcomes(counters: Readonly<Counters>): Record<string, number> {
  const { answered, dropped, errors, notifications: notification } = counters;
  const { cancelled, internal: failed, ...refusals } = errors;
  const refused = Object.values(refusals).reduce((sum, count) => sum + count);
  const others = notification > 0 ? { notification } : {};
  return { answered, cancelled, dropped, failed, refused, ...others };
}

/** Returns a sample for each count, with its name as the value of a label. */
function byLabel(label: string, counts: Record<string, number>): Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

/** Converts milliseconds to seconds, and counts to cumulative counts. */
function histogram(name: string, help: string, { bounds, counts, sum }: Histogram): string {
  let count = 0;
  const samples: Sample[] = Array.from(counts, (more, i) => {
    const le = formatValue((bounds[i] ?? Infinity) / 1000);
    return { suffix: "_bucket", labels: { le }, value: count += more };
  });
  samples.push({ suffix: "_sum", value: sum / 1000 }, { suffix: "_count", value: count });
  return formatMetric("histogram", name, help, samples);
}
