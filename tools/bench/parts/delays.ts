/**
 * Servers at a fixed rate of requests, and with none: how late answers are, and what they cost.
 *
 * @module
 */

import { SMALL } from "./conversion.ts";
import { measure, type Result, type Server } from "../measure.ts";
import {
  type Goal,
  interleave,
  pick,
  ratios,
  resultTable,
  type Rounds,
  type Section,
  withSpread,
} from "../report.ts";
import type { Servers } from "../servers.ts";

/** The warm-up lasts until as many requests are answered as arrive, and all code is compiled. */
const OPEN = { connections: 50, delays: true, data: SMALL, warmUp: 15, seconds: 5 };

/** The length of a small request's own text: its data and its id. */
const OWN_TEXT = SMALL.length + 10;

const column = (value: (result: Result) => number, digits: number, unit?: string) => (
  (results: readonly Result[]) => withSpread(results.map(value), digits, unit)
);
const COLUMNS = {
  "answers/s": column(({ perSecond }) => perSecond, 0),
  "in flight": column(({ inFlight }) => inFlight, 0),
  "lateness p50, ms": column(({ p50 }) => p50, 2),
  "p99, ms": column(({ p99 }) => p99, 2),
  "max, ms": column(({ max }) => max, 1),
  "memory, MB": column(({ memory }) => memory / 1e6, 0),
  "CPU time": column(({ processor }) => 100 * processor, 0, " %"),
};

/** How many connections are idle. */
const IDLE = 10_000;

/** Measures the lateness in an open loop. */
export async function measureDelays(servers: Servers, rounds: number): Promise<Section> {
  const { asyncpkt, asyncpktStrict, plainBun } = servers;
  const v1 = { ...OPEN, subprotocol: "asyncpkt.v1" };
  const [small, bun] = ["asyncpkt, 100,000 in flight", "plain on Bun, 100,000 in flight"];
  const [large, few] = ["asyncpkt.v1, 300,000 in flight", "asyncpkt.v1, 3,000 in flight"];
  const smallStrict = "asyncpkt strict, 100,000 in flight";
  const largeStrict = "asyncpkt.v1 strict, 300,000 in flight";
  const results = await interleave(rounds, {
    [small]: () => measure(asyncpkt, { ...OPEN, rate: 33_000 }),
    [smallStrict]: () => measure(asyncpktStrict, { ...OPEN, rate: 33_000 }),
    [bun]: () => measure(plainBun, { ...OPEN, rate: 33_000 }),
    [large]: () => measure(asyncpkt, { ...v1, rate: 100_000 }),
    [largeStrict]: () => measure(asyncpktStrict, { ...v1, rate: 100_000 }),
    [few]: () => measure(asyncpkt, { ...v1, rate: 1_000 }),
  });
  const p99 = pick(results, (result) => result.p99);
  const memoryPerRequest = results.get(large)!.map((result, round) => {
    const base = results.get(few)![round]!;
    return (result.memory - base.memory) / (result.inFlight - base.inFlight) - OWN_TEXT;
  });
  const latenessGoal = (name: string, atMost: number): Goal => (
    { what: `${name}: lateness p99`, values: p99.get(name)!, atMost, unit: " ms" }
  );
  const latenessToBunGoal = (name: string, atMost: number): Goal => ({
    what: `${name}: lateness p99`,
    against: "plain on Bun",
    values: ratios(p99, name, bun),
    atMost,
    unit: "×",
  });
  return {
    title: "Delays",
    text:
      "Random delays of 1 to 5 s, 50 connections, an open loop. Lateness is the time from sending a " +
      "request to its answer, minus its delay. Memory per request is the growth of resident " +
      "memory from 3,000 requests in flight on. It does not include a request's own text.",
    goals: [
      latenessGoal(small, 4),
      latenessToBunGoal(small, 1),
      latenessGoal(smallStrict, 3),
      latenessToBunGoal(smallStrict, 0.5),
      latenessGoal(large, 6),
      {
        what: `${large}: memory per request`,
        values: memoryPerRequest,
        atMost: 200,
        digits: 0,
        unit: " bytes",
      },
      latenessGoal(largeStrict, 5),
      {
        what: `${largeStrict}: memory`,
        values: results.get(largeStrict)!.map(({ memory }) => memory / 1e6),
        atMost: 150,
        digits: 0,
        unit: " MB",
      },
    ],
    table: tableOf(results),
  };
}

/** Measures the memory of connections on which nothing happens. */
export async function measureIdle(servers: Servers, rounds: number): Promise<Section> {
  const { asyncpkt, asyncpktStrict, plainBun } = servers;
  const memory = async (server: Server, connections: number) =>
    (await measure(server, { connections, data: SMALL, warmUp: 5, seconds: 1 })).memory;
  const perConnection = async (server: Server) =>
    (await memory(server, IDLE) - await memory(server, 0)) / IDLE / 1000;
  const measured = await interleave(
    rounds,
    Object.fromEntries(
      [asyncpkt, asyncpktStrict, plainBun].map((each) => [each.name, () => perConnection(each)]),
    ),
  );
  return {
    title: "Idle connections",
    text:
      "10,000 connections without requests: the increase in resident memory over a server without " +
      "connections, divided by the connections.",
    goals: [{
      what: "asyncpkt strict: memory per connection",
      values: measured.get("asyncpkt strict")!,
      atMost: 8,
      digits: 1,
      unit: " KB",
    }],
    table: resultTable(["server", "memory per connection, KB"], measured, 1),
  };
}

/** Measures the cost of the log line for each request. */
export async function measureLogging(servers: Servers, rounds: number): Promise<Section> {
  const load = { connections: 16, rate: 10_000, data: SMALL, warmUp: 1, seconds: 3 };
  const { asyncpkt, asyncpktLogging } = servers;
  const results = await interleave(rounds, {
    [asyncpktLogging.name]: () => measure(asyncpktLogging, load),
    [asyncpkt.name]: () => measure(asyncpkt, load),
  });
  const perSecond = pick(results, (result) => result.perSecond);
  return {
    title: "Logging",
    text:
      "10,000 requests/s, no delays, an open loop: with a log line for each request, the default, " +
      "and with `--quiet`.",
    goals: [{
      what: "answers/s with the lines",
      against: "the same with `--quiet`",
      values: ratios(perSecond, asyncpktLogging.name, asyncpkt.name),
      atLeast: 0.8,
    }],
    table: tableOf(results),
  };
}

function tableOf(results: Rounds<Result>): NonNullable<Section["table"]> {
  return {
    header: ["", ...Object.keys(COLUMNS)],
    rows: [...results].map(([name, rounds]) => [
      name,
      ...Object.values(COLUMNS).map((show) => show(rounds)),
    ]),
  };
}
