/**
 * Reads clients' frames without creating objects.
 *
 * Nearly every frame is a request, or an array of requests, in the form that JSON writers give it.
 * One pass over its bytes checks it and notes the positions of ids and data. Other frames go
 * through {@linkcode decodeFrame}, which alone decides what is valid: the pass accepts only frames
 * that `decodeFrame()` accepts, with the same result.
 *
 * @module
 */

import { SENTINEL_LENGTH, SOURCE_MARGIN } from "./conversion.ts";
import { decodeFrame, type ErrorDetails, MAX_BATCH, MAX_ID_LENGTH, type Packet } from "./packet.ts";
import { parseJson } from "./parse_json.ts";
import { convert } from "./representation.ts";
import { canonicalStringEnd, SCAN_MARGIN } from "./string_scan.ts";
import type { AsciiText, RequestReader } from "./wire.ts";

const BRACE_CLOSE = 0x7d;
const BRACE_OPEN = 0x7b;
const BRACKET_CLOSE = 0x5d;
const BRACKET_OPEN = 0x5b;
const COLON = 0x3a;
const COMMA = 0x2c;
const QUOTE = 0x22;

/** From this many UTF-16 units on, `JSON.parse()` is faster if the text has no escapes. */
const LONG = 8192;

/** Up to so many bytes, a loop copies faster than `set()`. */
const SHORT = 256;

/** The most digits of which any are a safe integer. */
const SAFE_DIGITS = 15;

const SPACE = 0x20;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** The numbers per packet: the start and end of its id and of its data. */
const FIELDS = 4;

/** The position of the data of a packet without data. */
const NONE = -1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ID_KEY = encoder.encode('"request_id"');
const DATA_KEY = encoder.encode('"data"');

/** Reads one frame at a time. The next {@linkcode FrameReader.read} overwrites all results. */
export class FrameReader implements RequestReader {
  /** Ids and data as JSON text: ids with their quotes, if any, data without. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #view = new DataView(this.bytes.buffer);
  isAscii = true;
  isAsciiFrame = false;
  count = 0;
  #length = 0;
  #fields = new Int32Array(FIELDS * MAX_BATCH);
  #errors = new Map<number, ErrorDetails>();

  /** Reads a frame. It has at least one packet: an invalid frame counts as an invalid packet. */
  read(text: string): void {
    if (this.#errors.size > 0) this.#errors.clear();
    this.isAsciiFrame = false;
    const isLong = text.length > LONG && text.charCodeAt(0) === BRACE_OPEN && !text.includes("\\");
    if (isLong || !this.#scan(text)) this.#readPlainly(text);
  }

  /** Reads a frame in ASCII. */
  readAscii(frame: AsciiText): void {
    const { bytes, at, length } = frame;
    if (length > LONG && bytes[at] === BRACE_OPEN) {
      this.read(frame.toString());
      this.isAsciiFrame = true;
      return;
    }
    if (this.#errors.size > 0) this.#errors.clear();
    this.#clear();
    this.isAsciiFrame = true;
    this.#reserve(length);
    const own = this.bytes;
    if (length > SHORT) own.set(bytes.subarray(at, at + length));
    else for (let i = 0; i < length; i++) own[i] = bytes[at + i]!;
    this.#length = length;
    if (!this.#scanBytes()) this.#readPlainly(frame.toString());
  }

  readBinary(frame: Uint8Array): void {
    let text: string;
    try {
      text = strictDecoder.decode(frame);
    } catch {
      this.#errors.clear();
      this.#clear();
      const details = { code: "invalid_json", message: "the binary frame is not UTF-8" } as const;
      return this.#notePacket({ request_id: null, error: details }, false);
    }
    this.read(text);
  }

  error(i: number): ErrorDetails | undefined {
    return this.#errors.size > 0 ? this.#errors.get(i) : undefined;
  }

  isCancel(i: number): boolean {
    return this.#fields[FIELDS * i + 2]! === NONE && this.error(i) === undefined;
  }

  idAt(i: number): number {
    return this.#fields[FIELDS * i]!;
  }

  idEnd(i: number): number {
    return this.#fields[FIELDS * i + 1]!;
  }

  idText(i: number): string {
    return decoder.decode(this.bytes.subarray(this.idAt(i), this.idEnd(i)));
  }

  dataAt(i: number): number {
    return this.#fields[FIELDS * i + 2]!;
  }

  dataEnd(i: number): number {
    return this.#fields[FIELDS * i + 3]!;
  }

  dataText(i: number): string {
    if (this.dataAt(i) === NONE) return "";
    const json = decoder.decode(this.bytes.subarray(this.dataAt(i), this.dataEnd(i)));
    return parseJson(`"${json}"`) as string;
  }

  value(_i: number, data: string): () => unknown {
    return () => convert(data);
  }

  /** Reads a frame in the usual form; returns false for any other. */
  #scan(text: string): boolean {
    this.#clear();
    this.#append(text);
    this.isAsciiFrame = this.isAscii;
    if (!this.isAscii && !text.isWellFormed()) return false; // UTF-8 has no lone surrogates
    return this.#scanBytes();
  }

  #scanBytes(): boolean {
    const bytes = this.bytes;
    const end = this.#length;
    bytes[end] = 0; // ends all scans: no string, number or key contains it
    if (bytes[0] !== BRACKET_OPEN) return this.#scanRequest(0) === end;
    let at = 1;
    while (this.count < MAX_BATCH) {
      at = this.#scanRequest(at);
      if (at < 0) return false;
      if (bytes[at] === BRACKET_CLOSE) return at + 1 === end;
      if (bytes[at] !== COMMA) return false;
      at = this.#skipSpace(at + 1);
    }
    return false;
  }

  /** Notes the request at `at`; returns its end, or −1. */
  #scanRequest(at: number): number {
    const bytes = this.bytes;
    if (bytes[at] !== BRACE_OPEN) return -1;
    const idAt = this.#scanKey(at + 1, ID_KEY);
    if (idAt < 0) return -1;
    const idEnd = bytes[idAt] === QUOTE ? this.#scanString(idAt) : this.#scanInteger(idAt);
    if (idEnd < 0 || idEnd - idAt > MAX_ID_LENGTH || idEnd - idAt === 2 && bytes[idAt] === QUOTE) {
      return -1;
    }
    if (bytes[idEnd] !== COMMA) return -1;
    const dataAt = this.#scanKey(this.#skipSpace(idEnd + 1), DATA_KEY);
    if (dataAt < 0 || bytes[dataAt] !== QUOTE) return -1;
    const dataEnd = this.#scanString(dataAt);
    if (dataEnd < 0 || bytes[dataEnd] !== BRACE_CLOSE) return -1;
    this.#note(idAt, idEnd, dataAt + 1, dataEnd - 1);
    return dataEnd + 1;
  }

  /** Returns the start of the value of the member at `at`, or −1 if its name is not `key`. */
  #scanKey(at: number, key: Uint8Array): number {
    const bytes = this.bytes;
    for (let i = 0; i < key.length; i++) {
      if (bytes[at + i] !== key[i]) return -1;
    }
    at += key.length;
    return bytes[at] === COLON ? this.#skipSpace(at + 1) : -1;
  }

  #skipSpace(at: number): number {
    return this.bytes[at] === SPACE ? at + 1 : at;
  }

  /** Returns the end of the string at `at`, or −1 if its text is not in the usual form. */
  #scanString(at: number): number {
    const quote = canonicalStringEnd(this.bytes, this.#view, at + 1);
    return quote < 0 ? -1 : quote + 1;
  }

  #scanInteger(at: number): number {
    const bytes = this.bytes;
    const digitsAt = bytes[at] === MINUS ? at + 1 : at;
    let i = digitsAt;
    while (bytes[i]! >= ZERO && bytes[i]! <= NINE) i++;
    const isPlain = i > digitsAt && i - digitsAt <= SAFE_DIGITS &&
      (bytes[digitsAt] !== ZERO || i - at === 1);
    return isPlain ? i : -1;
  }

  #clear(): void {
    this.#length = 0;
    this.count = 0;
    this.isAscii = true;
  }

  #readPlainly(text: string): void {
    this.#clear();
    // Without a backslash in the frame, its strings need no escapes.
    const isVerbatim = !text.includes("\\") && text.isWellFormed();
    for (const packet of decodeFrame(text)) this.#notePacket(packet, isVerbatim);
  }

  #notePacket(packet: Packet, isVerbatim: boolean): void {
    if ("error" in packet) this.#errors.set(this.count, packet.error);
    const idAt = this.#length;
    this.#append(JSON.stringify(packet.request_id));
    const idEnd = this.#length;
    if (!("data" in packet)) {
      this.#note(idAt, idEnd, NONE, NONE);
    } else if (isVerbatim) {
      this.#append(packet.data);
      this.#note(idAt, idEnd, idEnd, this.#length);
      this.#length += SENTINEL_LENGTH;
    } else {
      this.#append(JSON.stringify(packet.data));
      this.#note(idAt, idEnd, idEnd + 1, this.#length - 1);
      this.#length += SENTINEL_LENGTH;
    }
  }

  #note(idAt: number, idEnd: number, dataAt: number, dataEnd: number): void {
    const field = FIELDS * this.count++;
    this.#fields[field] = idAt;
    this.#fields[field + 1] = idEnd;
    this.#fields[field + 2] = dataAt;
    this.#fields[field + 3] = dataEnd;
  }

  /** Makes room after the bytes in use, also for the bytes that scans read or overwrite. */
  #reserve(length: number): void {
    const most = this.#length + length + SENTINEL_LENGTH + SOURCE_MARGIN + SCAN_MARGIN;
    if (this.bytes.length >= most) return;
    const larger = new Uint8Array(2 * most);
    larger.set(this.bytes.subarray(0, this.#length));
    this.bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  /** Encodes `text` after the bytes in use. */
  #append(text: string): void {
    const at = this.#length;
    this.#reserve(3 * text.length);
    const free = at === 0 ? this.bytes : this.bytes.subarray(at);
    const { written } = encoder.encodeInto(text, free);
    if (written !== text.length) this.isAscii = false;
    this.#length = at + written;
  }
}
