/**
 * WebSocketConnection as a client of independent servers. As a server, it meets the same clients in the tests
 * of `serve()`.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
// Named in deno.json, it would go into the executable.
// deno-lint-ignore no-import-prefix
import { WebSocketServer } from "npm:ws@^8";
import { findPython, NO_PYTHON } from "../tests/support/machine.ts";
import { randomIntegers } from "../tests/support/random.ts";
import { Inbox } from "../tests/support/waiting.ts";
import { WebSocketConnection } from "./connection.ts";
import { Opcode } from "./frames.ts";
import { checkUpgradeResponse, createKey, HeadReader, upgradeRequest } from "./handshake.ts";
import type { ByteStream } from "./streams.ts";

const encoder = new TextEncoder();

/** Messages at the limits of the lengths of headers, of one to three bytes for each character. */
const MESSAGES = [0, 1, 125, 126, 65_535, 65_536, 1 << 20].flatMap((length) => [
  "x".repeat(length),
  "ü€".repeat(length / 5),
]);

/** Passes on at most `size()` bytes of each read and write. */
function cut(stream: Deno.TcpConn, size: () => number): ByteStream {
  return {
    read: (bytes) => stream.read(bytes.subarray(0, size())),
    write: (bytes) => stream.write(bytes.subarray(0, size())),
    close: () => stream.close(),
    closeWrite: () => stream.closeWrite(),
  };
}

/** Opens a connection; what happens to it goes into the inbox. */
async function connect(port: number, size: () => number) {
  const stream = await Deno.connect({ hostname: "127.0.0.1", port });
  const key = createKey();
  const request = upgradeRequest({
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Protocol": "asyncpkt.v1",
  });
  await stream.write(encoder.encode(request));
  const reader = new HeadReader("client");
  const buffer = new Uint8Array(1 << 12);
  let read: ReturnType<HeadReader["write"]>;
  while (read === undefined) {
    read = reader.write(buffer.subarray(0, await stream.read(buffer) ?? 0));
  }
  assertEquals(await checkUpgradeResponse(read.head, key, "asyncpkt.v1"), "asyncpkt.v1");
  const inbox = new Inbox<unknown>();
  const connection = new WebSocketConnection(cut(stream, size), { role: "client" });
  connection.listen({
    onMessage: (message) => inbox.put(typeof message === "string" ? message : [...message]),
    onEnd: (code, reason) => inbox.put({ code, reason }),
  });
  const running = connection.run(read.rest);
  return { connection, inbox, running };
}

/** Talks with a server that echoes, pings at "ping", and closes with 4000 at "close". */
async function talk(port: number, size: () => number): Promise<void> {
  const { connection, inbox, running } = await connect(port, size);
  for (const message of MESSAGES) connection.send(message);
  for (const message of MESSAGES) assertEquals(await inbox.next(), message);
  connection.frame(Opcode.binary, new Uint8Array([0, 1, 255]));
  assertEquals(await inbox.next(), [0, 1, 255]);
  connection.frame(Opcode.text, encoder.encode("in "), false);
  connection.frame(Opcode.ping, encoder.encode("between"));
  connection.frame(Opcode.continuation, encoder.encode("pieces"));
  assertEquals(await inbox.next(), "in pieces");
  connection.send("ping");
  assertEquals(await inbox.next(), "ponged");
  connection.send("close");
  assertEquals(await inbox.next(), { code: 4000, reason: "as asked" });
  await running;

  const again = await connect(port, size);
  again.connection.close(1000, "done");
  assertEquals(await again.inbox.next(), { code: 1000, reason: "done" });
  await again.running;
}

/** Cuts of the bytes that the connection reads and writes. */
const CUTS: [name: string, size: () => number][] = [
  ["whole", () => Infinity],
  ["cut by seed 1", ((random) => () => 1 + random(2 ** random(17)))(randomIntegers(1))],
  ["cut by seed 2", ((random) => () => 1 + random(2 ** random(17)))(randomIntegers(2))],
];

Deno.test("a client talks with npm:ws", async (t) => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  // The package has no types.
  // deno-lint-ignore no-explicit-any
  server.on("connection", (socket: any) => {
    socket.on("pong", () => socket.send("ponged"));
    socket.on("message", (data: Uint8Array, isBinary: boolean) => {
      const text = isBinary ? "" : data.toString();
      if (text === "ping") socket.ping();
      else if (text === "close") socket.close(4000, "as asked");
      else socket.send(data, { binary: isBinary });
    });
  });
  await new Promise((resolve) => server.on("listening", resolve));
  const { port } = server.address() as { port: number };
  for (const [name, size] of CUTS) await t.step(name, () => talk(port, size));
  await new Promise((resolve) => server.close(resolve));
});

const PYTHON_SERVER = `
import asyncio, websockets
async def echo(socket):
    async for message in socket:
        if message == "ping":
            await (await socket.ping())
            await socket.send("ponged")
        elif message == "close":
            await socket.close(4000, "as asked")
            return
        else:
            await socket.send(message)
async def main():
    options = {"compression": None, "max_size": None, "subprotocols": ["asyncpkt.v1"]}
    async with websockets.serve(echo, "127.0.0.1", 0, **options) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())
`;

const python = await findPython();

Deno.test({
  name: `a client talks with Python's websockets${python ? "" : NO_PYTHON}`,
  ignore: python === undefined,
  async fn(t) {
    const args = ["-c", PYTHON_SERVER];
    const server = new Deno.Command(python!, { args, stdout: "piped" }).spawn();
    const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const port = Number((await lines.read()).value);
    for (const [name, size] of CUTS) await t.step(name, () => talk(port, size));
    server.kill();
    await lines.cancel();
    await server.status;
  },
});
