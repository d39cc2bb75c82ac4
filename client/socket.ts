/**
 * Opens a WebSocket, and explains how it was lost.
 *
 * @module
 */

import { SUBPROTOCOL } from "../protocol/packet.ts";
import { offerOf } from "../protocol/token.ts";
import { connectFailure } from "./connect_failure.ts";
import { AbortError, ConnectionError, type ErrorFactory, TimeoutError } from "./errors.ts";

/**
 * Close codes after which the client does not reconnect, as another connection would end the same
 * way: the client violates the WebSocket protocol (1002, 1003, 1007, 1010) or the server's rules
 * (1008), or sends a message that is too long (1009). After 1008 and 1009, it reconnects if it has
 * just learned to send shorter frames.
 */
const FINAL_CODES: readonly number[] = [1002, 1003, 1007, 1008, 1009, 1010];

/** From this code on, codes belong to the application. Their meaning is unknown: they are final. */
const APPLICATION_CODES = 3000;

/**
 * Messages of Deno if the server violates the WebSocket protocol, or sends a frame of 64 MiB or
 * more. Deno rejects the close code 1014, which is valid.
 */
const VIOLATION =
  /^(Invalid (?!close code)|Reserved bits|Control frame|Ping frame|Frame too large)/;

/** Options for {@linkcode connectSocket}. */
export interface SocketOptions {
  /** The longest time to connect, in milliseconds. */
  timeout: number;
  signal?: AbortSignal | undefined;
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

/** The end of an open connection. */
export interface Loss {
  /** Creates the error that reports it. */
  readonly why: ErrorFactory;
  /** The code of the Close frame; 0 without one. */
  readonly code: number;
  /** Whether another connection would end the same way. */
  readonly isFinal: boolean;
}

/** Explains an `error` or `close` event of an open connection. */
export function lossOf(event: Event): Loss {
  // Node 22 has these kinds of events, but not their classes.
  const { message = "", code = 0, reason } = event as Partial<ErrorEvent & CloseEvent>;
  const text = code > 0
    ? `the server closed the connection with ${code} ${reason}`.trimEnd()
    : `the connection broke${message && `: ${message}`}`;
  return {
    why: () => new ConnectionError("connection_lost", text, causeOf(event)),
    code,
    isFinal: code > 0
      ? FINAL_CODES.includes(code) || code >= APPLICATION_CODES
      : VIOLATION.test(message),
  };
}

function causeOf(event: Event): ErrorOptions {
  const { error } = event as Partial<ErrorEvent>;
  return error ? { cause: error } : {};
}
