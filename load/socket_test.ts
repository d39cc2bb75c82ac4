import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { serve } from "../server.ts";
import { makeIdentity } from "../tests/support/certificates.ts";
import { acceptRawSocket } from "../tests/support/raw_tcp.ts";
import { until } from "../tests/support/waiting.ts";
import { HandshakeError } from "../websocket/handshake.ts";
import { openSocket } from "./connect.ts";

const encoder = new TextEncoder();

/** Starts a server that passes its one connection to the test. */
function listen(serve: (connection: Deno.Conn) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = listener.accept().then(async (connection) => {
    await serve(connection);
    connection.close();
  });
  return {
    url: new URL(`ws://127.0.0.1:${listener.addr.port}/path?query`),
    async [Symbol.asyncDispose]() {
      await served;
      listener.close();
    },
  };
}

/** Connects, and collects the messages. */
async function connect(url: URL) {
  const socket = await openSocket(url, new AbortController().signal);
  const messages: (string | undefined)[] = [];
  const state = { ends: 0 };
  socket.listen({ message: (text) => messages.push(text), end: () => state.ends++ });
  return { socket, messages, state };
}

async function read(connection: Deno.Conn): Promise<Uint8Array> {
  const buffer = new Uint8Array(1 << 16);
  return buffer.subarray(0, await connection.read(buffer) ?? 0);
}

Deno.test("Socket writes messages of one task in one piece, and answers pings", async () => {
  const pieces: Uint8Array[] = [];
  await using peer = listen(async (connection) => {
    await acceptRawSocket(connection);
    pieces.push(await read(connection));
    await connection.write(new Uint8Array([0x89, 1, 0x21, 0x81, 2, 0x68, 0x69]));
    pieces.push(await read(connection));
    pieces.push(await read(connection));
    await connection.write(new Uint8Array([0x88, 2, 3, 232]));
  });
  const { socket, messages, state } = await connect(peer.url);
  socket.send("a");
  socket.send("b");
  await until("there was an answer", () => messages.length > 0);
  await until("the ping was answered", () => pieces.length > 1);
  await socket.close();
  assertEquals(pieces.map((piece) => [...piece]), [
    [0x81, 0x81, 0, 0, 0, 0, 0x61, 0x81, 0x81, 0, 0, 0, 0, 0x62],
    [0x8a, 0x81, 0, 0, 0, 0, 0x21],
    [0x88, 0x82, 0, 0, 0, 0, 3, 232],
  ]);
  assertEquals(messages, ["hi"]);
  assertEquals(state.ends, 0);
});

Deno.test("Socket calls end() once, however the peer closes", async (t) => {
  const cases: [string, number[]][] = [
    ["without a Close frame", []],
    ["with a Close frame", [0x88, 2, 3, 233]],
    ["in the middle of a frame", [0x81, 5, 0x68]],
    ["after an invalid frame", [0xff, 0xff, 0xff]],
  ];
  for (const [name, bytes] of cases) {
    await t.step(name, async () => {
      await using peer = listen(async (connection) => {
        await acceptRawSocket(connection);
        await connection.write(new Uint8Array(bytes));
      });
      const { socket, state } = await connect(peer.url);
      await until("the socket has ended", () => state.ends > 0);
      socket.send("too late");
      await socket.close();
      assertEquals(state.ends, 1);
    });
  }
});

Deno.test("Socket carries messages over TLS", async () => {
  const { caCerts, tls } = await makeIdentity();
  await using server = serve({ port: 0, delay: { min: 0, max: 0 }, tls });
  const { signal } = new AbortController();
  const socket = await openSocket(new URL(server.url), signal, { caCerts });
  const messages: (string | undefined)[] = [];
  socket.listen({ message: (text) => messages.push(text), end: () => {} });
  socket.send('{"request_id":1,"data":"a&&b&&c"}');
  await until("there was an answer", () => messages.length > 0);
  assertEquals(messages, ['{"request_id":1,"data":{"a":{"b":"c"}},"delay":0}']);
  await socket.close();
});

Deno.test("openSocket() rejects when the server opens no WebSocket", async (t) => {
  const cases: [string, string, string][] = [
    ["another status", "HTTP/1.1 404 Not Found\r\n\r\n", "status 404, not with a WebSocket"],
    [
      "another status and a reason",
      "HTTP/1.1 404 x\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nNot here.\nx\ny\n",
      "status 404, not with a WebSocket: Not here.",
    ],
    [
      "another status and a reason that breaks off",
      "HTTP/1.1 404 x\r\nContent-Type: text/plain\r\nContent-Length: 200\r\n\r\nNot here.\n",
      "status 404, not with a WebSocket",
    ],
    ["another version", "HTTP/1.0 101 x\r\n\r\n", "status 101, not with a WebSocket"],
    [
      "no HTTP",
      "220 mail.example.com ESMTP\r\n",
      '"220 mail.example.com ESMTP", which is not HTTP',
    ],
    ["no HTTP after all", "HTTP/what\r\n\r\n", '"HTTP/what", which is not HTTP'],
    ["a TLS alert", "\x15\x03\x01\x00\x02\x02\x16", "the server speaks TLS"],
    ["no answer to the key", "HTTP/1.1 101 x\r\n\r\n", "did not answer the key"],
    ["an endless head", "HTTP/1.1 101 x\r\n" + "a: b\r\n".repeat(4000), "too long"],
    ["nothing", "", "closed the connection"],
  ];
  for (const [name, response, message] of cases) {
    await t.step(name, async () => {
      let request = "";
      await using peer = listen(async (connection) => {
        request = new TextDecoder().decode(await read(connection));
        await connection.write(encoder.encode(response));
      });
      await assertRejects(() => connect(peer.url), HandshakeError, message);
      assertStringIncludes(request, "GET /path?query HTTP/1.1\r\n");
      assertStringIncludes(request, "Sec-WebSocket-Protocol: asyncpkt.v1\r\n");
    });
  }
});
