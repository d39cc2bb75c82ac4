/**
 * Opens the connections of a load, and closes them.
 *
 * @module
 */

import { connectFailure } from "../client/connect_failure.ts";
import { AbortError, ConnectionError, TimeoutError } from "../client/errors.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import {
  checkUpgradeResponse,
  createKey,
  HandshakeError,
  type Head,
  HeadReader,
  statusOf,
  upgradeRequest,
} from "../websocket/handshake.ts";
import { LoadSocket } from "./socket.ts";

/** Connections that are opened at once, since servers queue only about so many. */
const AT_ONCE = 100;

/** The longest time that a timer takes, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** The longest response body that is quoted, in bytes. */
const MAX_REASON = 200;

/** Token and certificates for a connection. */
export interface Credentials {
  /** The token that the server asks for. */
  readonly token?: string | undefined;
  /** Further authorities to trust, as PEM. */
  readonly caCerts?: readonly string[] | undefined;
}

/** Options for {@linkcode connectAll}. */
export interface ConnectAllOptions extends Credentials {
  readonly url: URL;
  /** Number of connections. */
  readonly connections: number;
  /** Time limit for each hundred connections, in milliseconds. */
  readonly timeout: number;
  /** Aborts connecting. */
  readonly signal: AbortSignal;
}

/**
 * Opens all connections. If one fails, it closes the others.
 *
 * @throws {ConnectionError} `connection_failed` if a connection fails.
 * @throws {TimeoutError} if connecting takes too long.
 * @throws {AbortError} if the signal is aborted first.
 * @throws {Deno.errors.NotCapable} if the permission is missing.
 */
export async function connectAll(options: ConnectAllOptions): Promise<LoadSocket[]> {
  const sockets: LoadSocket[] = [];
  try {
    while (sockets.length < options.connections) {
      await connectSome(Math.min(AT_ONCE, options.connections - sockets.length), options, sockets);
    }
    return sockets;
  } catch (error) {
    await closeAll(sockets);
    throw error;
  }
}

/** Closes connections with the closing handshake. */
export async function closeAll(sockets: readonly LoadSocket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => socket.close()));
}

async function connectSome(
  count: number,
  { url, timeout, signal, ...credentials }: ConnectAllOptions,
  sockets: LoadSocket[],
): Promise<void> {
  const stop = new AbortController();
  const expire = () => stop.abort(new TimeoutError(timeout));
  const timer = setTimeout(expire, Math.min(timeout, MAX_TIMER));
  const stopped = AbortSignal.any([signal, stop.signal]);
  await Promise.all(Array.from({ length: count }, async () => {
    try {
      sockets.push(await openSocket(url, stopped, credentials));
    } catch (error) {
      stop.abort(connectErrorOf(error, url)); // which ends the other attempts
    }
  }));
  clearTimeout(timer);
  if (signal.aborted) throw new AbortError(signal.reason);
  stop.signal.throwIfAborted();
}

function connectErrorOf(error: unknown, url: URL): unknown {
  if (error instanceof Deno.errors.NotCapable) return error;
  const { reason } = connectFailure(error instanceof Error ? error.message : String(error));
  const message = `cannot connect to ${url.href}: ${reason}`;
  return new ConnectionError("connection_failed", message, { cause: error });
}

/**
 * Opens one connection.
 *
 * @param url with the scheme ws or wss.
 * @param signal aborts the attempt.
 * @throws {HandshakeError} if the server does not agree to open a WebSocket.
 * @throws the errors of `Deno.connect` and `Deno.startTls`, and the reason of the signal.
 */
export async function openSocket(
  url: URL,
  signal: AbortSignal,
  { token, caCerts = [] }: Credentials = {},
): Promise<LoadSocket> {
  signal.throwIfAborted();
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const isSecure = url.protocol === "wss:";
  const tcp = await connectTcp(hostname, Number(url.port || (isSecure ? 443 : 80)), signal);
  let connection: Deno.Conn = tcp;
  const aborted = Promise.withResolvers<never>();
  // On Deno 2.7, closing a connection does not end a TLS handshake that waits for the server.
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const open = async () => {
    if (isSecure) {
      const alpnProtocols = ["http/1.1"];
      connection = await Deno.startTls(tcp, { hostname, alpnProtocols, caCerts: [...caCerts] });
      if (signal.aborted) closeQuietly(connection);
    }
    return await shakeHands(connection, url, token);
  };
  try {
    signal.throwIfAborted();
    return await Promise.race([open(), aborted.promise]);
  } catch (error) {
    closeQuietly(connection);
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function connectTcp(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname, port, signal }).catch((error) => {
    // Deno 2.7 tries only the first address, which may be ::1 when servers listen on 127.0.0.1.
    if (hostname !== "localhost" || !(error instanceof Deno.errors.ConnectionRefused)) throw error;
    const { state } = Deno.permissions.querySync({ name: "net", host: `127.0.0.1:${port}` });
    if (state !== "granted") throw error; // or Deno would ask the user
    return Deno.connect({ hostname: "127.0.0.1", port, signal });
  });
  connection.setNoDelay(true);
  return connection;
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already, or has become the connection under TLS.
  }
}

/** Does the opening handshake of a WebSocket. */
async function shakeHands(
  connection: Deno.Conn,
  url: URL,
  token: string | undefined,
): Promise<LoadSocket> {
  const key = createKey();
  const request = upgradeRequest({
    "Host": url.host,
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Protocol": SUBPROTOCOL,
    "Authorization": token === undefined ? undefined : `Bearer ${token}`,
  }, url.pathname + url.search);
  let bytes = new TextEncoder().encode(request);
  while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
  const { head, rest } = await readHead(connection);
  const reason = statusOf(head) === 101 ? "" : await readReason(connection, head, rest);
  const protocol = await checkUpgradeResponse(head, key, SUBPROTOCOL, reason);
  return new LoadSocket(connection, protocol, rest);
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
