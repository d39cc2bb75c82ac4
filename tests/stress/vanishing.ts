/**
 * Clients that vanish with requests in flight: killed, half-closed, in the middle of a frame, or silent for
 * good. No request, no connection and no file is left of them.
 *
 * @module
 */

import { startTask } from "../support/program.ts";
import { clientFrame, openRawSocket } from "../support/raw_tcp.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { until } from "../support/until.ts";
import { endedBadly, leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const ROUNDS = 10;

/** How many requests a client has in flight that is killed. */
const REQUESTS = 50;

/** How many clients fall silent, as those do whose network is cut. */
const SILENT = 20;

/** Nobody who is silent is kept for longer, in milliseconds: twice the idle timeout. */
const SILENCE = 60_000;

/** Has clients vanish. */
export async function vanishing(rounds = ROUNDS, silent = SILENT): Promise<Outcome> {
  await using server = await startServerProcess(["--delay", "600", "--quiet"]);
  await server.health();
  const files = await server.files();
  const failures = await keepSilent(server, silent);
  for (let round = 0; round < rounds; round++) {
    await using send = await startTask("send", "--url", server.url, "--quiet");
    await send.write("a&&b&&c\n".repeat(REQUESTS));
    await until("all are in flight", async () => (await server.health()).in_flight >= REQUESTS);
    send.kill("SIGKILL");
    using half = await openRawSocket(server.port);
    await half.write(clientFrame('{"request_id":1,"data":""}'));
    await half.closeWrite();
    using broken = await openRawSocket(server.port);
    await broken.write(new Uint8Array([0x81, 0xff, 0]));
  }
  failures.push(...await leftBehind(server, files), ...endedBadly(await server.stop()));
  return {
    extent: `${rounds} killed with ${REQUESTS} requests in flight each, ${rounds} half-closed, ` +
      `${rounds} gone amid a frame, ${silent} silent until the server gave them up`,
    requests: 0,
    lost: 0,
    faults: 3 * rounds + silent,
    failures,
  };
}

/** Has clients say nothing more, and answer no ping, until the server has closed them. */
async function keepSilent(server: ServerProcess, count: number): Promise<string[]> {
  if (count === 0) return [];
  const peers = await Promise.all(Array.from({ length: count }, () => openRawSocket(server.port)));
  for (const peer of peers) await peer.write(clientFrame('{"request_id":1,"data":""}'));
  const left = await leftBehind(server, Infinity, SILENCE);
  for (const peer of peers) peer.close();
  return left.map((what) => `${what}, of those who were silent`);
}
