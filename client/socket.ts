/**
 * Opens a WebSocket.
 *
 * @module
 */

import { SUBPROTOCOL } from "../protocol/packet.ts";
import { offerOf } from "../protocol/token.ts";
import { connectFailure } from "./connect_failure.ts";
import { AbortError, ConnectionError, TimeoutError } from "./errors.ts";
import { causeOf } from "./loss.ts";

/** Options for {@linkcode connectSocket}. */
export interface SocketOptions {
  /** The longest time to connect, in milliseconds. */
  timeout: number;
  /** Aborts connecting. */
  signal?: AbortSignal | undefined;
  /** The token that the server requires. */
  token?: string | undefined;
  /** Additional trusted authorities, as PEM. */
  caCerts?: readonly string[] | undefined;
}

/**
 * Opens a WebSocket.
 *
 * @param onOpen is called at once, since a caller that awaits the opening would miss messages.
 * @throws {ConnectionError} `connection_failed` if the server refuses or cannot be reached.
 * @throws {TimeoutError} if the timeout is over.
 * @throws {AbortError} if the signal is aborted.
 */
export async function connectSocket(
  url: string | URL,
  { timeout, signal, token, caCerts }: SocketOptions,
  onOpen: (socket: WebSocket) => void,
): Promise<void> {
  if (signal?.aborted) throw new AbortError(signal.reason);
  const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, offerOf(token)];
  // Only Deno can trust other authorities, and only Deno's WebSocket accepts an object.
  using client = caCerts && Deno.createHttpClient({ caCerts: [...caCerts] });
  const socket = new WebSocket(url, client === undefined ? protocols : { protocols, client });
  const opened = Promise.withResolvers<void>();
  const fail = (reason: string, cause?: ErrorOptions) => {
    const message = `cannot connect to ${url}: ${reason}`;
    opened.reject(new ConnectionError("connection_failed", message, cause));
  };
  socket.onopen = () => {
    // Deno accepts any subprotocol that the server chooses.
    if (socket.protocol !== "" && socket.protocol !== SUBPROTOCOL) {
      const chosen = JSON.stringify(socket.protocol);
      return fail(`the server chose the subprotocol ${chosen}, which was not offered`);
    }
    onOpen(socket);
    opened.resolve();
  };
  socket.onerror = socket.onclose = (event: Event) => {
    const { message } = event as Partial<ErrorEvent>;
    fail(message ? connectFailure(message).reason : "the connection was closed", causeOf(event));
  };
  const onAbort = () => opened.reject(new AbortError(signal?.reason));
  const onTimeout = () => opened.reject(new TimeoutError(timeout));
  // The first setTimeout() of a process would delay the connection by 4 ms.
  const timer = timeout < Infinity ? AbortSignal.timeout(Math.ceil(timeout)) : undefined;
  signal?.addEventListener("abort", onAbort);
  timer?.addEventListener("abort", onTimeout);
  try {
    await opened.promise;
  } catch (error) {
    socket.onopen = null;
    socket.close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    timer?.removeEventListener("abort", onTimeout); // otherwise the process would wait for it
  }
}
