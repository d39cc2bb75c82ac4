/**
 * Answers per second over sockets, without delays, and what the line for each request costs.
 *
 * @module
 */

import { MEDIUM, SMALL } from "./conversion.ts";
import { type Load, measure } from "../measure.ts";
import { ratioGoal, resultTable, type Section, withSpread } from "../report.ts";
import type { Server, Servers } from "../servers.ts";
import { interleave, pick, ratios } from "../statistics.ts";

const CLOSED = { connections: 16, pipeline: 16, warmUp: 0.7, seconds: 2 };
const BATCHED = { ...CLOSED, pipeline: 1024, batch: 64, data: SMALL };

/** Measures every server with small and larger packets, and with batches. */
export async function measureSocket(servers: Servers, rounds: number): Promise<Section> {
  const answers = (server: Server, load: Load) => async () => {
    const { perSecond, errors } = await measure(server, load);
    if (errors > 0) throw new Error(`${server.name} answered with errors`);
    return perSecond;
  };
  const measurements: Record<string, () => Promise<number>> = {};
  const { asyncpkt, echo, plainDeno, plainNode, plainBun, plainPython } = servers;
  for (const server of [asyncpkt, echo, plainDeno, plainNode, plainBun, plainPython]) {
    if (server === undefined) continue;
    measurements[`${server.name}, small`] = answers(server, { ...CLOSED, data: SMALL });
    measurements[`${server.name}, 1.1 KB`] = answers(server, { ...CLOSED, data: MEDIUM });
    if (server !== echo) measurements[`${server.name}, batches of 64`] = answers(server, BATCHED);
  }
  const v1 = { subprotocol: "asyncpkt.v1" };
  measurements["asyncpkt.v1, small"] = answers(asyncpkt, { ...CLOSED, ...v1, data: SMALL });
  measurements["asyncpkt.v1, batches of 64"] = answers(asyncpkt, { ...BATCHED, ...v1 });

  const measured = await interleave(rounds, measurements);
  return {
    title: "Answers per second",
    text:
      "16 connections with 16 requests in flight each, no delays, a closed loop. With batches, each " +
      "connection has 16 frames of 64 requests in flight. Every server runs on one core.",
    goals: [
      ratioGoal(measured, "asyncpkt, small", "bare Deno echo, small", 0.9),
      ratioGoal(measured, "asyncpkt, 1.1 KB", "bare Deno echo, 1.1 KB", 0.75),
      ratioGoal(measured, "asyncpkt, 1.1 KB", "plain on Bun, 1.1 KB", 1.7),
      ratioGoal(measured, "asyncpkt.v1, small", "bare Deno echo, small", 3),
      ratioGoal(measured, "asyncpkt.v1, batches of 64", "plain on Bun, batches of 64", 2.5),
      ratioGoal(measured, "asyncpkt.v1, batches of 64", "bare Deno echo, small", 10),
    ],
    table: resultTable(["server", "answers/s"], measured, 0),
  };
}

/** Measures answers and processor time at 10,000 requests/s, with and without the lines. */
export async function measureLogging(servers: Servers, rounds: number): Promise<Section> {
  const load = { connections: 16, rate: 10_000, data: SMALL, warmUp: 1, seconds: 3 };
  const { asyncpkt, asyncpktLogging } = servers;
  const measured = await interleave(rounds, {
    [asyncpktLogging.name]: () => measure(asyncpktLogging, load),
    [asyncpkt.name]: () => measure(asyncpkt, load),
  });
  const perSecond = pick(measured, (result) => result.perSecond);
  const processor = pick(measured, (result) => 100 * result.processor);
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
    table: {
      header: ["", "answers/s", "CPU time"],
      rows: [...perSecond].map(([name, values]) => [
        name,
        withSpread(values, 0),
        withSpread(processor.get(name)!, 0, " %"),
      ]),
    },
  };
}
