/**
 * Opens the connections of a load. Deno's own WebSocket uses Nagle's algorithm: it holds a frame back
 * until the one before is acknowledged, for up to 44 ms, which would count as the server's latency.
 *
 * @module
 */

import { anySignal } from "../client/any_signal.ts";
import { connectFailure } from "../client/connect_failure.ts";
import { AbortError, ConnectionError, TimeoutError } from "../client/errors.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import { WebSocketConnection } from "../websocket/connection.ts";
import {
  checkUpgradeResponse,
  createKey,
  type Head,
  statusOf,
  upgradeRequest,
} from "../websocket/handshake.ts";
import { closeQuietly, readHead, writeAll } from "../websocket/streams.ts";

/** Connections that are opened at once, since servers queue only about so many. */
const AT_ONCE = 100;

/** The longest time that a timer takes, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** The longest response body that is quoted, in bytes. */
const MAX_REASON = 200;

/** How to open a connection. */
export interface HandshakeOptions {
  /** Subprotocol to offer; empty for none. @default {"asyncpkt.v1"} */
  readonly subprotocol?: string | undefined;
  /** The token that the server asks for. */
  readonly token?: string | undefined;
  /** Further authorities to trust, as PEM. */
  readonly caCerts?: readonly string[] | undefined;
}

/** A WebSocket whose handshake is done. */
export interface OpenedSocket {
  readonly connection: WebSocketConnection;
  /** Subprotocol that the server agreed to, or empty. */
  readonly protocol: string;
  /** Bytes that came after the handshake, for {@linkcode WebSocketConnection.run}. */
  readonly surplus: Uint8Array;
}

/** Options for {@linkcode connectAll}. */
export interface ConnectAllOptions extends HandshakeOptions {
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
export async function connectAll(options: ConnectAllOptions): Promise<OpenedSocket[]> {
  const sockets: OpenedSocket[] = [];
  try {
    while (sockets.length < options.connections) {
      await connectSome(Math.min(AT_ONCE, options.connections - sockets.length), options, sockets);
    }
    return sockets;
  } catch (error) {
    await Promise.all(sockets.map(({ connection, surplus }) => {
      connection.close(1000);
      return connection.run(surplus);
    }));
    throw error;
  }
}

async function connectSome(
  count: number,
  { url, timeout, signal, ...handshake }: ConnectAllOptions,
  sockets: OpenedSocket[],
): Promise<void> {
  const stop = new AbortController();
  const expire = () => stop.abort(new TimeoutError(timeout));
  const timer = setTimeout(expire, Math.min(timeout, MAX_TIMER));
  const stopped = anySignal(signal, stop.signal);
  await Promise.all(Array.from({ length: count }, async () => {
    try {
      sockets.push(await openSocket(url, stopped, handshake));
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
  { subprotocol = SUBPROTOCOL, token, caCerts = [] }: HandshakeOptions = {},
): Promise<OpenedSocket> {
  signal.throwIfAborted();
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const isSecure = url.protocol === "wss:";
  const tcp = await connectTcp(hostname, Number(url.port || (isSecure ? 443 : 80)), signal);
  let stream: Deno.Conn = tcp;
  const aborted = Promise.withResolvers<never>();
  // On Deno 2.7, closing a connection does not end a TLS handshake that waits for the server.
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const open = async () => {
    if (isSecure) {
      const alpnProtocols = ["http/1.1"];
      stream = await Deno.startTls(tcp, { hostname, alpnProtocols, caCerts: [...caCerts] });
      if (signal.aborted) closeQuietly(stream);
    }
    return await shakeHands(stream, url, subprotocol, token);
  };
  try {
    signal.throwIfAborted();
    return await Promise.race([open(), aborted.promise]);
  } catch (error) {
    closeQuietly(stream);
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

/** Does the opening handshake of a WebSocket. */
async function shakeHands(
  stream: Deno.Conn,
  url: URL,
  subprotocol: string,
  token: string | undefined,
): Promise<OpenedSocket> {
  const key = createKey();
  const request = upgradeRequest({
    "Host": url.host,
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Protocol": subprotocol || undefined,
    "Authorization": token === undefined ? undefined : `Bearer ${token}`,
  }, url.pathname + url.search);
  await writeAll(stream, new TextEncoder().encode(request));
  const { head, rest } = await readHead(stream, "client");
  const reason = statusOf(head) === 101 ? "" : await readReason(stream, head, rest);
  const protocol = await checkUpgradeResponse(head, key, subprotocol, reason);
  // A load keeps reading while it writes, however slowly the server reads.
  const connection = new WebSocketConnection(stream, { role: "client", maxBacklog: Infinity });
  return { connection, protocol, surplus: rest };
}

/** Reads why the server refuses the client, if it gives a reason in a short line of text. */
async function readReason(
  stream: Deno.Conn,
  { headers }: Head,
  rest: Uint8Array,
): Promise<string> {
  const length = Number(headers.get("content-length"));
  if (!(length <= MAX_REASON) || !headers.get("content-type")?.startsWith("text/plain")) return "";
  const bytes = new Uint8Array(length);
  bytes.set(rest.subarray(0, length));
  for (let at = rest.length; at < length;) {
    const count = await stream.read(bytes.subarray(at));
    if (count === null) return "";
    at += count;
  }
  return new TextDecoder().decode(bytes).split("\n")[0]!;
}
