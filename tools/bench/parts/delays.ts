/**
 * Very many requests in flight, each with its own delay: how late their answers are, and what they cost.
 *
 * @module
 */

import { SMALL } from "../conversion.ts";
import { type Load, measure, type Result } from "../measure.ts";
import { type Section, withSpread } from "../report.ts";
import type { Server, Servers } from "../servers.ts";

/** Until the first requests have been answered and as many come as go: 5 s, and a little. */
const OPEN = { connections: 50, delays: true, data: SMALL, warmUp: 7, seconds: 5 };

/** What a small request's own text takes: its data and its id. */
const OWN_TEXT = SMALL.length + 10;

const LOADS: Readonly<Record<string, { server: "asyncpkt" | "plainBun"; load: Load }>> = {
  "asyncpkt, 100,000 in flight": { server: "asyncpkt", load: { ...OPEN, rate: 33_000 } },
  "plain on Bun, 100,000 in flight": { server: "plainBun", load: { ...OPEN, rate: 33_000 } },
  "asyncpkt.v1, 300,000 in flight": {
    server: "asyncpkt",
    load: { ...OPEN, rate: 100_000, subprotocol: "asyncpkt.v1" },
  },
  "asyncpkt.v1, 3,000 in flight": {
    server: "asyncpkt",
    load: { ...OPEN, rate: 1_000, subprotocol: "asyncpkt.v1" },
  },
};

/** Measures the lateness under an open loop. */
export async function measureDelays(servers: Servers, rounds: number): Promise<Section> {
  const results = new Map<string, Result[]>(Object.keys(LOADS).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, { server, load }] of Object.entries(LOADS)) {
      results.get(name)!.push(await measure(servers, servers[server] as Server, load));
    }
  }
  const of = (name: string, value: (result: Result) => number) => results.get(name)!.map(value);
  const p99 = (name: string) => of(name, (result) => result.p99);
  const [small, bun, large, few] = Object.keys(LOADS) as [string, string, string, string];
  const bunP99 = p99(bun);
  return {
    title: "Delays",
    text:
      "Random delays of 1 to 5 s, 50 connections, an open loop. Lateness is the time from sending a " +
      "request to its answer, less its delay. Memory per request is what the process has resident beyond " +
      "what it has with 3,000 in flight, by request, less the request's own text.",
    goals: [
      { what: `${small}: lateness p99`, against: "", values: p99(small), atMost: 4, unit: " ms" },
      {
        what: `${small}: lateness p99`,
        against: "plain on Bun",
        values: p99(small).map((value, round) => value / bunP99[round]!),
        atMost: 1,
        unit: "×",
      },
      { what: `${large}: lateness p99`, against: "", values: p99(large), atMost: 6, unit: " ms" },
      {
        what: `${large}: memory per request`,
        against: "",
        values: results.get(large)!.map((result, round) =>
          memoryPerRequest(result, results.get(few)![round]!)
        ),
        atMost: 200,
        digits: 0,
        unit: " bytes",
      },
    ],
    table: {
      header: [
        "",
        "in flight",
        "lateness p50, ms",
        "p99, ms",
        "max, ms",
        "memory, MB",
        "processor",
      ],
      rows: Object.keys(LOADS).map((name) => [
        name,
        withSpread(of(name, (result) => result.inFlight), 0),
        withSpread(of(name, (result) => result.p50)),
        withSpread(p99(name)),
        withSpread(of(name, (result) => result.max), 1),
        withSpread(of(name, (result) => result.memory / 1e6), 0),
        withSpread(of(name, (result) => 100 * result.processor), 0, " %"),
      ]),
    },
  };
}

function memoryPerRequest(many: Result, few: Result): number {
  return (many.memory - few.memory) / (many.inFlight - few.inFlight) - OWN_TEXT;
}
