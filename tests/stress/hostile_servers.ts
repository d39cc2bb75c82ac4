/**
 * Servers that do to a client what none should: each is a clear error in time, or an answer all the same.
 *
 * @module
 */

import { Client, type ClientError } from "../../client.ts";
import {
  acceptRawSocket,
  closeAfterPeer,
  serverFrame,
  startRawServer,
} from "../support/raw_tcp.ts";
import type { Outcome } from "./trial.ts";

/** How long each request may take here, in milliseconds. */
const TIMEOUT = 150;

const encoder = new TextEncoder();
const FIRST = '{"request_id":1,"data":{}}';

/** What a server does with its connection, once it has upgraded it and a packet has come. */
type ErrorDetails = (connection: Deno.Conn) => unknown;

const send = (...frames: Uint8Array[]): ErrorDetails => async (connection) => {
  for (const frame of frames) await connection.write(frame);
};

/** What servers do, and how the request ends: it is answered, or gets this error. */
const TABLE: [
  what: string,
  fault: ErrorDetails,
  error: ClientError["code"] | undefined,
  says: RegExp,
][] = [
  ["never answers", () => {}, "timed_out", /^no answer within 0\.15 s$/],
  ["answers twice", send(serverFrame(FIRST), serverFrame(`[${FIRST},${FIRST}]`)), undefined, /^/],
  [
    "answers an id that nobody sent",
    send(
      serverFrame('{"request_id":"x","data":{}}'),
      serverFrame('{"request_id":"1","data":{}}'),
    ),
    "timed_out",
    /^/,
  ],
  ["answers no id", send(serverFrame('{"request_id":null,"data":{}}')), "timed_out", /^/],
  ["sends text that is not JSON", send(serverFrame("{"), serverFrame("")), "timed_out", /^/],
  [
    "sends JSON that is no answer",
    send(serverFrame("[[7]]"), serverFrame("null")),
    "timed_out",
    /^/,
  ],
  [
    "answers with the wrong types",
    send(
      ...['"x"', "[]", "7", "null"].map((data) => serverFrame(`{"request_id":1,"data":${data}}`)),
    ),
    "timed_out",
    /^/,
  ],
  [
    "answers with an error of the wrong types",
    send(
      ...['"x"', "{}", "null", '{"code":7,"message":"x"}', '{"code":"x"}'].map((error) =>
        serverFrame(`{"request_id":1,"error":${error}}`)
      ),
    ),
    "timed_out",
    /^/,
  ],
  ["answers in a binary frame", send(serverFrame(FIRST, 0x82)), "timed_out", /^/],
  [
    "refuses and then answers",
    send(
      serverFrame(
        `[{"request_id":1,"error":{"code":"overloaded","message":"full"}},${FIRST},${FIRST}]`,
      ),
    ),
    "timed_out",
    /; before that, overloaded: full$/,
  ],
  ["pings", send(serverFrame("x", 0x89), serverFrame(FIRST)), undefined, /^/],
  [
    "sends half a frame and no more",
    send(serverFrame(FIRST).subarray(0, 9)),
    "timed_out",
    /^no answer within 0\.15 s$/,
  ],
  [
    "answers byte by byte",
    async (connection) => {
      for (const byte of serverFrame(FIRST)) await connection.write(new Uint8Array([byte]));
    },
    undefined,
    /^/,
  ],
  [
    "answers in fragments",
    send(
      serverFrame(FIRST.slice(0, 9), 0x01),
      serverFrame("", 0x00),
      serverFrame(FIRST.slice(9), 0x80),
    ),
    undefined,
    /^/,
  ],
  [
    "sends bytes that are no frame",
    send(encoder.encode("HTTP/1.1 200 OK\r\n\r\n")),
    "connection_lost",
    /Reserved bits/,
  ],
  [
    "sends what is not UTF-8",
    send(serverFrame(new Uint8Array([0xff]))),
    "connection_lost",
    /Invalid UTF-8/,
  ],
  ["sends a frame of no known kind", send(serverFrame("x", 0x83)), "connection_lost", /Invalid/],
  [
    "begins a frame of 64 MiB",
    send(new Uint8Array([0x81, 127, 0, 0, 0, 0, 4, 0, 0, 0])),
    "connection_lost",
    /Frame too large/,
  ],
  [
    "breaks off amid a frame, each time",
    async (connection) => {
      await connection.write(serverFrame(FIRST).subarray(0, 9));
      connection.close();
    },
    "timed_out",
    /; before that, connection_lost: .*(Unexpected EOF|broke|reset)/,
  ],
  [
    "closes, each time",
    async (connection) => {
      await connection.write(serverFrame(new Uint8Array([1001 >> 8, 1001 & 0xff]), 0x88));
      connection.close();
    },
    "timed_out",
    /; before that, connection_lost: /,
  ],
  [
    "closes with a code that may not be",
    async (connection) => {
      await connection.write(serverFrame(new Uint8Array([1005 >> 8, 1005 & 0xff]), 0x88));
      connection.close();
    },
    "timed_out",
    /; before that, connection_lost: /,
  ],
];

/** What servers answer to a handshake, and what is said of it. */
const HANDSHAKES: [bytes: string, says: string][] = [
  ["", "the server closed the connection during the handshake"],
  ["HTTP/1.1 101 Swi", "the server closed the connection during the handshake"],
  ["SSH-2.0-OpenSSH\r\n", "the server does not speak HTTP"],
  ...[200, 302, 400, 401, 403, 404, 429, 500, 503].map((status): [string, string] => [
    `HTTP/1.1 ${status} Whatever\r\nContent-Length: 0\r\n\r\n`,
    `the server answered with status ${status}, not with a WebSocket`,
  ]),
];

/** A server that is hostile. */
export interface Hostility {
  /** What it does. */
  readonly what: string;
  /** Tries it; returns what was wrong with what came of it. */
  attempt(): Promise<string | undefined>;
}

/** All of them. */
export const HOSTILITIES: readonly Hostility[] = [
  ...TABLE.map(([what, fault, code, says]) => ({
    what,
    attempt: () => tryFault(fault, code, says),
  })),
  ...HANDSHAKES.map(([bytes, says]) => ({
    what: `answers the handshake with ${JSON.stringify(bytes)}`,
    attempt: () => tryHandshake(bytes, says),
  })),
];

async function tryFault(
  fault: ErrorDetails,
  code: ClientError["code"] | undefined,
  says: RegExp,
): Promise<string | undefined> {
  await using server = startRawServer(async (connection) => {
    await acceptRawSocket(connection);
    await connection.read(new Uint8Array(4096));
    await fault(connection);
    await closeAfterPeer(connection);
  });
  const client = await Client.connect(server.url);
  const from = performance.now();
  let settled = 0;
  const request = client.request("a&&b&&c", { id: 1, timeout: TIMEOUT });
  const end = await request.finally(() => settled++).then(
    ({ data }) => ({ code: undefined, request_id: 1, message: JSON.stringify(data) }),
    (error: ClientError) => error,
  );
  const took = performance.now() - from;
  const { inFlight } = client;
  await client.close();
  if (end.code !== code) return `want ${code ?? "an answer"}, got ${end.code}: ${end.message}`;
  if (code === undefined ? end.message !== "{}" : !says.test(end.message)) {
    return `it got ${end.message}`;
  }
  if (code === "timed_out" && took < TIMEOUT - 1) return `it timed out after ${took} ms`;
  if (end.request_id !== 1) return `it was told of the request ${end.request_id}`;
  if (settled !== 1 || inFlight !== 0) return `it settled ${settled} times, ${inFlight} in flight`;
}

async function tryHandshake(bytes: string, says: string): Promise<string | undefined> {
  await using server = startRawServer(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await connection.write(encoder.encode(bytes));
    connection.close();
  });
  const end = await Client.connect(server.url).then(
    async (client) => {
      await client.close();
      return { code: "none", message: "it connected" };
    },
    (error: ClientError) => error,
  );
  const want = `connection_failed: cannot connect to ${server.url}: ${says}`;
  const got = `${end.code}: ${end.message}`;
  if (got !== want) return `want ${want}, got ${got}`;
}

/** Has a client meet all of them. */
export async function hostileServers(): Promise<Outcome> {
  const failures: string[] = [];
  for (const { what, attempt } of HOSTILITIES) {
    const wrong = await attempt();
    if (wrong !== undefined) failures.push(`on a server that ${what}: ${wrong}`);
  }
  return {
    extent:
      `${TABLE.length} kinds of servers that break the rules, ${HANDSHAKES.length} of handshakes`,
    requests: HOSTILITIES.length,
    lost: failures.length,
    badInputs: HOSTILITIES.length,
    failures,
  };
}
