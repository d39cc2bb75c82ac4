/**
 * What the line for each request costs.
 *
 * @module
 */

import { SMALL } from "../conversion.ts";
import { measure } from "../measure.ts";
import { type Section, withSpread } from "../report.ts";
import type { Server, Servers } from "../servers.ts";
import { interleave, ratios } from "../statistics.ts";

const LOAD = { connections: 16, rate: 10_000, data: SMALL, warmUp: 1, seconds: 3 };

/** Measures answers per second at an offered 10,000/s with and without the line, and the processor. */
export async function measureLogging(servers: Servers, rounds: number): Promise<Section> {
  const processor: Record<string, number[]> = {};
  const answers = (server: Server) => async () => {
    const result = await measure(servers, server, LOAD);
    (processor[server.name] ??= []).push(100 * result.processor);
    return result.perSecond;
  };
  const { asyncpkt, asyncpktLogging } = servers;
  const measured = await interleave(rounds, {
    [asyncpktLogging.name]: answers(asyncpktLogging),
    [asyncpkt.name]: answers(asyncpkt),
  });
  return {
    title: "Logging",
    text:
      "10,000 requests/s, no delays, an open loop: with the line for each request, the default, and " +
      "with `--quiet`.",
    goals: [{
      what: "answers/s with the lines",
      against: "the same with `--quiet`",
      values: ratios(measured, asyncpktLogging.name, asyncpkt.name),
      atLeast: 0.8,
    }],
    table: {
      header: ["", "answers/s", "processor"],
      rows: [...measured].map((
        [name, values],
      ) => [name, withSpread(values, 0), withSpread(processor[name]!, 0, " %")]),
    },
  };
}
