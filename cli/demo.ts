/**
 * `asyncpkt demo`: a server and a client in one process, to see how asynchronous replies behave.
 *
 * @module
 */

import { Client } from "../client.ts";
import { encodeRequest } from "../protocol.ts";
import { serve } from "../server.ts";
import { Exit, stopSignal, type Streams } from "./command.ts";
import { flagHelp, readFlags } from "./flags.ts";
import type { BufferedWriter } from "./buffered_writer.ts";
import { requirePermissions, toListen } from "./permissions.ts";

const EXAMPLE = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";
const MORE = 12;

/** The flags of `asyncpkt demo`: none. */
export const flags = {};

/** Returns the text of `asyncpkt demo --help`. */
export const help = () =>
  `Starts a server, sends it ${MORE + 1} packets at once, and shows each answer when it arrives.
On a terminal, bars grow until the answers arrive. It takes five seconds.

Usage: asyncpkt demo

${flagHelp(flags)}

Examples:
  asyncpkt demo
`;

/** Runs the demonstration. */
export async function run(args: string[], streams: Streams): Promise<number> {
  readFlags(flags, args);
  await requirePermissions("demo", args, [toListen("127.0.0.1")]);
  const stop = stopSignal(streams);
  await show(streams.stdout, stop).catch((error) => {
    if (!stop.aborted) throw error;
  });
  return streams.signal.aborted ? Exit.interrupted : Exit.ok;
}

async function show(stdout: BufferedWriter, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const say = async (text: string) => {
    const elapsed = ((performance.now() - startedAt) / 1000).toFixed(2);
    stdout.write(`${elapsed.padStart(5)} s  ${text}\n`);
    await stdout.flush();
  };
  // On a terminal, growing bars show when requests were sent and how long they wait.
  const chart = stdout.canDraw
    ? new (await import("./terminal/chart.ts")).Chart(stdout.hasColors)
    : undefined;

  await using server = serve({
    port: 0,
    events: chart === undefined
      ? { accepted: (id, delay) => void say(`${id} waits ${delay / 1000} s`) }
      : {},
  });
  await say(`a server listens on ${server.url}`);
  await using client = await Client.connect(server.url, { signal });
  const requests = Array.from({ length: MORE + 1 }, (_, i) => ({
    id: String(i + 1).padStart(2, "0"),
    data: i === 0 ? EXAMPLE : `Device&&name&&lamp ${i}&&id&&${100 + i}&&`,
  }));
  for (const [i, { id, data }] of requests.entries()) {
    const request = `→ ${encodeRequest(id, data)}`;
    if (chart === undefined) await say(request);
    else if (i === 0) await say(`${request}, and ${MORE} more`);
  }
  for (const { id } of requests) chart?.sent(id);
  {
    using _bars = stdout.keepBelow((size) => chart?.live(size) ?? []);
    for await (const outcome of client.requests(requests, { signal })) {
      if (outcome.error !== undefined) throw outcome.error;
      chart?.settled(outcome);
      await say(`← ${outcome.reply!.json}`);
    }
  }
  if (chart !== undefined) stdout.write(`\n${chart.ended(stdout.size.columns)}`);
  await say(`all ${requests.length} answered, side by side, each after its own delay`);
}
