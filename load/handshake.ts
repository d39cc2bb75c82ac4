/**
 * How a WebSocket is opened (RFC 6455, section 4).
 *
 * @module
 */

/** What makes a key into its answer. */
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The longest head of a response that is taken, in bytes. */
const MAX_HEAD = 1 << 14;

/** The longest body of a response that is quoted, in bytes. */
const MAX_REASON = 200;

/** How a response begins, and an alert of TLS, which is what plain HTTP gets there. */
const HTTP = "HTTP/";
const TLS_ALERT = "\x15";

const encoder = new TextEncoder();
const latin1 = new TextDecoder("latin1");

/** The server does not agree to talk WebSocket. */
export class HandshakeError extends Error {
  override name = "HandshakeError";
}

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
  const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
  const request = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
  ];
  let bytes = encoder.encode(`${request.join("\r\n")}\r\n\r\n`);
  while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
  const { head, surplus } = await readHead(connection);
  const [status, ...lines] = head.split("\r\n");
  const headers = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  if (!/^HTTP\/1\.1 101\b/.test(status!)) {
    const code = /^HTTP\/\S+ (\d{3})\b/.exec(status!)?.[1];
    if (code === undefined) throw notHttp(head);
    const reason = await readReason(connection, headers, surplus);
    throw new HandshakeError(
      `the server answered with status ${code}, not with a WebSocket${reason && `: ${reason}`}`,
    );
  }
  if (headers.get("sec-websocket-accept") !== await acceptOf(key)) {
    throw new HandshakeError("the server did not answer the key of the handshake");
  }
  const agreed = headers.get("sec-websocket-protocol") ?? "";
  if (agreed !== "" && agreed !== protocol) {
    const chosen = JSON.stringify(agreed);
    throw new HandshakeError(`the server chose the subprotocol ${chosen}, which was not offered`);
  }
  return { protocol: agreed, surplus };
}

/** What a server makes of a key, to show that it has understood. */
async function acceptOf(key: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-1", encoder.encode(key + MAGIC));
  return btoa(String.fromCharCode(...new Uint8Array(hash)));
}

async function readHead(
  connection: Deno.Conn,
): Promise<{ head: string; surplus: Uint8Array }> {
  const bytes = new Uint8Array(MAX_HEAD);
  let length = 0;
  while (length < MAX_HEAD) {
    const count = await connection.read(bytes.subarray(length));
    if (count === null) throw new HandshakeError("the server closed the connection");
    length += count;
    const text = latin1.decode(bytes.subarray(0, length));
    // What is not HTTP may have no end that could be waited for.
    if (text.startsWith(TLS_ALERT)) throw new HandshakeError("the server speaks TLS");
    if (!text.startsWith(HTTP.slice(0, length))) throw notHttp(text);
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return { head: text.slice(0, end), surplus: bytes.slice(end + 4, length) };
  }
  throw new HandshakeError("the head of the response is too long");
}

/** Reads why the server refuses the client, if it gives a reason in a short line of text. */
async function readReason(
  connection: Deno.Conn,
  headers: ReadonlyMap<string, string>,
  surplus: Uint8Array,
): Promise<string> {
  const length = Number(headers.get("content-length"));
  if (!(length <= MAX_REASON) || !headers.get("content-type")?.startsWith("text/plain")) return "";
  const bytes = new Uint8Array(length);
  bytes.set(surplus.subarray(0, length));
  for (let at = surplus.length; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) return "";
    at += count;
  }
  return new TextDecoder().decode(bytes).split("\n")[0]!;
}

function notHttp(text: string): HandshakeError {
  const line = JSON.stringify(text.slice(0, 80).split(/\r?\n/)[0]);
  return new HandshakeError(`the server answered ${line}, which is not HTTP`);
}
