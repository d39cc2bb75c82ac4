/**
 * Very many requests in flight with random delays: how late their answers are, and their cost.
 *
 * @module
 */

import { SMALL } from "./conversion.ts";
import { measure, type Result } from "../measure.ts";
import { type Section, withSpread } from "../report.ts";
import type { Servers } from "../servers.ts";
import { interleave, pick, ratios } from "../statistics.ts";

/** The warm-up lasts until as many requests are answered as arrive: somewhat more than 5 s. */
const OPEN = { connections: 50, delays: true, data: SMALL, warmUp: 7, seconds: 5 };

/** The length of a small request's own text: its data and its id. */
const OWN_TEXT = SMALL.length + 10;

/** Measures the lateness in an open loop. */
export async function measureDelays(servers: Servers, rounds: number): Promise<Section> {
  const { asyncpkt, plainBun } = servers;
  const v1 = { ...OPEN, subprotocol: "asyncpkt.v1" };
  const [small, bun] = ["asyncpkt, 100,000 in flight", "plain on Bun, 100,000 in flight"];
  const [large, few] = ["asyncpkt.v1, 300,000 in flight", "asyncpkt.v1, 3,000 in flight"];
  const results = await interleave(rounds, {
    [small]: () => measure(asyncpkt, { ...OPEN, rate: 33_000 }),
    [bun]: () => measure(plainBun, { ...OPEN, rate: 33_000 }),
    [large]: () => measure(asyncpkt, { ...v1, rate: 100_000 }),
    [few]: () => measure(asyncpkt, { ...v1, rate: 1_000 }),
  });
  const p99 = pick(results, (result) => result.p99);
  const memoryPerRequest = results.get(large)!.map((result, round) => {
    const base = results.get(few)![round]!;
    return (result.memory - base.memory) / (result.inFlight - base.inFlight) - OWN_TEXT;
  });
  const columns: [
    header: string,
    value: (result: Result) => number,
    digits: number,
    unit?: string,
  ][] = [
    ["in flight", (result) => result.inFlight, 0],
    ["lateness p50, ms", (result) => result.p50, 2],
    ["p99, ms", (result) => result.p99, 2],
    ["max, ms", (result) => result.max, 1],
    ["memory, MB", (result) => result.memory / 1e6, 0],
    ["CPU time", (result) => 100 * result.processor, 0, " %"],
  ];
  return {
    title: "Delays",
    text:
      "Random delays of 1 to 5 s, 50 connections, an open loop. Lateness is the time from sending a " +
      "request to its answer, minus its delay. Memory per request is the growth of resident " +
      "memory from 3,000 requests in flight on. It does not include a request's own text.",
    goals: [
      { what: `${small}: lateness p99`, values: p99.get(small)!, atMost: 4, unit: " ms" },
      {
        what: `${small}: lateness p99`,
        against: "plain on Bun",
        values: ratios(p99, small, bun),
        atMost: 1,
        unit: "×",
      },
      { what: `${large}: lateness p99`, values: p99.get(large)!, atMost: 6, unit: " ms" },
      {
        what: `${large}: memory per request`,
        values: memoryPerRequest,
        atMost: 200,
        digits: 0,
        unit: " bytes",
      },
    ],
    table: {
      header: ["", ...columns.map(([header]) => header)],
      rows: [...results].map(([name, rounds]) => [
        name,
        ...columns.map(([, value, digits, unit]) => withSpread(rounds.map(value), digits, unit)),
      ]),
    },
  };
}
