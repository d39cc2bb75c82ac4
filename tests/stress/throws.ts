/**
 * Faults of the server's own, wherever it is called: each is told of, and ends no more than the request or
 * the connection that it befell. What is sent again is answered.
 *
 * @module
 */

import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { startProgram } from "../support/program.ts";
import { listening } from "../support/server_process.ts";
import { endedBadly, leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const REQUESTS = 100_000;
const CLIENTS = 10;

/** How many of a client's requests are in flight at once. */
const WINDOW = 100;

/** Has a server throw. */
export async function throws(seed: number, requests = REQUESTS): Promise<Outcome> {
  const script = ["run", "--quiet", "--allow-net=127.0.0.1", "tests/stress/throwing_server.ts"];
  await using server = await listening(startProgram(Deno.execPath(), [...script, `${seed}`]));
  let lost = 0;
  let internal = 0;
  const ask = async () => {
    await using client = await Client.connect(server.url);
    const datas = Array.from({ length: requests / CLIENTS }, (_, i) => `Hub&&id&&${i}`);
    for await (const { index, reply, error } of client.requests(datas, { window: WINDOW })) {
      if (error?.code === "internal") internal++;
      else if (JSON.stringify(reply?.data) !== `{"Hub":{"id":"${index}"}}`) lost++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, ask));
  const failures = await leftBehind(server, Infinity);
  const result = await server.stop();
  failures.push(...endedBadly(result));
  const { thrown, told, dropped } = JSON.parse(result.stdout.at(-1) ?? "{}");
  if (told !== thrown) failures.push(`${thrown} faults, of which ${told} were told`);
  if (dropped !== 0) failures.push(`${dropped} requests were dropped in the end`);
  return {
    extent:
      `events, delays, sending and timers that throw now and then, ${CLIENTS} clients, seed ${seed}`,
    seen: `${formatCount(internal)} requests were answered with internal`,
    requests,
    lost,
    faults: thrown,
    failures,
  };
}
