/**
 * Explains how a connection was lost, and decides whether to reconnect.
 *
 * @module
 */

import { ConnectionError, type ErrorFactory } from "./errors.ts";

/**
 * Close codes after which the client does not reconnect, since another connection would end the same
 * way: the client violates the WebSocket protocol (1002, 1003, 1007, 1010) or the server's rules
 * (1008), or sends a message that is too long (1009). After 1008 and 1009, it reconnects if it has
 * just learned to send shorter frames.
 */
const FINAL_CODES: readonly number[] = [1002, 1003, 1007, 1008, 1009, 1010];

/** From this code on, codes belong to the application. Their meaning is unknown, so they are final. */
const APPLICATION_CODES = 3000;

/**
 * Messages of Deno if the server violates the WebSocket protocol, or sends a frame of 64 MiB or
 * more. Deno rejects the close code 1014, which is valid.
 */
const VIOLATION =
  /^(Invalid (?!close code)|Reserved bits|Control frame|Ping frame|Frame too large)/;

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

/** Returns the error in an event as a cause. */
export function causeOf(event: Event): ErrorOptions {
  const { error } = event as Partial<ErrorEvent>;
  return error ? { cause: error } : {};
}
