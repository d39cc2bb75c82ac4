/**
 * Protocols of messages: what a program writes to make a server speak another protocol than packets.
 *
 * @module
 */

import type { ErrorDetails, RequestId } from "./packet.ts";

/** A message in a frame of a client. */
export interface Message {
  /**
   * A request is answered, a notification is not. A cancel ends the request with its id; a wrong
   * message is answered with its error.
   */
  readonly kind: "request" | "notification" | "cancel" | "wrong";
  /** The id; null if it has none. */
  readonly id: RequestId | null;
  /** The message, into which rules and templates point. */
  readonly value: unknown;
  /** The text that journals and the patterns of rules see. @default {the value, as JSON if needed} */
  readonly text?: string | undefined;
  /** Why it is wrong, if it is. */
  readonly error?: ErrorDetails;
}

/** A protocol of requests and answers in the messages of a WebSocket. */
export interface Protocol {
  /** The name, for logs. */
  readonly name: string;
  /**
   * Reads a frame into its messages, at least one.
   *
   * @param frame text, or the bytes of a binary frame, which are valid during the call only.
   * @param nth the number of its first request on the connection, from 1.
   */
  read(frame: string | Uint8Array, nth: number): Message[];
  /** Returns the frame that answers a request, or the frame with a result. */
  answer(request: Message): string | Uint8Array;
  /** Returns the frame that answers a request with a result: of a rule, or of a function. */
  result(id: RequestId | null, result: unknown): string | Uint8Array;
  /** Returns the frame that answers a request with an error; undefined if it gets no answer. */
  error(id: RequestId | null, details: ErrorDetails): string | Uint8Array | undefined;
}
