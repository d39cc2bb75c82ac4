/**
 * How a connection has ended, and whether another one could do better.
 *
 * @module
 */

import { ConnectionError, type ErrorFactory } from "./errors.ts";
import { isCloseEvent, isErrorEvent } from "./socket_events.ts";

/**
 * What a Close frame says of the next connection. Whatever is not final is tried again, and 1008 and 1009
 * are as well if the client has just learned to send shorter frames.
 *
 * | code             | the server says                              | another connection          |
 * | ---------------- | -------------------------------------------- | --------------------------- |
 * | none, 1005, 1006 | nothing: it died, or the network did         | may stand                   |
 * | 1000             | that it is done for now                      | may stand                   |
 * | 1001             | that it goes away: drained, or idle too long | is taken, once it is back   |
 * | 1002, 1003, 1007 | that this client does not keep to WebSocket  | would end the same way      |
 * | 1008             | that this client does not keep to its rules  | would end the same way      |
 * | 1009             | that a message was too long                  | would get it again          |
 * | 1010             | that an extension is missing                 | would miss it too           |
 * | 1011             | that it failed                               | may do better               |
 * | 1012, 1013, 1014 | that it restarts, is busy, is not reached    | is what it asks for         |
 * | 3000 to 4999     | something of its own                         | unknown, so not to be tried |
 */
const FINAL_CODES: readonly number[] = [1002, 1003, 1007, 1008, 1009, 1010];

/** From here on, codes are an application's own. */
const OWN_CODES = 3000;

/**
 * What Deno says when the peer does not keep to WebSocket, or sends a frame of 64 MiB or more. It knows
 * no close code 1014, which is no fault.
 */
const BROKEN_RULES =
  /^(Invalid (?!close code)|Reserved bits|Control frame|Ping frame|Frame too large)/;

/** How a connection that stood has ended. */
export interface Loss {
  /** Makes the error that says so. */
  readonly why: ErrorFactory;
  /** The code of the Close frame; 0 if there was none. */
  readonly code: number;
  /** Whether it would end so again. */
  readonly isFinal: boolean;
}

/** What an `error` or `close` says of a connection that stood. */
export function lossOf(event: Event): Loss {
  let reason = "the connection broke";
  let code = 0;
  let isFinal = false;
  if (isErrorEvent(event) && event.message) {
    reason += `: ${event.message}`;
    isFinal = BROKEN_RULES.test(event.message);
  }
  if (isCloseEvent(event) && event.code > 0) {
    code = event.code;
    reason = `the server closed the connection with ${code} ${event.reason}`.trimEnd();
    isFinal = FINAL_CODES.includes(code) || code >= OWN_CODES;
  }
  const why = () => new ConnectionError("connection_lost", reason, causeOf(event));
  return { why, code, isFinal };
}

/** The error within an event, as a cause. */
export function causeOf(event: Event): ErrorOptions {
  return isErrorEvent(event) && event.error ? { cause: event.error } : {};
}
