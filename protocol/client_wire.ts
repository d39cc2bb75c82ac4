/**
 * A protocol as clients use it that match answers to requests by their ids.
 *
 * @module
 */

import type { RequestId } from "./packet.ts";
import type { Frame } from "./wire.ts";

/**
 * Takes an answer.
 *
 * @param id null if it has none that a client could have sent.
 * @param error the code of the error, if it is one.
 * @param delay the delay that the server reports, in seconds.
 */
export type OnAnswer = (
  id: RequestId | null,
  error: string | undefined,
  delay: number | undefined,
) => void;

/** Writes requests with numbers for ids. */
export interface RequestWriter {
  /** Returns the frame of `count` requests, numbered from `first`. */
  frame(first: number, count: number): string;
  /** Returns the number of a request by its id; 0 if no request has such an id. */
  numberOf(id: RequestId | null): number;
}

/** Writes requests, and reads answers. */
export interface ClientWire {
  /** The name of the protocol. */
  readonly name: string;
  /** Whether requests can share a frame. */
  readonly hasBatches: boolean;
  /**
   * Returns a writer of requests.
   *
   * @param contents what the requests are made of, used in turn; at least one.
   * @throws {RangeError} if one is wrong.
   */
  requests(contents: readonly string[]): RequestWriter;
  /** Passes on the answers in a frame; returns false if it holds something else. */
  read(frame: Frame, onAnswer: OnAnswer): boolean;
}

/** Returns the number whose decimal digits a text is; 0 if it is not a positive safe integer. */
export function readNumber(text: string): number {
  if (text.length > 15) return 0;
  let number = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9 || number === 0 && digit === 0) return 0;
    number = 10 * number + digit;
  }
  return number;
}
