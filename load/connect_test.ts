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
async function connect(url: URL, caCerts: string[] = []) {
  const { signal } = new AbortController();
  const { connection, surplus } = await openSocket(url, signal, { caCerts });
  const messages: unknown[] = [];
  connection.listen({ onMessage: (message) => messages.push(message), onEnd() {} });
  return { connection, messages, running: connection.run(surplus) };
}

async function read(connection: Deno.Conn): Promise<Uint8Array> {
  const buffer = new Uint8Array(1 << 16);
  return buffer.subarray(0, await connection.read(buffer) ?? 0);
}

Deno.test("openSocket() opens a connection that writes messages of one task in one piece", async () => {
  const pieces: Uint8Array[] = [];
  await using peer = listen(async (connection) => {
    await acceptRawSocket(connection);
    pieces.push(await read(connection));
    await connection.write(new Uint8Array([0x81, 2, 0x68, 0x69, 0x88, 2, 3, 232]));
  });
  const { connection, messages, running } = await connect(peer.url);
  connection.send("a");
  connection.send("b");
  await running;
  assertEquals(pieces.map((piece) => [...piece]), [
    [0x81, 0x81, 0, 0, 0, 0, 0x61, 0x81, 0x81, 0, 0, 0, 0, 0x62],
  ]);
  assertEquals(messages, ["hi"]);
});

Deno.test("openSocket() connects over TLS", async () => {
  const { caCerts, tls } = await makeIdentity();
  await using server = serve({ port: 0, delay: { min: 0, max: 0 }, tls });
  const { connection, messages, running } = await connect(new URL(server.url), caCerts);
  connection.send('{"request_id":1,"data":"a&&b&&c"}');
  await until("there was an answer", () => messages.length > 0);
  assertEquals(messages, ['{"request_id":1,"data":{"a":{"b":"c"}},"delay":0}']);
  connection.close(1000);
  await running;
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
