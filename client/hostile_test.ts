import { assertEquals, assertGreater, assertMatch, assertRejects } from "@std/assert";
import { Client, type ClientError } from "../client.ts";
import { fixRandom } from "../tests/support/random.ts";
import {
  acceptRawSocket,
  closeAfterPeer,
  serverFrame as frame,
  startRawServer,
  writeAll,
} from "../tests/support/raw_tcp.ts";
import { PATIENCE } from "../tests/support/waiting.ts";
import { closePayload } from "../websocket/frames.ts";

/** The timeout of requests that must time out, in milliseconds. */
const TIMEOUT = 150;

const encoder = new TextEncoder();

/** The answer to the request, and its frame. */
const TEXT = '{"request_id":1,"data":{}}';
const ANSWER = frame(TEXT);

/** A server's writes; {@linkcode CLOSE} closes the connection. */
type Writes = readonly Uint8Array[];
const CLOSE = new Uint8Array();

const answering = (...members: string[]) =>
  members.map((each) => frame(`{"request_id":1,${each}}`));

const LATE = /^timed_out: no answer within 0\.15 s$/;
const TIMED_OUT = /^timed_out: /;
const ANSWERED = /^answered: \{\}$/;
const LOST_EACH_TIME = /^timed_out: .*; before that, connection_lost: /;

/** Misbehaviors of servers once a request arrives, and how the request ends. */
const FAULTS: readonly [what: string, end: RegExp, ...writes: Writes][] = [
  ["never answers", LATE],
  ["answers twice", ANSWERED, ANSWER, frame(`[${TEXT},${TEXT}]`)],
  [
    "answers an id that nobody sent",
    TIMED_OUT,
    frame('{"request_id":"x","data":{}}'),
    frame('{"request_id":"1","data":{}}'),
  ],
  ["answers no id", TIMED_OUT, frame('{"request_id":null,"data":{}}')],
  ["sends text that is not JSON", TIMED_OUT, frame("{"), frame("")],
  ["sends JSON that is no answer", TIMED_OUT, frame("[[7]]"), frame("null")],
  [
    "answers with the wrong types",
    TIMED_OUT,
    ...answering('"data":"x"', '"data":[]', '"data":7', '"data":null'),
  ],
  [
    "answers with an error of the wrong types",
    TIMED_OUT,
    ...answering('"error":"x"', '"error":{}', '"error":null', '"error":{"code":7,"message":"x"}'),
    ...answering('"error":{"code":"x"}'),
  ],
  ["answers in a binary frame", TIMED_OUT, frame(TEXT, 0x82)],
  [
    "refuses and then answers",
    /^timed_out: .*; before that, overloaded: full$/,
    frame(`[{"request_id":1,"error":{"code":"overloaded","message":"full"}},${TEXT},${TEXT}]`),
  ],
  ["pings", ANSWERED, frame("x", 0x89), ANSWER],
  ["sends half a frame and no more", LATE, ANSWER.slice(0, 9)],
  ["answers byte by byte", ANSWERED, ...Array.from(ANSWER, (byte) => new Uint8Array([byte]))],
  [
    "answers in fragments",
    ANSWERED,
    frame(TEXT.slice(0, 9), 0x01),
    frame("", 0x00),
    frame(TEXT.slice(9), 0x80),
  ],
  [
    "sends bytes that are no frame",
    /^connection_lost: .*Reserved bits/,
    encoder.encode("HTTP/1.1 200 OK\r\n\r\n"),
  ],
  [
    "sends what is not UTF-8",
    /^connection_lost: .*Invalid UTF-8/,
    frame(new Uint8Array([0xff])),
  ],
  ["sends a frame of no known kind", /^connection_lost: .*Invalid/, frame("x", 0x83)],
  [
    "begins a frame of 64 MiB",
    /^connection_lost: .*Frame too large/,
    new Uint8Array([0x81, 127, 0, 0, 0, 0, 4, 0, 0, 0]),
  ],
  [
    "breaks off amid a frame, each time",
    /^timed_out: .*; before that, connection_lost: .*(Unexpected EOF|broke|reset)/,
    ANSWER.slice(0, 9),
    CLOSE,
  ],
  [
    "closes, each time",
    LOST_EACH_TIME,
    frame(closePayload(1001), 0x88),
    CLOSE,
  ],
  [
    "closes with a code that may not be",
    LOST_EACH_TIME,
    frame(closePayload(1005), 0x88),
    CLOSE,
  ],
];

/** Answers to a handshake, and the client's reason for giving up. */
const HANDSHAKES: readonly [response: string, reason: string][] = [
  ["", "the server closed the connection during the handshake"],
  ["HTTP/1.1 101 Swi", "the server closed the connection during the handshake"],
  ["SSH-2.0-OpenSSH\r\n", "the server does not speak HTTP"],
  ...[200, 302, 400, 401, 403, 404, 429, 500, 503].map((status): [string, string] => [
    `HTTP/1.1 ${status} Whatever\r\nContent-Length: 0\r\n\r\n`,
    `the server answered with status ${status}, not with a WebSocket`,
  ]),
];

for (const [what, end, ...writes] of FAULTS) {
  Deno.test(`Client.request() settles once and in time when a server ${what}`, async () => {
    using _ = fixRandom(0.02); // the client reconnects soon
    await using server = startRawServer(async (connection) => {
      await acceptRawSocket(connection);
      await connection.read(new Uint8Array(4096));
      for (const bytes of writes) {
        if (bytes === CLOSE) return connection.close();
        await writeAll(connection, bytes);
      }
      await closeAfterPeer(connection);
    });
    await using client = await Client.connect(server.url);
    const timeout = end.source.startsWith("^timed_out") ? TIMEOUT : PATIENCE;
    const from = performance.now();
    let settled = 0;
    const [code, message, id] = await client.request("a&&b&&c", { id: 1, timeout })
      .finally(() => settled++)
      .then(
        ({ data }) => ["answered", JSON.stringify(data), 1],
        ({ code, message, requestId }: ClientError) => [code, message, requestId],
      );
    const took = performance.now() - from;
    assertMatch(`${code}: ${message}`, end);
    if (code === "timed_out") assertGreater(took, TIMEOUT - 1);
    assertEquals([id, settled, client.inFlight], [1, 1, 0]);
  });
}

for (const [response, reason] of HANDSHAKES) {
  const what = JSON.stringify(response);
  Deno.test(`Client.connect() rejects when the handshake's answer is ${what}`, async () => {
    await using server = startRawServer(async (connection) => {
      await connection.read(new Uint8Array(4096));
      await writeAll(connection, encoder.encode(response));
      connection.close();
    });
    const error = await assertRejects(() => Client.connect(server.url)) as ClientError;
    assertEquals(error.code, "connection_failed");
    assertEquals(error.message, `cannot connect to ${server.url}: ${reason}`);
  });
}

Deno.test("Client.connect() connects when the Sec-WebSocket-Accept is wrong", async () => {
  // Deno neither checks nor exposes this header.
  await using server = startRawServer(async (connection) => {
    await connection.read(new Uint8Array(4096));
    const head =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    await connection.write(new TextEncoder().encode(`${head}Sec-WebSocket-Accept: AAAA\r\n\r\n`));
    await closeAfterPeer(connection);
  });
  await using client = await Client.connect(server.url);
  const error = await assertRejects(() => client.request("", { timeout: 30 })) as ClientError;
  assertEquals(error.code, "timed_out");
});
