/**
 * Clients that reset their connection at random moments: in the middle of a frame, with requests in flight,
 * while answers are on their way. Nothing is left of them, and nobody else notices.
 *
 * @module
 */

import { encodeRequest } from "../../protocol.ts";
import { randomIntegers } from "../support/random.ts";
import { besideBystander } from "./bystander.ts";
import { RawClient } from "./raw_client.ts";
import { frame } from "./raw_frames.ts";
import { startServerProcess } from "../support/server_process.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";
import { leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const CLIENTS = 3000;
const AT_ONCE = 30;

/** The most requests that a client sends. */
const REQUESTS = 50;

/** The longest that a client waits for its answers, in milliseconds. */
const LONGEST = 100;

/** Has clients reset their connections. */
export async function resets(clients = CLIENTS, seed = 1): Promise<Outcome> {
  await using server = await startServerProcess(["--delay", "0..0.1", "--quiet"]);
  const random = randomIntegers(seed);
  let sent = 0;
  const resetOnce = async () => {
    const client = new RawClient(server.port);
    await client.write(upgradeRequest());
    await client.upgraded;
    const requests = random(REQUESTS) + 1;
    sent += requests;
    const bytes = Array.from({ length: requests }, (_, i) => {
      return frame(random, 1, encodeRequest(i, "Hub&&name&&qwe".repeat(random(100))));
    }).join("");
    const isWhole = random(2) === 0;
    await client.write(isWhole ? bytes : bytes.slice(0, random(bytes.length)));
    await new Promise((resolve) => setTimeout(resolve, random(LONGEST)));
    await client.leave("reset");
    client.destroy();
  };
  await resetOnce();
  const files = await server.files();
  const { requests, lost } = await besideBystander(server.url, async () => {
    for (let i = 0; i < clients; i += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, clients - i) }, resetOnce));
    }
  });
  return {
    extent: `${
      clients.toLocaleString("en-US")
    } clients, with up to ${REQUESTS} requests in flight each`,
    seen: `${
      sent.toLocaleString("en-US")
    } requests were dropped with them, as nobody was left to be answered`,
    requests,
    lost,
    faults: clients,
    failures: await leftBehind(server, files),
  };
}
