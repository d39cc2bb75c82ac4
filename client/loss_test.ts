import { assertEquals, assertRejects } from "@std/assert";
import { Client, ConnectionError } from "../client.ts";
import { makeIdentity } from "../testing/certificates.ts";
import { freePort } from "../testing/free_port.ts";
import { startRawServer } from "../testing/raw_tcp.ts";
import { isFinalFailure, lossOf } from "./loss.ts";

async function failureOf(url: string): Promise<ConnectionError> {
  return await assertRejects(() => Client.connect(url), ConnectionError, url);
}

/** Fails a handshake by answering it with these bytes. */
async function failureAfter(bytes: string, scheme = "ws"): Promise<ConnectionError> {
  await using server = startRawServer(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await connection.write(new TextEncoder().encode(bytes));
    connection.close();
  });
  return await failureOf(server.url.replace("ws", scheme));
}

Deno.test("isFinalFailure() is true of statuses below 500, whatever the URL looks like", async () => {
  for (
    const status of [200, 204, 301, 400, 401, 403, 404, 408, 426, 429, 499, 500, 502, 503, 599]
  ) {
    const error = await failureAfter(`HTTP/1.1 ${status} So\r\nContent-Length: 0\r\n\r\n`);
    assertEquals(isFinalFailure(error), status < 500, error.message);
  }
  const url = `ws://127.0.0.1:${freePort()}/Invalid status code: 404 invalid peer certificate`;
  assertEquals(isFinalFailure(await failureOf(url)), false);
});

Deno.test("isFinalFailure() is true of TLS that does not agree, not of TLS that breaks off", async () => {
  const { tls } = await makeIdentity();
  const options = { hostname: "127.0.0.1", port: 0, ...tls, onListen() {} };
  const server = Deno.serve(options, () => new Response());
  const untrusted = await failureOf(`wss://127.0.0.1:${server.addr.port}`);
  await server.shutdown();
  const alert = await failureAfter("\x15\x03\x03\x00\x02\x02\x28", "wss");
  const plain = await failureAfter("HTTP/1.1 400 Bad Request\r\n\r\n", "wss");
  for (const error of [untrusted, alert, plain]) {
    assertEquals(isFinalFailure(error), true, error.message);
  }
  assertEquals(isFinalFailure(await failureAfter("", "wss")), false);
});

Deno.test("isFinalFailure() is false of what may pass", async () => {
  for (const bytes of ["", "HTTP/1.1 101 Swi"]) {
    assertEquals(isFinalFailure(await failureAfter(bytes)), false, bytes);
  }
  assertEquals(isFinalFailure(new Error("Invalid status code: 404")), false);
});

Deno.test("isFinalFailure() is false where Deno tells of its second attempt, by HTTP/2, alone", () => {
  for (
    const message of [
      "NetworkError: failed to connect to WebSocket: received fatal alert: NoApplicationProtocol",
      "NetworkError: failed to connect to WebSocket: Didn't receive h2 alpn, aborting connection",
    ]
  ) {
    const error = new ConnectionError("connection_failed", "x", { cause: new Error(message) });
    assertEquals(isFinalFailure(error), false, message);
  }
});

Deno.test("lossOf() says what the event says", () => {
  const table: [event: Event, message: string, isFinal: boolean][] = [
    [new Event("error"), "the connection broke", false],
    [
      new ErrorEvent("error", { message: "Unexpected EOF" }),
      "the connection broke: Unexpected EOF",
      false,
    ],
    [
      new ErrorEvent("error", { message: "Invalid close code" }),
      "the connection broke: Invalid close code",
      false,
    ],
    [
      new ErrorEvent("error", { message: "Invalid UTF-8" }),
      "the connection broke: Invalid UTF-8",
      true,
    ],
    [new CloseEvent("close"), "the connection broke", false],
    [new CloseEvent("close", { code: 1006 }), "the server closed the connection with 1006", false],
    [
      new CloseEvent("close", { code: 1008, reason: "x" }),
      "the server closed the connection with 1008 x",
      true,
    ],
  ];
  for (const [event, message, isFinal] of table) {
    const loss = lossOf(event);
    assertEquals([loss.why().code, loss.why().message, loss.isFinal], [
      "connection_lost",
      message,
      isFinal,
    ]);
  }
});
