/**
 * Connecting to the server under load.
 *
 * @module
 */

import { connectFailure } from "../client/connect_failure.ts";
import { AbortError, ConnectionError, TimeoutError } from "../client/errors.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import { type Access, Socket } from "./socket.ts";

/** How many connections are made at once; servers queue no more than so many. */
const AT_ONCE = 100;

/** The longest time that a timer can be set to, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What connecting is told. */
export interface ConnectOptions extends Access {
  readonly url: URL;
  /** How many connections to make. */
  readonly connections: number;
  /** How long this may take, in milliseconds; for every hundred connections anew. */
  readonly timeout: number;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/**
 * Connects all; if one cannot, those that were made are closed again.
 *
 * @throws {ConnectionError} `connection_failed` if one cannot be made.
 * @throws {TimeoutError} if it takes too long.
 * @throws {AbortError} if the signal is aborted first.
 * @throws {Deno.errors.NotCapable} if there is no permission.
 */
export async function connectAll(options: ConnectOptions): Promise<Socket[]> {
  const sockets: Socket[] = [];
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

/** Closes connections in good order, or as well as the server lets it. */
export async function closeAll(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(sockets.map((socket) => socket.close()));
}

async function connectSome(
  count: number,
  { url, timeout, signal, token, caCerts }: ConnectOptions,
  sockets: Socket[],
): Promise<void> {
  const stop = new AbortController();
  const abort = () => stop.abort(new AbortError(signal.reason));
  const timer = setTimeout(
    () => stop.abort(new TimeoutError(timeout)),
    Math.min(timeout, LONGEST_TIMER),
  );
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  // The first that fails ends the others: what they throw then is its error, too.
  const connecting = Array.from({ length: count }, async () => {
    try {
      stop.signal.throwIfAborted();
      sockets.push(await Socket.connect(url, SUBPROTOCOL, stop.signal, { token, caCerts }));
    } catch (error) {
      stop.abort(errorOf(error, url));
    }
  });
  await Promise.all(connecting);
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);
  stop.signal.throwIfAborted();
}

function errorOf(error: unknown, url: URL): unknown {
  if (error instanceof Deno.errors.NotCapable) return error;
  const { reason } = connectFailure(error instanceof Error ? error.message : String(error));
  const message = `cannot connect to ${url.href}: ${reason}`;
  return new ConnectionError("connection_failed", message, { cause: error });
}
