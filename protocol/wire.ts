/**
 * A protocol as sessions use it: requests are positions in bytes, so that reading and answering them
 * creates no objects.
 *
 * @module
 */

import type { ErrorDetails } from "./packet.ts";

/** Omits the delay from a response. */
export const NO_DELAY = -1;

/** A frame of text, or a binary one. */
export type Frame = string | Uint8Array;

/** A text of ASCII as its bytes, which the next one overwrites. */
export interface AsciiText {
  /** Has the text in it. */
  readonly bytes: Uint8Array;
  /** Where the text starts. */
  readonly at: number;
  readonly length: number;
  toString(): string;
}

/** A response of ASCII as its bytes. */
export interface AsciiResponse extends AsciiText {
  /** A view of the bytes, which ends three bytes after the text or later. */
  readonly view: DataView;
}

/**
 * A response. Those that are an {@linkcode AsciiResponse} share a frame as the elements of an array,
 * with no other change.
 */
export type WrittenResponse = Frame | AsciiResponse;

/** Returns a text of ASCII as a string. */
export function frameOf(frame: Frame | AsciiText): Frame {
  return isAsciiText(frame) ? frame.toString() : frame;
}

/** Whether a frame is a text of ASCII as its bytes. */
export function isAsciiText<T extends AsciiText>(frame: Frame | T): frame is T {
  return typeof frame !== "string" && !(frame instanceof Uint8Array);
}

/** Reads frames, one at a time: the next one overwrites all results. */
export interface RequestReader {
  /** Ids as JSON text, and what their responses are made of. */
  readonly bytes: Uint8Array;
  /** Whether the responses to the requests are ASCII. */
  readonly isAscii: boolean;
  /** Whether the whole frame is known to be ASCII. */
  readonly isAsciiFrame: boolean;
  /** The number of messages in the frame; at least one. */
  readonly count: number;
  /** @param nth the number of the first request in the frame on its connection, from 1. */
  read(frame: string, nth: number): void;
  /** Reads a text frame like `read`, which is called if this method is missing. */
  readAscii?(frame: AsciiText, nth: number): void;
  /** Reads a binary frame, whose bytes are valid during the call only. */
  readBinary(frame: Uint8Array, nth: number): void;
  /** Returns why message `i` is wrong, if it is. */
  error(i: number): ErrorDetails | undefined;
  /** Whether message `i` cancels the request with its id. */
  isCancel(i: number): boolean;
  /** Whether message `i` gets no answer. Without this method, none is. */
  isNotification?(i: number): boolean;
  /** Returns the start of the id of message `i` in {@linkcode RequestReader.bytes}. */
  idAt(i: number): number;
  idEnd(i: number): number;
  /** Returns the id of message `i` as JSON text, `null` if it has none. */
  idText(i: number): string;
  /** Returns the start of its data; it may replace {@linkcode RequestReader.bytes}. */
  dataAt(i: number): number;
  /** Returns the end of the data of message `i`. The two bytes from there on may be overwritten. */
  dataEnd(i: number): number;
  /** Returns message `i` as rules and journals show it; empty if there is nothing to show. */
  dataText(i: number): string;
  /**
   * Returns a function that returns, at any time, what rules look into in message `i`.
   *
   * @param data what {@linkcode RequestReader.dataText} returned.
   */
  value(i: number, data: string): () => unknown;
}

/** Reads requests, and writes answers. Ids are JSON text. */
export interface Wire {
  readonly reader: RequestReader;
  /**
   * Returns the response to a request, which may be valid until the next call only.
   *
   * @param bytes holds the id and the data that the reader noted, or copies of them. Two bytes after
   * the data are overwritten.
   * @param isAscii whether both are ASCII.
   * @param delay in whole milliseconds, or {@linkcode NO_DELAY}.
   */
  response(
    bytes: Uint8Array,
    idAt: number,
    idEnd: number,
    dataAt: number,
    dataEnd: number,
    isAscii: boolean,
    delay: number,
  ): WrittenResponse;
  /** Returns the response to message `i` of the reader, if that needs none of its bytes. */
  responseAtOnce?(i: number): WrittenResponse;
  /** Returns a response with the JSON text of a result; its delay is as in `response`. */
  responseWith(id: string, result: string, delay: number): Frame;
  /** Returns an answer with an error; undefined if it gets no answer. */
  errorAnswer(id: string, details: ErrorDetails): Frame | undefined;
  /** Returns a frame of several answers. */
  frame(answers: readonly string[]): string;
  /** Returns the id of a frame of which only the start was read; `null` if it is not there. */
  peekId(head: string): string;
}
