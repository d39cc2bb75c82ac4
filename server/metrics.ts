/**
 * `GET /metrics`: what has been counted, in Prometheus' text format, as prom-client writes it.
 *
 * prom-client is loaded for the first one who asks: that takes 65 to 120 ms, in which nothing is answered,
 * and those who never ask are spared it.
 *
 * @module
 */

import type { Metric } from "prom-client";
import type { Counters, Histogram } from "../conversation/counters.ts";
import type { FaultKind } from "../fault/policy.ts";
import type { Figures } from "./figures.ts";

/** All that prom-client's registry wants of a metric. */
interface Family {
  name: string;
  help: string;
  type: "counter" | "gauge" | "histogram";
  values: Value[];
}

/** One line of a family. */
interface Value {
  value: number;
  labels?: Record<string, string | number>;
  /** Where it is not the family's. */
  metricName?: string;
}

/**
 * Answers with all metrics.
 *
 * @param makesFaults whether trouble is to be made on purpose.
 * @param startedAt when the server started, in milliseconds since 1970.
 */
export async function answerMetrics(
  { counters, gauges }: Figures,
  makesFaults: boolean,
  startedAt: number,
): Promise<Response> {
  const [{ default: { Registry } }, { default: { version } }] = await Promise.all([
    import("prom-client"),
    import("../deno.json", { with: { type: "json" } }),
  ]);
  const families = [
    ...ofRequests(counters),
    ...makesFaults ? ofFaults(counters.faults) : [],
    ...ofConnections(counters, gauges),
    ...ofProcess(version, startedAt, gauges.heap),
  ];
  const registry = new Registry();
  for (const family of families) {
    registry.registerMetric({ ...family, get: () => family } as unknown as Metric);
  }
  const headers = { "content-type": registry.contentType };
  return new Response(await registry.metrics(), { headers });
}

function ofRequests(counters: Readonly<Counters>): Family[] {
  const { answered, dropped, errors, inFlight } = counters;
  const { cancelled, internal: failed, ...refusals } = errors;
  const refused = Object.values(refusals).reduce((sum, count) => sum + count);
  return [
    {
      name: "asyncpkt_requests_total",
      help: "Requests that have ended, by how they did. A frame that held none counts as refused.",
      type: "counter",
      values: labelled("outcome", { answered, cancelled, dropped, failed, refused }),
    },
    {
      name: "asyncpkt_errors_total",
      help: "Errors that were sent, by their code.",
      type: "counter",
      values: labelled("code", errors),
    },
    gauge("asyncpkt_requests_in_flight", "Requests that wait for their answer.", inFlight[0]!),
    histogram("asyncpkt_delay_seconds", "The delays that requests were given.", counters.delays),
    histogram(
      "asyncpkt_lateness_seconds",
      "From when a request was due until it was answered.",
      counters.lateness,
    ),
  ];
}

function ofFaults(counts: Readonly<Record<FaultKind, number>>): Family[] {
  return [{
    name: "asyncpkt_faults_total",
    help: "Trouble that was made on purpose, by its kind.",
    type: "counter",
    values: labelled("kind", counts),
  }];
}

function ofConnections(
  { bytesIn, bytesOut }: Readonly<Counters>,
  { connections, unopened }: Figures["gauges"],
): Family[] {
  return [
    gauge("asyncpkt_connections", "WebSocket connections that are open.", connections),
    gauge("asyncpkt_upgrades_unopened", "Upgrades that never became a connection.", unopened),
    {
      name: "asyncpkt_received_bytes_total",
      help: "Bytes of frames, and of bodies, that came.",
      type: "counter",
      values: [{ value: bytesIn }],
    },
    {
      name: "asyncpkt_sent_bytes_total",
      help: "Bytes of frames, and of lines of bodies, that were sent.",
      type: "counter",
      values: [{ value: bytesOut }],
    },
  ];
}

function ofProcess(version: string, startedAt: number, heap: number): Family[] {
  const { rss } = Deno.memoryUsage();
  const { deno, v8 } = Deno.version;
  return [
    {
      name: "asyncpkt_build_info",
      help: "What is running, on what; always 1.",
      type: "gauge",
      values: [{ labels: { version, deno, v8 }, value: 1 }],
    },
    gauge(
      "process_start_time_seconds",
      "When the process started, since 1970.",
      startedAt / 1000,
    ),
    gauge("process_resident_memory_bytes", "Memory that the process holds.", rss),
    gauge("process_heap_bytes", "Memory that JavaScript uses.", heap),
  ];
}

function gauge(name: string, help: string, value: number): Family {
  return { name, help, type: "gauge", values: [{ value }] };
}

/** Counts by the value of a label. */
function labelled(label: string, counts: Record<string, number>): Value[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

/** From milliseconds to seconds, and from ranges to those up to a bound, as Prometheus has them. */
function histogram(name: string, help: string, { bounds, counts, sum }: Histogram): Family {
  let count = 0;
  const values: Value[] = Array.from(counts, (more, i) => {
    const le = i < bounds.length ? bounds[i]! / 1000 : "+Inf";
    return { metricName: `${name}_bucket`, labels: { le }, value: count += more };
  });
  values.push({ metricName: `${name}_sum`, value: sum / 1000 });
  values.push({ metricName: `${name}_count`, value: count });
  return { name, help, type: "histogram", values };
}
