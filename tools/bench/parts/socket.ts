/**
 * Answers per second over sockets, without delays.
 *
 * @module
 */

import { MEDIUM, SMALL } from "./conversion.ts";
import { type Load, measure, type Server } from "../measure.ts";
import { interleave, ratioGoal, resultTable, type Section } from "../report.ts";
import type { Servers } from "../servers.ts";

const CLOSED = { connections: 16, pipeline: 16, data: SMALL, warmUp: 2, seconds: 2 };
const BATCHED = { ...CLOSED, pipeline: 1024, batch: 64 };
const V1 = { subprotocol: "asyncpkt.v1" };

/** Measures every server with small and larger packets, and with batches. */
export async function measureSocket(servers: Servers, rounds: number): Promise<Section> {
  const measurements: Record<string, () => Promise<number>> = {};
  const add = (name: string, server: Server, load: Load) =>
    measurements[name] = async () => {
      const { perSecond, errors } = await measure(server, load);
      if (errors > 0) throw new Error(`${server.name} answered with errors`);
      return perSecond;
    };
  const { asyncpkt, asyncpktStrict, echo, plainDeno, plainNode, plainBun, plainPython } = servers;
  const all = [asyncpkt, asyncpktStrict, echo, plainDeno, plainNode, plainBun, plainPython];
  for (const server of all) {
    if (server === undefined) continue;
    add(`${server.name}, small`, server, CLOSED);
    add(`${server.name}, small, one by one`, server, { ...CLOSED, pipeline: 1 });
    add(`${server.name}, 1.1 KB`, server, { ...CLOSED, data: MEDIUM });
    if (server !== echo) add(`${server.name}, batches of 64`, server, BATCHED);
  }
  for (const server of [asyncpkt, asyncpktStrict]) {
    const name = server.name.replace("asyncpkt", "asyncpkt.v1");
    add(`${name}, small`, server, { ...CLOSED, ...V1 });
    add(`${name}, batches of 64`, server, { ...BATCHED, ...V1 });
  }

  const measured = await interleave(rounds, measurements);
  const goal = (of: string, to: string, load: string, atLeast: number) =>
    ratioGoal(measured, `${of}, ${load}`, `${to}, ${load}`, atLeast);
  return {
    title: "Answers per second",
    text:
      "16 connections with 16 requests in flight each, no delays, a closed loop. One by one, each " +
      "connection has one request in flight; with batches, 16 frames of 64 requests. Every server " +
      "runs on one core.",
    goals: [
      goal("asyncpkt", "bare Deno echo", "small", 0.9),
      goal("asyncpkt", "bare Deno echo", "1.1 KB", 0.75),
      goal("asyncpkt", "plain on Bun", "1.1 KB", 1.7),
      goal("asyncpkt.v1", "bare Deno echo", "small", 3),
      goal("asyncpkt.v1", "plain on Bun", "batches of 64", 2.5),
      ratioGoal(measured, "asyncpkt.v1, batches of 64", "bare Deno echo, small", 10),
      goal("asyncpkt strict", "bare Deno echo", "small", 6),
      goal("asyncpkt strict", "plain on Bun", "small", 3),
      goal("asyncpkt strict", "bare Deno echo", "small, one by one", 1.15),
      goal("asyncpkt strict", "plain on Bun", "small, one by one", 1),
      goal("asyncpkt strict", "plain on Bun", "1.1 KB", 5),
      goal("asyncpkt.v1 strict", "plain on Bun", "batches of 64", 4.5),
    ],
    table: resultTable(["server", "answers/s"], measured, 0),
  };
}
