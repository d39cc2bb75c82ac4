/**
 * Servers that start after their clients: each client that is told to wait connects, and has its answers.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { freePort } from "../support/free_port.ts";
import { startTask } from "../support/program.ts";
import { randomIntegers } from "../support/random.ts";
import { listening } from "../support/server_process.ts";
import { endedBadly } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

/** How many clients of the library wait at once; besides, `send` does. */
const CLIENTS = 50;

/** How long they wait at most, in seconds: none is to end by that. */
const WAIT = 60;

/** Starts servers up to three seconds after their clients. */
export async function lateServers(seed: number, rounds = 5): Promise<Outcome> {
  const random = randomIntegers(seed);
  const failures: string[] = [];
  let lost = 0;
  let failed = 0;
  for (let round = 0; round < rounds; round++) {
    const port = freePort();
    const url = `ws://127.0.0.1:${port}`;
    const connect = async () => {
      await using client = await Client.connect(url, {
        wait: 1000 * WAIT,
        onDisconnect: () => failed++,
      });
      await client.request("a&&b&&c");
    };
    const clients = Array.from({ length: CLIENTS }, connect);
    const flags = ["--url", url, "--wait", "--timeout", `${WAIT}`];
    await using send = await startTask("send", ...flags, "a&&b&&c");
    const outcomes = Promise.allSettled(clients);
    await delay(random(3000));
    await using server = await listening(
      await startTask("serve", "--port", `${port}`, "--delay", "0", "--quiet"),
    );
    lost += (await outcomes).filter(({ status }) => status === "rejected").length;
    const { code, stdout, stderr } = await send.result(1000 * WAIT);
    if (stdout.length !== 1) lost++;
    if (code !== 0) failures.push(`send ended with ${code}: ${stderr}`);
    failures.push(...endedBadly(await server.stop()));
  }
  return {
    extent: `${rounds} times ${CLIENTS} clients of the library and one send, up to 3 s before ` +
      `their server; seed ${seed}`,
    seen: `${formatCount(failed)} attempts to connect failed before`,
    requests: rounds * (CLIENTS + 1),
    lost,
    faults: rounds,
    failures,
  };
}
