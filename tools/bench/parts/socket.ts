/**
 * Answers per second over sockets, without delays.
 *
 * @module
 */

import { MEDIUM, SMALL } from "../conversion.ts";
import { type Load, measure } from "../measure.ts";
import { type Goal, type Section, withSpread } from "../report.ts";
import type { Server, Servers } from "../servers.ts";
import { interleave, ratios } from "../statistics.ts";

const CLOSED = { connections: 16, pipeline: 16, warmUp: 0.7, seconds: 2 };
const BATCHED = { ...CLOSED, pipeline: 1024, batch: 64, data: SMALL };

/** Every server with small and with larger packets, and with batches. */
export async function measureSocket(servers: Servers, rounds: number): Promise<Section> {
  const answers = (server: Server, load: Load) => async () => {
    const { perSecond, errors } = await measure(servers, server, load);
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
  const goal = (of: string, to: string, atLeast: number): Goal => ({
    what: of,
    against: to,
    values: ratios(measured, of, to),
    atLeast,
  });
  return {
    title: "Answers per second",
    text:
      "16 connections with 16 requests in flight each, no delays, a closed loop; with batches, 16 " +
      "frames of 64 requests in flight on each connection. Every server on one core.",
    goals: [
      goal("asyncpkt, small", "bare Deno echo, small", 0.9),
      goal("asyncpkt, 1.1 KB", "bare Deno echo, 1.1 KB", 0.75),
      goal("asyncpkt, 1.1 KB", "plain on Bun, 1.1 KB", 1.7),
      goal("asyncpkt.v1, small", "bare Deno echo, small", 3),
      goal("asyncpkt.v1, batches of 64", "plain on Bun, batches of 64", 2.5),
      goal("asyncpkt.v1, batches of 64", "bare Deno echo, small", 10),
    ],
    table: {
      header: ["server", "answers/s"],
      rows: [...measured].map(([name, values]) => [name, withSpread(values, 0)]),
    },
  };
}
