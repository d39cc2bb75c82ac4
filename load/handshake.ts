/**
 * Opening a WebSocket on a connection, as a client.
 *
 * @module
 */

import {
  checkUpgradeResponse,
  createKey,
  HandshakeError,
  type Head,
  HeadReader,
  statusOf,
  upgradeRequest,
} from "../websocket/handshake.ts";

/** The longest body of a response that is quoted, in bytes. */
const MAX_REASON = 200;

/** What came of a handshake. */
export interface Agreement {
  /** The subprotocol, or empty. */
  readonly protocol: string;
  /** The bytes that came after the handshake. */
  readonly surplus: Uint8Array;
}

/**
 * Opens a WebSocket on a connection.
 *
 * @throws {HandshakeError} if the server does not agree.
 */
export async function handshake(
  connection: Deno.Conn,
  url: URL,
  protocol: string,
  token: string | undefined,
): Promise<Agreement> {
  const key = createKey();
  const request = upgradeRequest({
    "Host": url.host,
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Protocol": protocol,
    "Authorization": token === undefined ? undefined : `Bearer ${token}`,
  }, url.pathname + url.search);
  let bytes = new TextEncoder().encode(request);
  while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
  const { head, rest } = await readHead(connection);
  const reason = statusOf(head) === 101 ? "" : await readReason(connection, head, rest);
  return { protocol: await checkUpgradeResponse(head, key, protocol, reason), surplus: rest };
}

async function readHead(connection: Deno.Conn): Promise<{ head: Head; rest: Uint8Array }> {
  const reader = new HeadReader("client");
  const buffer = new Uint8Array(1 << 12);
  while (true) {
    const count = await connection.read(buffer);
    if (count === null) throw new HandshakeError("the server closed the connection");
    const read = reader.write(buffer.subarray(0, count));
    if (read !== undefined) return read;
  }
}

/** Reads why the server refuses the client, if it gives a reason in a short line of text. */
async function readReason(
  connection: Deno.Conn,
  { headers }: Head,
  rest: Uint8Array,
): Promise<string> {
  const length = Number(headers.get("content-length"));
  if (!(length <= MAX_REASON) || !headers.get("content-type")?.startsWith("text/plain")) return "";
  const bytes = new Uint8Array(length);
  bytes.set(rest.subarray(0, length));
  for (let at = rest.length; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) return "";
    at += count;
  }
  return new TextDecoder().decode(bytes).split("\n")[0]!;
}
