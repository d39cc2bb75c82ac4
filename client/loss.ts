/**
 * Explains how a connection was lost, and decides whether to reconnect.
 *
 * @module
 */

import { ConnectionError, type ErrorFactory } from "./errors.ts";

/**
 * The close codes after which the client does not reconnect.
 *
 * | code             | meaning                                      | another connection      |
 * | ---------------- | -------------------------------------------- | ----------------------- |
 * | none, 1005, 1006 | the server or the network failed             | may succeed             |
 * | 1000             | the server is done for now                   | may succeed             |
 * | 1001             | the server drained, or the client was idle   | may succeed             |
 * | 1002, 1003, 1007 | the client violated the WebSocket protocol   | would end the same way  |
 * | 1008             | the client violated the server's rules       | would end the same way¹ |
 * | 1009             | a message was too long                       | would end the same way¹ |
 * | 1010             | an extension is missing                      | would end the same way  |
 * | 1011             | the server failed                            | may succeed             |
 * | 1012, 1013, 1014 | the server restarts, is busy, is unreachable | may succeed             |
 * | 3000 to 4999     | a code of the application                    | unknown, not tried      |
 *
 * ¹ The client reconnects after all if it has just learned to send shorter frames.
 */
const FINAL_CODES: readonly number[] = [1002, 1003, 1007, 1008, 1009, 1010];

/** The first code of applications. */
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
