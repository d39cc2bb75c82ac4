/**
 * Encoding frames (RFC 6455, section 5.2).
 *
 * @module
 */

import { Bits, lengthSizeOf, Opcode, writeHeader, ZERO_MASK } from "./frames.ts";

/** Size of a buffer for frames, in bytes. */
const BUFFER = 1 << 16;

/** How many buffers are kept for later. */
const MAX_POOL = 64;

/** Buffers that no encoder uses: an idle connection needs none. */
const pool: Uint8Array<ArrayBuffer>[] = [];

/** Up to so many bytes, a loop copies faster than `set()`. */
const SHORT = 256;

const EMPTY = new Uint8Array();

const encoder = new TextEncoder();

/** Collects frames to be written in few pieces. */
export class FrameEncoder {
  readonly #masked: number;
  readonly #maskSize: number;
  /** Pieces before the one below, and how long they are together. */
  #full: Uint8Array<ArrayBuffer>[] = [];
  #fullLength = 0;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  /** The buffer of the bytes that were taken last. */
  #taken: Uint8Array<ArrayBuffer> | undefined;

  /** @param role who writes: a client masks its frames, with {@linkcode ZERO_MASK}. */
  constructor(role: "client" | "server") {
    this.#masked = role === "client" ? Bits.masked : 0;
    this.#maskSize = role === "client" ? ZERO_MASK.length : 0;
  }

  /** How many bytes are to be written. */
  get length(): number {
    return this.#fullLength + this.#length;
  }

  /** Adds a text message. */
  text(text: string): void {
    // Most text is ASCII: then its bytes are in place already, and the header fits before them.
    const guess = this.#headerSize(text.length);
    let bytes = this.#reserve(text.length);
    let at = this.#length + guess;
    let { read, written } = encoder.encodeInto(text, bytes.subarray(at));
    if (read < text.length) {
      bytes = this.#reserve(3 * text.length);
      at = this.#length + guess;
      ({ written } = encoder.encodeInto(text, bytes.subarray(at)));
    }
    const size = this.#headerSize(written);
    if (size !== guess) bytes.copyWithin(this.#length + size, at, at + written);
    this.#header(bytes, Bits.final | Opcode.text, written);
    this.#length += written;
  }

  /** Adds `text[at .. end]`, which is ASCII, as a text message. */
  ascii(text: Uint8Array, at: number, end: number): void {
    const bytes = this.#reserve(end - at);
    this.#header(bytes, Bits.final | Opcode.text, end - at);
    if (end - at > SHORT) {
      bytes.set(text.subarray(at, end), this.#length);
    } else {
      // The loop needs no view, which costs more.
      for (let i = at, to = this.#length; i < end; i++) bytes[to++] = text[i]!;
    }
    this.#length += end - at;
  }

  /** Adds a frame. */
  frame(opcode: number, payload: Uint8Array, isFinal = true): void {
    const bytes = this.#reserve(payload.length);
    this.#header(bytes, (isFinal ? Bits.final : 0) | opcode, payload.length);
    bytes.set(payload, this.#length);
    this.#length += payload.length;
  }

  /** Adds bytes as they are, such as a frame that breaks the rules. */
  raw(frame: Uint8Array): void {
    this.#reserve(frame.length).set(frame, this.#length);
    this.#length += frame.length;
  }

  /** Takes out the bytes that come next, if there are any. Call `release` when they are written. */
  take(): Uint8Array<ArrayBuffer> {
    const full = this.#full.shift();
    if (full === undefined) {
      this.#taken = this.#bytes;
      return this.#end();
    }
    this.#taken = new Uint8Array(full.buffer);
    this.#fullLength -= full.length;
    return full;
  }

  /** Makes the bytes that were taken last available for other frames. */
  release(): void {
    if (this.#taken?.length === BUFFER && pool.length < MAX_POOL) pool.push(this.#taken);
    this.#taken = undefined;
  }

  #headerSize(length: number): number {
    return 2 + lengthSizeOf(length) + this.#maskSize;
  }

  #header(bytes: Uint8Array, first: number, length: number): void {
    const at = writeHeader(bytes, this.#length, first, length, lengthSizeOf(length), this.#masked);
    this.#length = at + this.#maskSize;
    for (let i = at; i < this.#length; i++) bytes[i] = 0;
  }

  /** Returns a buffer with room for a frame: the next one, if the one in use is too full. */
  #reserve(length: number): Uint8Array<ArrayBuffer> {
    const most = 2 + 8 + this.#maskSize + length;
    let bytes = this.#bytes;
    if (bytes === undefined || this.#length + most > bytes.length) {
      if (this.#length > 0) {
        this.#fullLength += this.#length;
        this.#full.push(this.#end());
      }
      bytes = most <= BUFFER ? pool.pop() ?? new Uint8Array(BUFFER) : new Uint8Array(most);
    }
    return this.#bytes = bytes;
  }

  /** Ends the piece in use. */
  #end(): Uint8Array<ArrayBuffer> {
    const piece = (this.#bytes ?? EMPTY).subarray(0, this.#length);
    this.#bytes = undefined;
    this.#length = 0;
    return piece;
  }
}
