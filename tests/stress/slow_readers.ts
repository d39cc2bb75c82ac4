/**
 * Clients that send without end and never read: they are closed, the server holds no more for them, and
 * nobody else notices.
 *
 * @module
 */

import { openRawSocket } from "../support/raw_tcp.ts";
import { startServerProcess } from "../support/server_process.ts";
import { until } from "../support/until.ts";
import { besideBystander } from "./bystander.ts";
import { endedBadly, leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const CLIENTS = 20;

/** What may wait for each of them, in bytes. */
const BUFFERED = 1 << 20;

/** How much the memory may grow: by what waits for all, and by what is on its way in both directions. */
const MORE_MEMORY = 300 << 20;

/** How long they go on after the last of them was closed, in milliseconds. */
const LONGER = 5000;

/** What the server says of them. */
const CLOSED = /^Closed a connection of .* with 1013.*?(?:\(and (\d+) more\))?$/;

/** How many clients a line of the log says were closed because they did not read. */
export function expelledIn(line: string): number {
  const [isClosed, others = 0] = CLOSED.exec(line) ?? [];
  return isClosed === undefined ? 0 : 1 + Number(others);
}

/** Clients that never read, until they are disposed of. */
export async function startSlowReaders(port: number, count = CLIENTS): Promise<AsyncDisposable> {
  const peers = await Promise.all(Array.from({ length: count }, () => openRawSocket(port)));
  let isOver = false;
  const sending = peers.map(async (peer) => {
    const frame = longFrame();
    while (!isOver) {
      for (let at = 0; at < frame.length;) at += await peer.write(frame.subarray(at));
    }
  }).map((sent) => sent.catch(() => {})); // it was closed
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      // On Deno 2.7 a write goes on though its connection is closed: so they read, and it ends.
      const reading = peers.map(async (peer) => {
        const buffer = new Uint8Array(1 << 16);
        while (await peer.read(buffer) !== null);
      }).map((read) => read.catch(() => {}));
      await Promise.all(sending);
      for (const peer of peers) peer.close();
      await Promise.all(reading);
    },
  };
}

/** A frame whose answer is as long as itself. */
function longFrame(): Uint8Array {
  const content = new TextEncoder().encode(`{"request_id":1,"data":"a&&b&&${"c".repeat(60_000)}"}`);
  const { length } = content;
  return new Uint8Array([0x81, 0xfe, length >> 8, length & 0xff, 0, 0, 0, 0, ...content]);
}

/** Has clients never read. */
export async function slowReaders(longer = LONGER): Promise<Outcome> {
  await using server = await startServerProcess(
    ["--delay", "0", "--quiet", "--max-buffered", `${BUFFERED}`],
  );
  const failures: string[] = [];
  const files = await server.files();
  const before = await server.memory();
  let most = before;
  let evicted = 0;
  const look = async () => {
    most = Math.max(most, await server.memory());
    while (server.stdout.size > 0) {
      evicted += expelledIn(await server.stdout.next());
    }
  };
  const { requests, lost } = await besideBystander(server.url, async () => {
    await using _ = await startSlowReaders(server.port);
    await until(`${CLIENTS} clients are closed`, async () => {
      await look();
      return evicted === CLIENTS;
    }).catch(() => failures.push(`${evicted} of ${CLIENTS} clients were closed`));
    const end = performance.now() + longer;
    while (performance.now() < end) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  if (most - before > MORE_MEMORY) failures.push("the memory grew beyond what may wait");
  failures.push(...await leftBehind(server, files), ...endedBadly(await server.stop()));
  const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  return {
    extent: `${CLIENTS} clients that never read, for each of which ${
      mebibytes(BUFFERED)
    } MiB may wait`,
    seen: `memory of ${mebibytes(before)} MiB before, ${mebibytes(most)} MiB at most; ` +
      `${evicted} closed with 1013`,
    requests,
    lost,
    faults: evicted,
    failures,
  };
}
