/**
 * Making a WebSocket, up to the moment at which it is open.
 *
 * @module
 */

import { SUBPROTOCOL } from "../protocol.ts";
import { offerOf } from "../protocol/token.ts";
import { reasonOf } from "./connect_failure.ts";
import { AbortError, ConnectionError, TimeoutError } from "./errors.ts";
import { causeOf } from "./loss.ts";

/** How connecting goes. */
export interface SocketOptions {
  /** How long it may take, in milliseconds. */
  timeout: number;
  /** Gives it up. */
  signal?: AbortSignal | undefined;
  /** What the server wants to be told. */
  token?: string | undefined;
  /** Authorities that are trusted as well, as PEM. */
  caCerts?: readonly string[] | undefined;
}

/** A socket that is not open yet, and what to let go of once it is, or has failed. */
interface Opening extends Disposable {
  readonly socket: WebSocket;
}

/** The one place where a socket is made. */
function openSocket(url: string | URL, { token, caCerts }: SocketOptions): Opening {
  const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, offerOf(token)];
  if (caCerts === undefined) {
    return { socket: new WebSocket(url, protocols), [Symbol.dispose]: () => {} };
  }
  // Only Deno can trust other authorities; the rest of the client works elsewhere, too.
  const client = Deno.createHttpClient({ caCerts: [...caCerts] });
  return {
    socket: new WebSocket(url, { protocols, client }),
    [Symbol.dispose]: () => client.close(),
  };
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
  using opening = openSocket(url, options);
  const { socket } = opening;
  const opened = Promise.withResolvers<void>();
  const fail = (reason: string, cause?: ErrorOptions) => {
    const message = `cannot connect to ${url}: ${reason}`;
    opened.reject(new ConnectionError("connection_failed", message, cause));
  };
  socket.onopen = () => {
    // Deno takes whatever the server chooses.
    if (socket.protocol !== "" && socket.protocol !== SUBPROTOCOL) {
      const chosen = JSON.stringify(socket.protocol);
      return fail(`the server chose the subprotocol ${chosen}, which was not offered`);
    }
    onOpen(socket);
    opened.resolve();
  };
  socket.onerror = socket.onclose = (event: Event) => fail(reasonOf(event), causeOf(event));
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
