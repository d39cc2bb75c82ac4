/**
 * JSON-RPC as sessions use it, when each answer has the params of its request.
 *
 * Nearly every frame is one request in the form that JSON writers give it. One pass over its bytes
 * checks it and notes the positions of its id and its params, of which the response is made. Other
 * frames go through the protocol, which alone decides what is valid: the pass accepts only requests
 * that the protocol accepts, with the same id and params.
 *
 * @module
 */

import type { Protocol } from "./message.ts";
import { BINARY, messageWire } from "./message_wire.ts";
import type { ErrorDetails } from "./packet.ts";
import { parseJson } from "./parse_json.ts";
import { canonicalStringEnd, SCAN_MARGIN } from "./string_scan.ts";
import type { AsciiResponse, AsciiText, RequestReader, Wire } from "./wire.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

const NONE = -1;

/** Values in params that stand deeper are for the protocol. */
const MAX_DEPTH = 8;

/** The most digits of which any are a safe integer. */
const SAFE_DIGITS = 15;

/** Longer frames are for the protocol, so that no buffer for them stays, in UTF-16 units. */
const LONG = 1 << 20;

/** Up to so many bytes, a loop copies faster than `set()`. */
const SHORT = 256;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const VERSION_KEY = encoder.encode('"jsonrpc"');
const ID_KEY = encoder.encode('"id"');
const METHOD_KEY = encoder.encode('"method"');
const PARAMS_KEY = encoder.encode('"params"');
const VERSION = encoder.encode('"2.0"');
const LITERALS = ["true", "false", "null"].map((literal) => encoder.encode(literal));

/** Returns JSON-RPC as sessions use it. The results of `protocol` must be the params. */
export function jsonRpcWire(protocol: Protocol): Wire {
  const others = messageWire(protocol);
  const reader = new JsonRpcReader(others.reader);
  return {
    ...others,
    reader,
    responseAtOnce(i) {
      if (!reader.isUsual) return others.responseAtOnce!(i);
      const { bytes, isAscii } = reader;
      const [idAt, idEnd] = [reader.idAt(i), reader.idEnd(i)];
      return writeResponse(bytes, idAt, idEnd, reader.dataAt(i), reader.dataEnd(i), isAscii);
    },
    response(bytes, idAt, idEnd, dataAt, dataEnd, isAscii, delay) {
      const isUsual = dataAt === dataEnd || bytes[dataAt]! > BINARY;
      return isUsual
        ? writeResponse(bytes, idAt, idEnd, dataAt, dataEnd, isAscii)
        : others.response(bytes, idAt, idEnd, dataAt, dataEnd, isAscii, delay);
    },
  };
}

/** Reads the usual requests, and lets another reader read the other frames. */
class JsonRpcReader implements RequestReader {
  readonly #others: RequestReader;
  /** Whether the frame is one request in the usual form. */
  isUsual = false;
  #isAscii = false;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;
  #idAt = NONE;
  #idEnd = NONE;
  #paramsAt = NONE;
  #paramsEnd = NONE;

  constructor(others: RequestReader) {
    this.#others = others;
  }

  get bytes(): Uint8Array {
    return this.isUsual ? this.#bytes : this.#others.bytes;
  }

  get isAscii(): boolean {
    return this.isUsual && this.#isAscii;
  }

  get isAsciiFrame(): boolean {
    return this.isUsual && this.#isAscii;
  }

  get count(): number {
    return this.isUsual ? 1 : this.#others.count;
  }

  read(frame: string, nth: number): void {
    this.isUsual = frame.length <= LONG && this.#scanText(frame);
    if (!this.isUsual) this.#others.read(frame, nth);
  }

  readAscii(frame: AsciiText, nth: number): void {
    this.isUsual = frame.length <= LONG && this.#scanAscii(frame);
    if (!this.isUsual) this.#others.read(frame.toString(), nth);
  }

  readBinary(frame: Uint8Array, nth: number): void {
    this.isUsual = false;
    this.#others.readBinary(frame, nth);
  }

  error(i: number): ErrorDetails | undefined {
    return this.isUsual ? undefined : this.#others.error(i);
  }

  isCancel(i: number): boolean {
    return !this.isUsual && this.#others.isCancel(i);
  }

  isNotification(i: number): boolean {
    return !this.isUsual && this.#others.isNotification!(i);
  }

  idAt(i: number): number {
    return this.isUsual ? this.#idAt : this.#others.idAt(i);
  }

  idEnd(i: number): number {
    return this.isUsual ? this.#idEnd : this.#others.idEnd(i);
  }

  idText(i: number): string {
    return this.isUsual ? this.#text(this.#idAt, this.#idEnd) : this.#others.idText(i);
  }

  dataAt(i: number): number {
    return this.isUsual ? this.#paramsAt : this.#others.dataAt(i);
  }

  dataEnd(i: number): number {
    return this.isUsual ? this.#paramsEnd : this.#others.dataEnd(i);
  }

  dataText(i: number): string {
    if (!this.isUsual) return this.#others.dataText(i);
    return JSON.stringify(parseJson(this.#text(0, this.#end)));
  }

  value(i: number, data: string): () => unknown {
    return this.isUsual ? () => parseJson(data) : this.#others.value(i, data);
  }

  #scanText(frame: string): boolean {
    this.#reserve(3 * frame.length);
    this.#end = encoder.encodeInto(frame, this.#bytes).written;
    this.#isAscii = this.#end === frame.length;
    // UTF-8 has no lone surrogates.
    return (this.#isAscii || frame.isWellFormed()) && this.#scan();
  }

  #scanAscii(frame: AsciiText): boolean {
    const { bytes, at, length } = frame;
    this.#reserve(length);
    const own = this.#bytes;
    if (length > SHORT) own.set(bytes.subarray(at, at + length));
    else for (let i = 0; i < length; i++) own[i] = bytes[at + i]!;
    this.#end = length;
    this.#isAscii = true;
    return this.#scan();
  }

  #text(at: number, end: number): string {
    return decoder.decode(this.#bytes.subarray(at, end));
  }

  #reserve(length: number): void {
    if (length + SCAN_MARGIN <= this.#bytes.length) return;
    this.#bytes = new Uint8Array(2 * (length + SCAN_MARGIN));
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Scans the frame; returns whether it is a request in the usual form. */
  #scan(): boolean {
    const bytes = this.#bytes;
    bytes[this.#end] = 0; // ends all scans: no string, number or key contains it
    if (bytes[0] !== BRACE_OPEN) return false;
    let hasVersion = false;
    let hasMethod = false;
    this.#idAt = this.#paramsAt = this.#paramsEnd = NONE;
    for (let at = 1;;) {
      const nameEnd = this.#endOfString(at);
      if (nameEnd === NONE || bytes[nameEnd] !== COLON) return false;
      const valueAt = this.#skipSpace(nameEnd + 1);
      const end = this.#endOfValue(valueAt, MAX_DEPTH);
      if (end === NONE) return false;
      const first = bytes[valueAt];
      // Of members with the same name, only the last would count.
      if (!hasVersion && this.#has(VERSION_KEY, at, nameEnd)) {
        hasVersion = this.#has(VERSION, valueAt, end);
        if (!hasVersion) return false;
      } else if (this.#idAt === NONE && this.#has(ID_KEY, at, nameEnd)) {
        if (first !== QUOTE && !this.#isSafeInteger(valueAt, end)) return false;
        this.#idAt = valueAt;
        this.#idEnd = end;
      } else if (!hasMethod && this.#has(METHOD_KEY, at, nameEnd)) {
        if (first !== QUOTE) return false;
        hasMethod = true;
      } else if (this.#paramsAt === NONE && this.#has(PARAMS_KEY, at, nameEnd)) {
        if (first !== BRACE_OPEN && first !== BRACKET_OPEN) return false;
        this.#paramsAt = valueAt;
        this.#paramsEnd = end;
      } else {
        return false;
      }
      if (bytes[end] === BRACE_CLOSE && end + 1 === this.#end) break;
      if (bytes[end] !== COMMA) return false;
      at = this.#skipSpace(end + 1);
    }
    if (this.#paramsAt === NONE) this.#paramsAt = this.#paramsEnd = this.#idEnd;
    return hasVersion && hasMethod && this.#idAt !== NONE;
  }

  #has(text: Uint8Array, at: number, end: number): boolean {
    if (end - at !== text.length) return false;
    for (let i = 0; i < text.length; i++) {
      if (this.#bytes[at + i] !== text[i]) return false;
    }
    return true;
  }

  /** Whether a number is an integer that `JSON.stringify()` would write the same. */
  #isSafeInteger(at: number, end: number): boolean {
    const bytes = this.#bytes;
    const digitsAt = bytes[at] === MINUS ? at + 1 : at;
    if (end - digitsAt > SAFE_DIGITS || bytes[digitsAt] === ZERO && end - at > 1) return false;
    for (let i = digitsAt; i < end; i++) {
      if (!isDigit(bytes[i]!)) return false;
    }
    return true;
  }

  #skipSpace(at: number): number {
    return this.#bytes[at] === SPACE ? at + 1 : at;
  }

  /** Returns the end of the value at `at`; −1 if it is not in the usual form. */
  #endOfValue(at: number, depth: number): number {
    const first = this.#bytes[at]!;
    if (first === QUOTE) return this.#endOfString(at);
    if (first === BRACE_OPEN || first === BRACKET_OPEN) return this.#endOfItems(at, depth);
    if (first === MINUS || isDigit(first)) return this.#endOfNumber(at);
    const literal = LITERALS.find((literal) => this.#has(literal, at, at + literal.length));
    return literal === undefined ? NONE : at + literal.length;
  }

  #endOfString(at: number): number {
    if (this.#bytes[at] !== QUOTE) return NONE;
    const quote = canonicalStringEnd(this.#bytes, this.#view, at + 1);
    return quote < 0 ? NONE : quote + 1;
  }

  /** Numbers with an exponent are not in the usual form. */
  #endOfNumber(at: number): number {
    const bytes = this.#bytes;
    const digitsAt = bytes[at] === MINUS ? at + 1 : at;
    let i = this.#endOfDigits(digitsAt);
    if (i === digitsAt || bytes[digitsAt] === ZERO && i > digitsAt + 1) return NONE;
    if (bytes[i] !== DOT) return i;
    const fractionAt = i + 1;
    i = this.#endOfDigits(fractionAt);
    return i === fractionAt ? NONE : i;
  }

  #endOfDigits(at: number): number {
    while (isDigit(this.#bytes[at]!)) at++;
    return at;
  }

  /** Returns the end of the array or object at `at`; −1 if it is not in the usual form. */
  #endOfItems(at: number, depth: number): number {
    if (depth === 0) return NONE;
    const bytes = this.#bytes;
    const isObject = bytes[at] === BRACE_OPEN;
    const close = isObject ? BRACE_CLOSE : BRACKET_CLOSE;
    if (bytes[at + 1] === close) return at + 2;
    for (let i = at + 1;; i = this.#skipSpace(i + 1)) {
      if (isObject) {
        i = this.#endOfString(i);
        if (i === NONE || bytes[i] !== COLON) return NONE;
        i = this.#skipSpace(i + 1);
      }
      i = this.#endOfValue(i, depth - 1);
      if (i === NONE) return NONE;
      if (bytes[i] === close) return i + 1;
      if (bytes[i] !== COMMA) return NONE;
    }
  }
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

const BEFORE_ID = encoder.encode('{"jsonrpc":"2.0","id":');
const BEFORE_RESULT = encoder.encode(',"result":');
const NULL = encoder.encode("null");

let out = new Uint8Array(4096);
let outView = new DataView(out.buffer);

/** The last response, which the next one overwrites. */
const written = {
  at: 0,
  length: 0,
  get bytes(): Uint8Array {
    return out;
  },
  get view(): DataView {
    return outView;
  },
  toString: () => decoder.decode(out.subarray(0, written.length)),
};

function writeResponse(
  bytes: Uint8Array,
  idAt: number,
  idEnd: number,
  dataAt: number,
  dataEnd: number,
  isAscii: boolean,
): string | AsciiResponse {
  const most = BEFORE_ID.length + (idEnd - idAt) + BEFORE_RESULT.length + NULL.length +
    (dataEnd - dataAt) + 1 + SCAN_MARGIN;
  if (out.length < most) {
    out = new Uint8Array(2 * most);
    outView = new DataView(out.buffer);
  }
  let o = copy(BEFORE_ID, 0, BEFORE_ID.length, 0);
  o = copy(bytes, idAt, idEnd, o);
  o = copy(BEFORE_RESULT, 0, BEFORE_RESULT.length, o);
  o = dataAt === dataEnd ? copy(NULL, 0, NULL.length, o) : copy(bytes, dataAt, dataEnd, o);
  out[o++] = BRACE_CLOSE;
  written.length = o;
  return isAscii ? written : written.toString();
}

/** Copies to `o`; returns the end. */
function copy(from: Uint8Array, at: number, end: number, o: number): number {
  if (end - at > SHORT) {
    out.set(from.subarray(at, end), o);
    return o + end - at;
  }
  while (at < end) out[o++] = from[at++]!;
  return o;
}
