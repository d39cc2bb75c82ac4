/**
 * Clients that ask for a WebSocket and are gone before they get it.
 *
 * @module
 */

import { until } from "../support/until.ts";
import { besideBystander } from "./bystander.ts";
import { RawClient } from "./raw_client.ts";
import { startServerProcess } from "../support/server_process.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";
import { leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const CLIENTS = 2000;
const AT_ONCE = 20;

/** With so many upgrades that never opened, a server says that it is not well. */
const MANY = 100;

/** Has clients go away in the middle of the handshake, and right behind it. */
export async function abortedUpgrades(clients = CLIENTS): Promise<Outcome> {
  await using server = await startServerProcess(["--delay", "0", "--quiet"]);
  const request = upgradeRequest();
  const abort = async (_: unknown, i: number) => {
    const client = new RawClient(server.port);
    // A part of it, or all; what follows it at once is gone before the server can have answered.
    await client.write(i % 2 === 0 ? request : request.slice(0, i % request.length));
    await client.leave(i % 4 < 2 ? "reset" : "close");
    client.destroy();
  };
  await abort(undefined, 2);
  const files = await server.files();
  const { requests, lost } = await besideBystander(server.url, async () => {
    for (let i = 0; i < clients; i += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, abort));
    }
  });
  // Deno 2.9 leaves a file open for some of those that reset: that is said, and no failure of ours.
  const failures = await leftBehind(server, files + clients);
  const leaked = await server.files() - files;
  let { code, abandoned } = await server.health();
  await until("/healthz says so", async () => {
    ({ code, abandoned } = await server.health());
    return leaked < MANY || (abandoned >= MANY && code === 503);
  }).catch(() => failures.push(`${leaked} files are left open, and /healthz says ${code}`));
  return {
    extent: `${
      clients.toLocaleString("en-US")
    } clients that left within the handshake or right behind it`,
    seen: `${leaked > 0 ? leaked : "no"} files left open by Deno; /healthz counts ${abandoned} ` +
      `upgrades that never opened, with status ${code}`,
    requests,
    lost,
    badInputs: clients,
    faults: clients,
    failures,
  };
}
