/**
 * Reads clients' frames without making objects of them.
 *
 * Nearly every frame is one request, or an array of them, in the shape that JSON writers give it. Such a
 * frame is encoded to bytes once and checked in one pass that notes where ids and data are. Any other goes
 * through {@linkcode decodeFrame}, the plain reader, so what is valid is decided there alone: this pass
 * only ever accepts what that one accepts, the same way.
 *
 * @module
 */

import { SENTINEL_LENGTH, SOURCE_MARGIN } from "./conversion.ts";
import { decodeFrame, type ErrorAnswer, MAX_BATCH, MAX_ID_LENGTH, type Packet } from "./packet.ts";
import { canonicalStringEnd, SCAN_MARGIN } from "./string_scan.ts";

const BRACE_CLOSE = 0x7d;
const BRACE_OPEN = 0x7b;
const BRACKET_CLOSE = 0x5d;
const BRACKET_OPEN = 0x5b;
const COLON = 0x3a;
const COMMA = 0x2c;
const QUOTE = 0x22;

/** Past this many UTF-16 units, JSON.parse finds the end of a string sooner, if that has no escapes. */
const LONG = 8192;

/** The most digits that are an integer within ±(2^53 − 1) whatever they are. */
const SAFE_DIGITS = 15;

const SPACE = 0x20;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Numbers kept of each packet: where its id and its data start and end. */
const FIELDS = 4;

/** Stands for the data of a cancel. */
const NONE = -1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ID_KEY = encoder.encode('"request_id"');
const DATA_KEY = encoder.encode('"data"');

/**
 * One frame at a time: {@linkcode FrameReader.read} it, then ask for its packets by index. Everything
 * is overwritten by the next frame.
 */
export class FrameReader {
  /** Ids and data as JSON text: an id with its quotes, if it has any, data without. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #view = new DataView(this.bytes.buffer);
  /** Whether the bytes are ASCII, so that each is one UTF-16 unit. */
  isAscii = true;
  /** Whether the whole frame is known to be ASCII, with what is neither id nor data. */
  isAsciiFrame = false;
  /** How many packets the frame holds. */
  count = 0;
  /** Bytes in use. */
  #length = 0;
  #fields = new Int32Array(FIELDS * MAX_BATCH);
  #errors = new Map<number, ErrorAnswer>();

  /**
   * Reads a frame of text. Whatever it is, there is at least one packet afterwards: a frame that is no
   * packet counts as one that {@linkcode FrameReader.error} speaks of.
   */
  read(text: string): void {
    if (this.#errors.size > 0) this.#errors.clear();
    this.isAsciiFrame = false;
    const isLong = text.length > LONG && text.charCodeAt(0) === BRACE_OPEN && !text.includes("\\");
    if (isLong || !this.#scan(text)) this.#readPlainly(text);
  }

  /** The error that packet `i` is to be answered with, if it is not valid. */
  error(i: number): ErrorAnswer | undefined {
    return this.#errors.size > 0 ? this.#errors.get(i) : undefined;
  }

  /** Whether packet `i` cancels. */
  isCancel(i: number): boolean {
    return this.#fields[FIELDS * i + 2]! === NONE && this.error(i) === undefined;
  }

  /** Where the id of packet `i` starts in {@linkcode FrameReader.bytes}. */
  idAt(i: number): number {
    return this.#fields[FIELDS * i]!;
  }

  /** Where it ends. */
  idEnd(i: number): number {
    return this.#fields[FIELDS * i + 1]!;
  }

  /** The id of packet `i`, as JSON text; `null` where none could be read. */
  idText(i: number): string {
    return decoder.decode(this.bytes.subarray(this.idAt(i), this.idEnd(i)));
  }

  /** Where the data of packet `i` starts. */
  dataAt(i: number): number {
    return this.#fields[FIELDS * i + 2]!;
  }

  /** Where it ends. The two bytes from there on are free to be overwritten. */
  dataEnd(i: number): number {
    return this.#fields[FIELDS * i + 3]!;
  }

  /** The quick way: false if the frame is anything but the common shape. */
  #scan(text: string): boolean {
    this.#length = 0;
    this.count = 0;
    this.isAscii = true;
    this.#append(text);
    this.isAsciiFrame = this.isAscii;
    if (!this.isAscii && !text.isWellFormed()) return false; // UTF-8 has no half of a surrogate pair
    const bytes = this.bytes;
    const end = this.#length;
    bytes[end] = 0; // no scan runs past this: it is in no string and no number, and no key
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

  /** Notes the request at `at`; returns where it ends, or −1. */
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

  /** Returns where the value of the member at `at` starts, or −1 if its key is not `key`. */
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

  /** Returns where the string at `at` ends, or −1 if its text cannot be used as it stands. */
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

  /** The plain way, for any text. */
  #readPlainly(text: string): void {
    this.#length = 0;
    this.count = 0;
    this.isAscii = true;
    // Without a backslash in the frame, no string in it has anything to escape.
    const isVerbatim = !text.includes("\\") && text.isWellFormed();
    for (const packet of decodeFrame(text)) this.#notePacket(packet, isVerbatim);
  }

  #notePacket(packet: Packet, isVerbatim: boolean): void {
    if ("error" in packet) this.#errors.set(this.count, packet);
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

  /** Encodes `text` behind what is there, with room to spare for sentinels and scans. */
  #append(text: string): void {
    const at = this.#length;
    const most = at + 3 * text.length + SENTINEL_LENGTH + SOURCE_MARGIN + SCAN_MARGIN;
    if (this.bytes.length < most) {
      const larger = new Uint8Array(2 * most);
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    const free = at === 0 ? this.bytes : this.bytes.subarray(at);
    const { written } = encoder.encodeInto(text, free);
    if (written !== text.length) this.isAscii = false;
    this.#length = at + written;
  }
}
