/**
 * Writes responses: from the bytes of an id and data to JSON text.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { convertBytes, representationBound } from "./conversion.ts";
import { type AsciiResponse, NO_DELAY } from "./wire.ts";

const BRACE_CLOSE = 0x7d;

const encoder = new TextEncoder();
const BEFORE_ID = encoder.encode('{"request_id":');
const BEFORE_DATA = encoder.encode(',"data":');
const BEFORE_DELAY = encoder.encode(',"delay":');
const DELAY_LENGTH = 24;
const DOT = 0x2e;
const ZERO = 0x30;

const decoder = new TextDecoder();

let out = withPrefix(4096);
let outView = new DataView(out.buffer);

/** Bytes after a response that must exist. */
const MARGIN = 3;

/**
 * The same bytes as a Buffer, which makes strings of short ASCII twice as fast as TextDecoder. It
 * loads with the first answer, since that takes milliseconds; browsers have none.
 */
let outAsBuffer: Buffer & { latin1Slice(start: number, end: number): string } | undefined;

/** The last response. */
const written = {
  at: 0,
  length: 0,
  get bytes(): Uint8Array {
    return out;
  },
  get view(): DataView {
    return outView;
  },
  toString: () => textOf(0, written.length, true),
};

/**
 * Returns the JSON text of a response, as its bytes if it is ASCII.
 *
 * @param bytes JSON text of the id, with quotes, and of the data, without quotes. Two bytes after
 * the data are overwritten.
 * @param isAscii whether both are ASCII.
 * @param delay in whole milliseconds, or {@linkcode NO_DELAY}.
 */
export function writeResponse(
  bytes: Uint8Array,
  idAt: number,
  idEnd: number,
  dataAt: number,
  dataEnd: number,
  isAscii: boolean,
  delay: number,
): string | AsciiResponse {
  const most = BEFORE_ID.length + (idEnd - idAt) + BEFORE_DATA.length +
    representationBound(dataEnd - dataAt) + BEFORE_DELAY.length + DELAY_LENGTH + 1;
  makeRoom(most);
  let o = write(bytes, idAt, idEnd, BEFORE_ID.length);
  o = write(BEFORE_DATA, 0, BEFORE_DATA.length, o);
  o = convertBytes(bytes, dataAt, dataEnd, out, o);
  if (delay !== NO_DELAY) {
    o = write(BEFORE_DELAY, 0, BEFORE_DELAY.length, o);
    o = writeSeconds(delay, o);
  }
  out[o++] = BRACE_CLOSE;
  if (!isAscii) return textOf(0, o, false);
  written.length = o;
  return written;
}

/**
 * Returns the JSON text of the representation of `bytes[at .. end]`; overwrites two bytes at `end`.
 */
export function representationText(
  bytes: Uint8Array,
  at: number,
  end: number,
  isAscii: boolean,
): string {
  const start = BEFORE_ID.length;
  makeRoom(start + representationBound(end - at));
  return textOf(start, convertBytes(bytes, at, end, out, start), isAscii);
}

/** Returns a buffer that begins as every response does. */
function withPrefix(length: number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(length);
  buffer.set(BEFORE_ID);
  return buffer;
}

function makeRoom(length: number): void {
  if (out.length >= length + MARGIN) return;
  out = withPrefix(2 * (length + MARGIN));
  outView = new DataView(out.buffer);
  outAsBuffer = undefined;
}

function textOf(at: number, end: number, isAscii: boolean): string {
  outAsBuffer ??= (globalThis as { Buffer?: typeof Buffer }).Buffer
    ?.from(out.buffer) as typeof outAsBuffer;
  return isAscii && outAsBuffer !== undefined
    ? outAsBuffer.latin1Slice(at, end)
    : decoder.decode(out.subarray(at, end));
}

function write(bytes: Uint8Array, at: number, end: number, o: number): number {
  while (at < end) out[o++] = bytes[at++]!;
  return o;
}

/** Writes milliseconds as seconds, in the form of `JSON.stringify()`. */
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
