/**
 * How things go on as the load grows: the charts.
 *
 * @module
 */

import { type Line, lineChart } from "../charts.ts";
import { SMALL } from "../conversion.ts";
import { type Load, measure } from "../measure.ts";
import type { Section } from "../report.ts";
import type { Server, Servers } from "../servers.ts";

/** Arrivals per second; three times as many are in flight. */
const RATES = [1_000, 10_000, 33_000, 100_000];

/** Packets by the length of their data. */
const LENGTHS = [55, 220, 1_100, 8_800, 64_000];

const OPEN = { connections: 50, delays: true, data: SMALL, warmUp: 7, seconds: 3 };
const CLOSED = { connections: 16, pipeline: 16, warmUp: 0.5, seconds: 2 };
const V1 = { subprotocol: "asyncpkt.v1" };

/** Measures each point once. */
export async function measureSweeps(servers: Servers): Promise<Section> {
  const { asyncpkt, echo, plainDeno, plainBun } = servers;
  const lateness: Line[] = [];
  const memory: Line[] = [];
  for (
    const [name, server, load] of [
      ["asyncpkt", asyncpkt, OPEN],
      ["asyncpkt.v1", asyncpkt, { ...OPEN, ...V1 }],
      ["plain on Deno", plainDeno, OPEN],
      ["plain on Bun", plainBun, OPEN],
    ] satisfies [string, Server, Load][]
  ) {
    const results = [];
    for (const rate of RATES) {
      const result = await measure(servers, server, { ...load, rate });
      // Past what a server can do, lateness only says for how long it was measured.
      if (result.perSecond < 0.95 * rate) break;
      results.push(result);
    }
    lateness.push({ name, points: results.map(({ inFlight, p99 }) => [inFlight, p99]) });
    memory.push({ name, points: results.map(({ inFlight, memory }) => [inFlight, memory / 1e6]) });
  }

  const throughput: Line[] = [];
  for (const server of [asyncpkt, echo, plainDeno, plainBun]) {
    const points: [number, number][] = [];
    for (const length of LENGTHS) {
      const data = SMALL.repeat(Math.ceil(length / SMALL.length)).slice(0, length);
      const { perSecond } = await measure(servers, server, { ...CLOSED, data });
      points.push([length, perSecond]);
    }
    throughput.push({ name: server.name, points });
  }
  return {
    title: "As the load grows",
    text:
      "One round for each point; a line ends where a server no longer keeps up with what arrives.",
    goals: [],
    charts: {
      "lateness.svg": lineChart(
        "Lateness by requests in flight",
        "requests in flight",
        "lateness p99, ms",
        lateness,
      ),
      "memory.svg": lineChart(
        "Memory by requests in flight",
        "requests in flight",
        "memory, MB",
        memory,
      ),
      "throughput.svg": lineChart(
        "Answers per second by packet size",
        "length of data, characters",
        "answers/s",
        throughput,
      ),
    },
  };
}
