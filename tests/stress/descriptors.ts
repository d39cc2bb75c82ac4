/**
 * A server that runs out of file descriptors: those who are connected notice nothing, and as soon as there
 * are some again, it takes new connections.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { PATIENCE } from "../support/until.ts";
import { isAnswered } from "./bystander.ts";
import { startServerProcess } from "../support/server_process.ts";
import { endedBadly, leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const MAX_FILES = 80;
/** So many may be free when it has run out: a connection takes more than one for a moment. */
const SPARE_FILES = 5;

const ROUNDS = 10;

/** Lets a server run out of descriptors, again and again. */
export async function descriptors(rounds = ROUNDS): Promise<Outcome> {
  await using server = await startServerProcess(["--delay", "0", "--quiet"], {
    maxFiles: MAX_FILES,
  });
  const failures: string[] = [];
  let requests = 0;
  let lost = 0;
  const files = await server.files();
  const ask = async (socket: BrowserSocket) => {
    if (!await isAnswered(socket, requests++)) lost++;
  };
  {
    await using before = await openBrowserSocket(server.url);
    for (let round = 0; round < rounds; round++) {
      const flood = await exhaust(server.port);
      const open = await server.files();
      if (open < MAX_FILES - SPARE_FILES) {
        failures.push(`round ${round}: it has ${open} files only`);
      }
      await ask(before);
      for (const connection of flood) connection.close();
      await using after = await connectAgain(server.url);
      if (after === undefined) failures.push(`round ${round}: it takes no new connections`);
      else await ask(after);
      await ask(before);
    }
  }
  failures.push(...await leftBehind(server, files));
  const result = await server.stop();
  failures.push(...endedBadly(result));
  if (
    !result.stdout.some((line) => /^a fault of the server's own: .*Too many open files/.test(line))
  ) {
    failures.push("the server did not say that it ran out");
  }
  return {
    extent: `${rounds} times out of descriptors, of which it may have ${MAX_FILES}`,
    requests,
    lost,
    faults: rounds,
    failures,
  };
}

/** Connects until the server takes no more. */
async function exhaust(port: number): Promise<Deno.Conn[]> {
  const flood: Deno.Conn[] = [];
  while (flood.length < 10 * MAX_FILES) {
    try {
      flood.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    } catch {
      break;
    }
  }
  return flood;
}

async function connectAgain(url: string): Promise<BrowserSocket | undefined> {
  const end = performance.now() + PATIENCE;
  while (performance.now() < end) {
    const socket = await openBrowserSocket(url).catch(() => undefined);
    if (socket !== undefined) return socket;
    await delay(50);
  }
}
