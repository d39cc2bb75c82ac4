/**
 * How things go on as the load grows: the charts.
 *
 * @module
 */

import { type Labels, type Line, lineChart } from "../charts.ts";
import { SMALL } from "../conversion.ts";
import { describePlacing } from "../machine.ts";
import { measure, type Result } from "../measure.ts";
import type { Section } from "../report.ts";
import type { Servers } from "../servers.ts";

/** Arrivals per second; three times as many are in flight. */
const RATES = [1_000, 10_000, 33_000, 100_000];

/** Packets by the length of their data. */
const LENGTHS = [55, 220, 1_100, 8_800, 64_000];

const OPEN = { connections: 50, delays: true, data: SMALL, warmUp: 7, seconds: 3 };
const CLOSED = { connections: 16, pipeline: 16, warmUp: 0.5, seconds: 2 };
const V1 = { subprotocol: "asyncpkt.v1" };

/** What each point is measured for, by the name of its line. */
type Points<T> = ReadonlyMap<string, readonly T[]>;

/** Measures every point once in each round. */
export async function measureSweeps(servers: Servers, rounds: number): Promise<Section> {
  const { asyncpkt, echo, plainDeno, plainBun } = servers;
  const open = await sweep(rounds, RATES, {
    "asyncpkt": (rate) => measure(servers, asyncpkt, { ...OPEN, rate }),
    "asyncpkt.v1": (rate) => measure(servers, asyncpkt, { ...OPEN, ...V1, rate }),
    "plain on Deno": (rate) => measure(servers, plainDeno, { ...OPEN, rate }),
    "plain on Bun": (rate) => measure(servers, plainBun, { ...OPEN, rate }),
  }, (result, rate) => result.perSecond >= 0.95 * rate);
  const closed = await sweep(
    rounds,
    LENGTHS,
    Object.fromEntries(
      [asyncpkt, echo, plainDeno, plainBun].map((server) => [server.name, (length: number) => {
        const data = SMALL.repeat(Math.ceil(length / SMALL.length)).slice(0, length);
        return measure(servers, server, { ...CLOSED, data });
      }]),
    ),
  );

  const subtitle = `${await describePlacing()}\n${
    servers.versions.slice(0, -1).join(", ")
  }; ${rounds} rounds: median, least and greatest`;
  const chart = (
    results: Points<Result[]>,
    labels: Omit<Labels, "subtitle">,
    x: (result: Result, point: number) => number,
    y: (result: Result) => number,
  ) =>
    lineChart(
      { ...labels, subtitle },
      [...results].map(([name, points]): Line => ({
        name,
        points: points.map((rounds, point) => ({
          x: rounds.map((result) => x(result, point)),
          y: rounds.map(y),
        })),
      })),
    );
  return {
    title: "As the load grows",
    text:
      `Medians of ${rounds} rounds, with bars from the least to the greatest. A line ends where a ` +
      "server no longer keeps up with what arrives: past that, lateness only says for how long it was " +
      "measured.",
    goals: [],
    charts: {
      "lateness.svg": chart(
        open,
        { title: "Lateness by requests in flight", x: "requests in flight", y: "lateness p99, ms" },
        ({ inFlight }) => inFlight,
        ({ p99 }) => p99,
      ),
      "memory.svg": chart(
        open,
        { title: "Memory by requests in flight", x: "requests in flight", y: "memory, MB" },
        ({ inFlight }) => inFlight,
        ({ memory }) => memory / 1e6,
      ),
      "throughput.svg": chart(
        closed,
        {
          title: "Answers per second by packet size",
          x: "length of data, characters",
          y: "answers/s",
        },
        (_result, point) => LENGTHS[point]!,
        ({ perSecond }) => perSecond,
      ),
    },
  };
}

/**
 * Measures each line at each of `steps`, in rounds: for each line, its points, and for each point what was
 * found in the rounds. A line ends before the first step at which any round was not good.
 */
async function sweep(
  rounds: number,
  steps: readonly number[],
  lines: Readonly<Record<string, (step: number) => Promise<Result>>>,
  isGood = (_result: Result, _step: number): boolean => true,
): Promise<Points<Result[]>> {
  const points = new Map<string, Result[][]>(Object.keys(lines).map((name) => [name, []]));
  const ended = new Set<string>();
  for (const step of steps) {
    const results = new Map<string, Result[]>(Object.keys(lines).map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, measureAt] of Object.entries(lines)) {
        if (ended.has(name)) continue;
        const result = await measureAt(step);
        if (isGood(result, step)) results.get(name)!.push(result);
        else ended.add(name);
      }
    }
    for (const [name, found] of results) {
      if (!ended.has(name)) points.get(name)!.push(found);
    }
  }
  return points;
}
