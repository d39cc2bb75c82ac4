/**
 * Bytes from a peer, and the texts in them.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Buffer for bytes from a peer, seen in three ways. */
export class ReadBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly latin1: Buffer & { latin1Slice(start: number, end: number): string };
  readonly #words: Int32Array;

  /** @param size in bytes, a multiple of 4. */
  constructor(size: number) {
    const buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    // The fastest way to a string of ASCII; the types of Deno lack it.
    this.latin1 = Buffer.from(buffer) as ReadBuffer["latin1"];
    this.#words = new Int32Array(buffer);
  }

  /** Unmasks bytes in place, four at a time; returns whether all are ASCII. */
  unmask(from: number, to: number, mask: number): boolean {
    const { bytes } = this;
    const words = this.#words;
    let seen = 0;
    let at = from;
    for (; at < to && (at & 3) !== 0; at++) {
      seen |= bytes[at]! ^= mask & 0xff;
      mask = (mask >>> 8) | (mask << 24);
    }
    const end = to >> 2;
    for (let i = at >> 2; i < end; i++) seen |= words[i]! ^= mask;
    for (at = Math.max(at, to & ~3); at < to; at++) {
      seen |= bytes[at]! ^= mask & 0xff;
      mask = (mask >>> 8) | (mask << 24);
    }
    return (seen & 0x80808080) === 0;
  }
}

/** A text of ASCII, as its bytes. */
export interface AsciiText {
  readonly bytes: Uint8Array;
  /** Where the text starts. */
  readonly at: number;
  readonly length: number;
  toString(): string;
}

/** A text of ASCII in a buffer. */
class TextInBuffer implements AsciiText {
  bytes: Uint8Array = new Uint8Array();
  at = 0;
  length = 0;
  #latin1: ReadBuffer["latin1"] | undefined;

  set({ bytes, latin1 }: ReadBuffer, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.length = end - at;
    this.#latin1 = latin1;
  }

  toString(): string {
    return this.#latin1!.latin1Slice(this.at, this.at + this.length);
  }
}

/** The text that a decoder passes on; it is valid during that call. */
export const asciiText: TextInBuffer = new TextInBuffer();
