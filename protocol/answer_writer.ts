/**
 * Writes the answer to a request: bytes of its id and data in, the answer's JSON text out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { convertBytes, representationBound } from "./conversion.ts";

const BRACE_CLOSE = 0x7d;

const encoder = new TextEncoder();
const BEFORE_ID = encoder.encode('{"request_id":');
const BEFORE_DATA = encoder.encode(',"data":');
const BEFORE_DELAY = encoder.encode(',"delay":');
const DELAY_LENGTH = 24;
const DOT = 0x2e;
const ZERO = 0x30;

/**
 * Leaves the delay out of an answer.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FrameReader, NO_DELAY, responseText } from "@asyncpkt/asyncpkt/protocol";
 *
 * const frame = new FrameReader();
 * frame.read('{"request_id":7,"data":"Hub&&id&&1"}');
 * assertEquals(
 *   responseText(frame.bytes, frame.idAt(0), frame.idEnd(0), frame.dataAt(0), frame.dataEnd(0), frame.isAscii, NO_DELAY),
 *   '{"request_id":7,"data":{"Hub":{"id":"1"}}}',
 * );
 * ```
 */
export const NO_DELAY = -1;

let out = Buffer.allocUnsafeSlow(4096);

/**
 * The JSON text of the response to one request.
 *
 * @param bytes JSON text that holds the id, quotes included, and the data, without its quotes; the two
 * bytes after the data are overwritten.
 * @param isAscii whether it is all ASCII; the text is then had without decoding.
 * @param delay in whole milliseconds, or {@linkcode NO_DELAY}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FrameReader, responseText } from "@asyncpkt/asyncpkt/protocol";
 *
 * const frame = new FrameReader();
 * frame.read('{"request_id":7,"data":"Hub&&id&&1"}');
 * assertEquals(
 *   responseText(frame.bytes, frame.idAt(0), frame.idEnd(0), frame.dataAt(0), frame.dataEnd(0), frame.isAscii, 1500),
 *   '{"request_id":7,"data":{"Hub":{"id":"1"}},"delay":1.5}',
 * );
 * ```
 */
export function responseText(
  bytes: Uint8Array,
  idAt: number,
  idEnd: number,
  dataAt: number,
  dataEnd: number,
  isAscii: boolean,
  delay: number,
): string {
  const most = BEFORE_ID.length + (idEnd - idAt) + BEFORE_DATA.length +
    representationBound(dataEnd - dataAt) + BEFORE_DELAY.length + DELAY_LENGTH + 1;
  if (out.length < most) out = Buffer.allocUnsafeSlow(2 * most);
  let o = write(BEFORE_ID, 0, BEFORE_ID.length, 0);
  o = write(bytes, idAt, idEnd, o);
  o = write(BEFORE_DATA, 0, BEFORE_DATA.length, o);
  o = convertBytes(bytes, dataAt, dataEnd, out, o);
  if (delay !== NO_DELAY) {
    o = write(BEFORE_DELAY, 0, BEFORE_DELAY.length, o);
    o = writeSeconds(delay, o);
  }
  out[o++] = BRACE_CLOSE;
  return textOf(o, isAscii);
}

/** The JSON text of the representation of `bytes[at .. end]`; the two bytes at `end` are overwritten. */
export function representationText(
  bytes: Uint8Array,
  at: number,
  end: number,
  isAscii: boolean,
): string {
  const most = representationBound(end - at);
  if (out.length < most) out = Buffer.allocUnsafeSlow(2 * most);
  return textOf(convertBytes(bytes, at, end, out, 0), isAscii);
}

/** For short texts, Buffer makes a string in half the time that TextDecoder takes. */
function textOf(length: number, isAscii: boolean): string {
  return out.toString(isAscii ? "latin1" : "utf8", 0, length);
}

function write(bytes: Uint8Array, at: number, end: number, o: number): number {
  while (at < end) out[o++] = bytes[at++]!;
  return o;
}

/** Writes milliseconds as seconds, in the form that JSON.stringify gives the number. */
function writeSeconds(milliseconds: number, o: number): number {
  const seconds = Math.floor(milliseconds / 1000);
  let divisor = 1;
  while (divisor * 10 <= seconds) divisor *= 10;
  for (; divisor >= 1; divisor /= 10) out[o++] = ZERO + Math.floor(seconds / divisor) % 10;
  let rest = milliseconds % 1000;
  if (rest > 0) out[o++] = DOT;
  for (let unit = 100; rest > 0; unit /= 10) {
    out[o++] = ZERO + Math.floor(rest / unit);
    rest %= unit;
  }
  return o;
}
