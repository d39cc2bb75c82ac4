/**
 * Ten thousand connections at once, with a request in flight on each: all are answered, one more is
 * turned away, and what a connection costs is measured.
 *
 * @module
 */

import { closeAll, connectAll } from "../../load/connect.ts";
import { encodeRequest } from "../../protocol.ts";
import { maxOpenFiles } from "../support/machine.ts";
import { plainReplies, withoutDelay } from "../support/plain.ts";
import { exchange } from "../support/raw_tcp.ts";
import { until } from "../support/until.ts";
import { startServerProcess } from "../support/server_process.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";
import { leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const CONNECTIONS = 10_000;

/** What either side needs open besides its connections. */
const SPARE_FILES = 200;

/** How long connecting a hundred, or answering all, may take, in milliseconds. */
const TIMEOUT = 60_000;

/** Each answer comes so late that all requests are in flight before the first is due, in seconds. */
const DELAY = "20..24";

/** Opens as many connections as there may be files, up to ten thousand. */
export async function manyConnections(wanted = CONNECTIONS, delay = DELAY): Promise<Outcome> {
  const files = await maxOpenFiles(Deno.pid);
  const connections = Math.min(wanted, Number.isNaN(files) ? wanted : files - SPARE_FILES);
  await using server = await startServerProcess(
    ["--delay", delay, "--quiet", "--max-connections", `${connections}`],
  );
  const failures: string[] = [];
  const open = await server.files();
  const before = await server.memory();

  const url = new URL(server.url);
  const { signal } = new AbortController();
  const sockets = await connectAll({ url, connections, timeout: TIMEOUT, signal });
  const idle = await server.memory();
  const next = await exchange(server.port, upgradeRequest());
  if (!next.startsWith("HTTP/1.1 503 ")) failures.push(`one more was let in: ${next}`);

  const answers = new Map<string, number>();
  let ends = 0;
  let last = performance.now();
  for (const [i, socket] of sockets.entries()) {
    socket.listen({
      message: (text = "") => {
        last = performance.now();
        const answer = withoutDelay(text);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      },
      end: () => ends++,
    });
    socket.send(packet(i));
  }
  let most = 0;
  await until("all requests are in flight", async () => {
    most = Math.max(most, (await server.health()).in_flight);
    return most === connections;
  }).catch(() => failures.push(`${most} of ${connections} were in flight at once`));
  const busy = await server.memory();
  const sentAt = performance.now();
  while (
    performance.now() < Math.max(sentAt, last) + TIMEOUT && answers.size + ends < connections
  ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const lost = sockets.filter((_, i) => answers.get(plainReplies(packet(i))[0]!) !== 1).length;
  if (ends > 0) failures.push(`${ends} connections were lost`);
  await closeAll(sockets);
  failures.push(...await leftBehind(server, open));
  const kib = (from: number, to: number) => ((to - from) / connections / 1024).toFixed(1);
  return {
    extent:
      `${
        connections.toLocaleString("en-US")
      } connections, one request in flight on each, and one too many` +
      (connections < wanted ? ` (${wanted} need more open files than there may be here)` : ""),
    seen: Number.isNaN(busy)
      ? "the memory is not known here"
      : `${kib(before, idle)} KiB of the server's memory for each connection, ${
        kib(before, busy)
      } KiB with its request`,
    requests: connections,
    lost,
    failures,
  };
}

function packet(i: number): string {
  return encodeRequest(i, `Hub&&name&&qwe&&id&&${i}`);
}
