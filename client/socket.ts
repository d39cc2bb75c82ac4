/**
 * Making a WebSocket, up to the moment at which it is open.
 *
 * @module
 */

import { SUBPROTOCOL } from "../protocol.ts";
import { AbortError, ConnectionError, TimeoutError } from "./errors.ts";
import { causeOf, failureOf } from "./loss.ts";

/** How connecting goes. */
export interface SocketOptions {
  /** How long it may take, in milliseconds. */
  timeout: number;
  /** Gives it up. */
  signal?: AbortSignal | undefined;
}

/** The one place where a socket is made. It is not open yet. */
function openSocket(url: string | URL, _options: SocketOptions): WebSocket {
  return new WebSocket(url, SUBPROTOCOL);
}

/**
 * Connects.
 *
 * @param onOpen is called as soon as it is open; after a wait, the first messages would be missed.
 */
export async function connectSocket(
  url: string | URL,
  options: SocketOptions,
  onOpen: (socket: WebSocket) => void,
): Promise<void> {
  const { signal, timeout } = options;
  if (signal?.aborted) throw new AbortError(signal.reason);
  const socket = openSocket(url, options);
  const opened = Promise.withResolvers<void>();
  const fail = (reason: string, cause?: ErrorOptions) => {
    const message = `cannot connect to ${url}: ${reason}`;
    opened.reject(new ConnectionError("connection_failed", message, cause));
  };
  socket.onopen = () => {
    // Deno takes whatever the server chooses.
    if (socket.protocol !== "" && socket.protocol !== SUBPROTOCOL) {
      const chosen = JSON.stringify(socket.protocol);
      return fail(`it chose the subprotocol ${chosen}, which was not offered`);
    }
    onOpen(socket);
    opened.resolve();
  };
  socket.onerror = socket.onclose = (event: Event) => fail(failureOf(event), causeOf(event));
  const onAbort = () => opened.reject(new AbortError(signal?.reason));
  const onExpiry = () => opened.reject(new TimeoutError(timeout));
  // Not setTimeout, whose first use takes 4 ms, before the connection is even under way.
  const expiry = timeout < Infinity ? AbortSignal.timeout(Math.ceil(timeout)) : undefined;
  signal?.addEventListener("abort", onAbort);
  expiry?.addEventListener("abort", onExpiry);
  try {
    await opened.promise;
  } catch (error) {
    socket.onopen = null;
    socket.close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    expiry?.removeEventListener("abort", onExpiry); // or the process would wait for it
  }
}
