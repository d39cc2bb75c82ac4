/**
 * The program with the strict transport, under attacks that the default transport does not survive.
 */

import { assertEquals } from "@std/assert";
import { Client } from "../client.ts";
import { listening, startServerProcess, startTask } from "./support/program.ts";
import { clientFrame, openRawSocket, writeAll } from "./support/raw_tcp.ts";

const DATA = "Hub&&id&&1";

/** A masked frame with this first byte and an empty payload, many times. */
function emptyFrames(first: number): Uint8Array {
  const frame = new Uint8Array([first, 0x80, 0, 0, 0, 0]);
  const bytes = new Uint8Array(10_000 * frame.length);
  for (let at = 0; at < bytes.length; at += frame.length) bytes.set(frame, at);
  return bytes;
}

/** What a client sends first, and then without end. */
const FLOODS: [name: string, start: Uint8Array, flood: Uint8Array][] = [
  ["pongs that nobody asked for", clientFrame("x"), emptyFrames(0x8a)],
  ["pings", clientFrame("x"), emptyFrames(0x89)],
  ["empty fragments of a message", new Uint8Array([0x01, 0x80, 0, 0, 0, 0]), emptyFrames(0x00)],
];

for (const [name, start, flood] of FLOODS) {
  Deno.test(`serve --websocket strict answers other clients during a flood of ${name}`, async () => {
    await using server = await startServerProcess([
      ...["--websocket", "strict", "--delay", "0", "--quiet"],
    ]);
    let isOver = false;
    const flooding = Array.from({ length: 2 }, async () => {
      using peer = await openRawSocket(server.port);
      await writeAll(peer, start);
      const received = (async () => {
        const buffer = new Uint8Array(1 << 16);
        while (await peer.read(buffer) !== null);
      })().catch(() => {}); // once the peer is closed
      while (!isOver) await writeAll(peer, flood);
      return received;
    });
    await using client = await Client.connect(server.url);
    // The flood goes on until all are answered: if it kept others waiting, this would never end.
    for (let i = 0; i < 5; i++) {
      assertEquals((await client.request(DATA)).data, { Hub: { id: "1" } });
    }
    isOver = true;
    await Promise.all(flooding);
  });
}

Deno.test("serve --websocket strict runs in workers, with the task's permissions", async () => {
  const starting = startTask("serve:workers", "--websocket", "strict", "--port", "0");
  await using server = await listening(await starting);
  const clients = await Promise.all(Array.from({ length: 8 }, () => Client.connect(server.url)));
  assertEquals((await server.health()).connections, 8);
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  assertEquals((await server.stop()).code, 0);
});
