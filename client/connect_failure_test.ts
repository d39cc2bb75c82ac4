import { assertEquals, assertRejects } from "@std/assert";
import { Client, ConnectionError } from "../client.ts";
import { makeIdentity } from "../tests/support/certificates.ts";
import { freePort } from "../tests/support/machine.ts";
import { startRawServer } from "../tests/support/raw_tcp.ts";
import { connectFailure, type FailureKind, isFinalFailure } from "./connect_failure.ts";

async function failureOf(url: string): Promise<ConnectionError> {
  return await assertRejects(() => Client.connect(url), ConnectionError, url);
}

/** Returns the error after a handshake that is answered with these bytes. */
async function failureAfter(bytes: string, scheme = "ws"): Promise<ConnectionError> {
  await using server = startRawServer(async (connection) => {
    await connection.read(new Uint8Array(4096));
    await connection.write(new TextEncoder().encode(bytes));
    connection.close();
  });
  return await failureOf(server.url.replace("ws", scheme));
}

Deno.test("isFinalFailure() returns true for statuses below 500, whatever the URL", async () => {
  for (
    const status of [200, 204, 301, 400, 401, 403, 404, 408, 426, 429, 499, 500, 502, 503, 599]
  ) {
    const error = await failureAfter(`HTTP/1.1 ${status} So\r\nContent-Length: 0\r\n\r\n`);
    assertEquals(isFinalFailure(error), status < 500, error.message);
  }
  const url = `ws://127.0.0.1:${freePort()}/Invalid status code: 404 invalid peer certificate`;
  assertEquals(isFinalFailure(await failureOf(url)), false);
});

Deno.test("isFinalFailure() returns true for TLS errors, but not for TLS that breaks off", async () => {
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

Deno.test("isFinalFailure() returns false for temporary failures", async () => {
  for (const bytes of ["", "HTTP/1.1 101 Swi"]) {
    assertEquals(isFinalFailure(await failureAfter(bytes)), false, bytes);
  }
  assertEquals(isFinalFailure(new Error("Invalid status code: 404")), false);
});

Deno.test("connectFailure() explains the messages of the platform", () => {
  const expired =
    "certificate expired: verification time 2 (UNIX), but certificate is not valid after 1";
  const table: [message: string, kind: FailureKind, reason: string, isFinal: boolean][] = [
    ["Connection refused (os error 111)", "refused", "connection refused", false],
    ["Network is unreachable (os error 101)", "unreachable", "the host cannot be reached", false],
    ["No route to host (os error 113)", "unreachable", "the host cannot be reached", false],
    [
      "tcp connect error",
      "no_tcp",
      "nothing listens there, or the host cannot be reached",
      false,
    ],
    ["dns error", "unresolved", "the host name cannot be resolved", false],
    ["invalid host 'a..b': empty label", "unresolved", "the host name cannot be resolved", false],
    [
      "Connection reset by peer (os error 104)",
      "broken_off",
      "the server closed the connection during the handshake",
      false,
    ],
    // Before the request was sent.
    [
      "operation was canceled",
      "broken_off",
      "the server closed the connection during the handshake",
      false,
    ],
    ["invalid HTTP header parsed", "not_http", "the server does not speak HTTP", false],
    [
      `invalid peer certificate: ${expired}`,
      "expired",
      "the certificate of the server has expired",
      true,
    ],
    [
      "invalid peer certificate: Expired",
      "expired",
      "the certificate of the server has expired",
      true,
    ],
    [
      "invalid peer certificate: BadSignature",
      "invalid_certificate",
      "the certificate of the server is not valid: BadSignature",
      true,
    ],
    [
      "peer is incompatible: ServerDoesNotSupportTls12Or13",
      "tls",
      "the TLS handshake failed: peer is incompatible: ServerDoesNotSupportTls12Or13",
      true,
    ],
    [
      "received fatal alert: NoApplicationProtocol",
      "hidden_status",
      "the server did not answer with a WebSocket",
      false,
    ],
    [
      "Didn't receive h2 alpn, aborting connection",
      "hidden_status",
      "the server did not answer with a WebSocket",
      false,
    ],
    [
      "stream error received: unspecific protocol error detected",
      "hidden_status",
      "the server did not answer with a WebSocket",
      false,
    ],
    ["of tomorrow", "other", "of tomorrow", false],
  ];
  for (const [message, ...expected] of table) {
    for (const prefix of ["", "NetworkError: failed to connect to WebSocket: "]) {
      const { kind, reason, isFinal } = connectFailure(prefix + message);
      assertEquals([kind, reason, isFinal], expected, message);
    }
  }
});

Deno.test("connectFailure() finds a status and its explanation", () => {
  const table: [message: string, status: number, detail: string | undefined][] = [
    ["Invalid status code: 404", 404, undefined],
    ["the server answered with status 503, not with a WebSocket", 503, undefined],
    ["the server answered with status 400, not with a WebSocket: a: b", 400, "a: b"],
  ];
  for (const [message, status, detail] of table) {
    assertEquals(connectFailure(message), {
      kind: "status",
      reason: `the server answered with status ${status}, not with a WebSocket`,
      isFinal: status < 500,
      status,
      ...(detail === undefined ? {} : { detail }),
    });
  }
});
