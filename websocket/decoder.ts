/**
 * Decoding frames, and putting fragments together (RFC 6455, sections 5.2 to 5.5). No I/O.
 *
 * @module
 */

import { Bits, FrameError, lengthSizeOf, MAX_CONTROL, Opcode, tooLong } from "./frames.ts";
import { type AsciiText, asciiText, ReadBuffer } from "./read_buffer.ts";

/** Default limit for the bytes of a message, which also ends messages that are skipped. */
const MAX_MESSAGE = 64 << 20;

/** Smallest and largest size of the buffer for bytes that have come, in bytes. */
const MIN_BUFFER = 1 << 8;
const MAX_BUFFER = 1 << 16;

/** After so many small pieces in a row, the buffer shrinks. */
const QUIET = 64;

/** How many bytes of a message that is too long are passed on. */
const HEAD = 1 << 12;

const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Receives what frames hold. Payloads are only valid during the call. */
export interface FrameHandlers {
  onText(text: string): void;
  /** Receives a text of one frame that is ASCII. Without this handler, `onText` does. */
  onAscii?: ((text: AsciiText) => void) | undefined;
  onBinary?(payload: Uint8Array): void;
  onPing?(payload: Uint8Array): void;
  onPong?(payload: Uint8Array): void;
  /** Receives the payload of a Close frame. Whatever comes after it is ignored. */
  onClose?(payload: Uint8Array): void;
  /**
   * A message is longer than the limit: receives up to 4 KiB of its start, and its bytes so far. The rest is
   * skipped. Without this handler, the message ends the connection with 1009.
   */
  onTooLong?(head: Uint8Array, size: number): void;
}

/** Decodes frames, however their bytes are cut. */
export class FrameDecoder {
  readonly #masked: number;
  readonly #maxMessage: number;
  readonly #handlers: FrameHandlers;
  #buffer = new ReadBuffer(MIN_BUFFER);
  /** The bytes that are not decoded yet. */
  #from = 0;
  #to = 0;
  #quiet = 0;
  /** Message whose frames have not all come: undefined between messages. */
  #message: Message | undefined;
  /** Bytes that are missing of the payload of a frame, which goes into the message as it comes. */
  #missing = 0;
  #isFinal = false;
  #mask = 0;
  #isClosed = false;

  /**
   * @param role who reads: to a server, frames must come masked; to a client, they must not.
   * @param maxMessage limit for the bytes of a message.
   */
  constructor(role: "client" | "server", handlers: FrameHandlers, maxMessage = MAX_MESSAGE) {
    this.#masked = role === "server" ? Bits.masked : 0;
    this.#handlers = handlers;
    this.#maxMessage = maxMessage;
  }

  /** Buffer for the bytes that come next; see {@linkcode FrameDecoder.decode}. */
  get space(): Uint8Array {
    const { bytes } = this.#buffer;
    return this.#to === 0 ? bytes : bytes.subarray(this.#to);
  }

  /**
   * Decodes all complete frames, after `count` more bytes have been put into `space`.
   *
   * @throws {FrameError} if the bytes break the protocol. The decoder cannot go on after that.
   */
  decode(count: number): void {
    this.#to += count;
    while (this.#from < this.#to && !this.#isClosed) {
      const hasDecoded = this.#missing > 0 ? this.#takePayload() : this.#decodeFrame();
      if (!hasDecoded) break;
    }
    if (this.#isClosed) this.#from = this.#to;
    this.#makeSpace(count);
  }

  /**
   * Decodes all complete frames, after these bytes.
   *
   * @throws {FrameError} if the bytes break the protocol.
   */
  write(bytes: Uint8Array): void {
    while (bytes.length > 0) {
      const { space } = this;
      const part = bytes.subarray(0, space.length);
      space.set(part);
      this.decode(part.length);
      bytes = bytes.subarray(part.length);
    }
  }

  /** Decodes the frame at the start; returns whether enough of it was there. */
  #decodeFrame(): boolean {
    const { bytes } = this.#buffer;
    const from = this.#from;
    const available = this.#to - from;
    if (available < 2) return false;
    const first = bytes[from]!;
    const second = bytes[from + 1]!;
    if ((first & Bits.reserved) !== 0) throw new FrameError(1002, "a frame has reserved bits set");
    if ((second & Bits.masked) !== this.#masked) {
      throw new FrameError(1002, `a frame is ${this.#masked ? "not " : ""}masked`);
    }
    let length = second & ~Bits.masked;
    const lengthSize = length < 126 ? 0 : length === 126 ? 2 : 8;
    const header = 2 + lengthSize + (this.#masked ? 4 : 0);
    if (available < header) return false;
    if (lengthSize !== 0) length = readLength(bytes, from + 2, lengthSize);
    this.#check(first, length);

    const isWhole = available >= header + length;
    const isControl = (first & Bits.control) !== 0;
    const size = (this.#message?.size ?? 0) + length;
    const mayWait = isControl || (size <= this.#maxMessage && header + length <= bytes.length);
    if (!isWhole && mayWait) return false;
    const start = from + header;
    if (this.#masked) this.#mask = readMask(bytes, start - 4);
    const opcode = first & Bits.opcode;
    this.#isFinal = (first & Bits.final) !== 0;
    if (isControl) {
      this.#from = start + length;
      this.#unmask(start, this.#from);
      this.#handleControl(opcode, bytes.subarray(start, this.#from));
    } else if (
      isWhole && this.#isFinal && this.#message === undefined && length <= this.#maxMessage
    ) {
      this.#from = start + length;
      this.#deliver(opcode, start, this.#from);
    } else {
      this.#message ??= new Message(opcode, this.#maxMessage);
      this.#message.announce(size, this.#handlers);
      this.#from = start;
      this.#missing = length;
      if (length === 0) this.#endFrame();
    }
    return true;
  }

  /** Checks a header, before its payload is taken. */
  #check(first: number, length: number): void {
    const opcode = first & Bits.opcode;
    if ((opcode & Bits.control) !== 0) {
      if (opcode > Opcode.pong) throw new FrameError(1002, `a frame has the opcode ${opcode}`);
      if ((first & Bits.final) === 0) throw new FrameError(1002, "a control frame is fragmented");
      if (length > MAX_CONTROL) throw new FrameError(1002, `a control frame has ${length} bytes`);
      return;
    }
    if (opcode > Opcode.binary) throw new FrameError(1002, `a frame has the opcode ${opcode}`);
    if ((this.#message !== undefined) !== (opcode === Opcode.continuation)) {
      throw new FrameError(1002, "the fragments of a message do not belong together");
    }
  }

  #handleControl(opcode: number, payload: Uint8Array): void {
    if (opcode === Opcode.ping) this.#handlers.onPing?.(payload);
    else if (opcode === Opcode.pong) this.#handlers.onPong?.(payload);
    else {
      this.#isClosed = true;
      this.#handlers.onClose?.(payload);
    }
  }

  /** Delivers a message that is one whole frame: the usual case, without copies. */
  #deliver(opcode: number, start: number, end: number): void {
    const isAscii = this.#unmask(start, end);
    if (opcode === Opcode.binary) {
      this.#handlers.onBinary?.(this.#buffer.bytes.subarray(start, end));
    } else if (isAscii && this.#handlers.onAscii !== undefined) {
      asciiText.set(this.#buffer, start, end);
      this.#handlers.onAscii(asciiText);
    } else if (isAscii) {
      this.#handlers.onText(this.#buffer.latin1.latin1Slice(start, end));
    } else {
      this.#handlers.onText(decodeText(this.#buffer.bytes.subarray(start, end)));
    }
  }

  /** Moves what has come of a frame's payload into the message. */
  #takePayload(): boolean {
    const from = this.#from;
    const count = Math.min(this.#missing, this.#to - from);
    this.#unmask(from, from + count);
    // The next part of the payload begins with another byte of the mask.
    const turn = 8 * (count & 3);
    if (turn > 0) this.#mask = (this.#mask >>> turn) | (this.#mask << (32 - turn));
    this.#message!.add(this.#buffer.bytes.subarray(from, from + count), this.#handlers);
    this.#from += count;
    this.#missing -= count;
    if (this.#missing === 0) this.#endFrame();
    return true;
  }

  #endFrame(): void {
    if (!this.#isFinal) return;
    const message = this.#message!;
    this.#message = undefined;
    message.end(this.#handlers);
  }

  /** Unmasks bytes in place (section 5.3); returns whether all are ASCII. */
  #unmask(from: number, to: number): boolean {
    return this.#buffer.unmask(from, to, this.#masked ? this.#mask : 0);
  }

  /** Makes room for more; the size of the buffer follows what comes. */
  #makeSpace(count: number): void {
    const { bytes } = this.#buffer;
    const left = this.#to - this.#from;
    const wasFull = this.#to === bytes.length;
    this.#quiet = 8 * count < bytes.length ? this.#quiet + 1 : 0;
    let size = bytes.length;
    if (wasFull && count > size / 2) size = Math.min(4 * size, MAX_BUFFER);
    else if (this.#quiet >= QUIET && left < MIN_BUFFER) size = MIN_BUFFER;
    if (size !== bytes.length) {
      this.#buffer = new ReadBuffer(size);
      this.#quiet = 0;
    }
    if (left > 0 && (this.#from > 0 || size !== bytes.length)) {
      this.#buffer.bytes.set(bytes.subarray(this.#from, this.#to));
    }
    this.#from = 0;
    this.#to = left;
  }
}

/** A message that comes in more than one piece. It takes no more memory than twice what has come of it. */
class Message {
  readonly #opcode: number;
  readonly #max: number;
  /** Checks a text as it comes (section 8.1). */
  readonly #validator: TextDecoder | undefined;
  #bytes = new Uint8Array(MIN_BUFFER);
  #length = 0;
  #size = 0;
  #isTooLong = false;
  #isReported = false;

  constructor(opcode: number, max: number) {
    this.#opcode = opcode;
    this.#max = max;
    this.#validator = opcode === Opcode.text
      ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      : undefined;
  }

  /** Bytes of the frames whose headers have come. */
  get size(): number {
    return this.#size;
  }

  /**
   * Learns the size that the message has with its next frame, before the payload of that comes.
   *
   * @throws {FrameError} if the message gets too long.
   */
  announce(size: number, { onTooLong }: FrameHandlers): void {
    this.#size = size;
    if (size <= this.#max) return;
    this.#isTooLong = true;
    if (onTooLong === undefined || size > Math.max(this.#max, MAX_MESSAGE)) {
      throw tooLong(size);
    }
    this.#length = Math.min(this.#length, HEAD);
    this.#resize(this.#length);
  }

  /** @throws {FrameError} if a text is not UTF-8. */
  add(payload: Uint8Array, handlers: FrameHandlers): void {
    if (this.#isTooLong) {
      this.#append(payload.subarray(0, HEAD - this.#length));
      if (this.#length === HEAD) this.#report(handlers);
      return;
    }
    try {
      this.#validator?.decode(payload, { stream: true });
    } catch {
      throw notUtf8();
    }
    this.#append(payload);
  }

  /** @throws {FrameError} if a text is not UTF-8. */
  end(handlers: FrameHandlers): void {
    const bytes = this.#bytes.subarray(0, this.#length);
    if (this.#isTooLong) this.#report(handlers);
    else if (this.#opcode === Opcode.text) handlers.onText(decodeText(bytes));
    else handlers.onBinary?.(bytes);
  }

  #report(handlers: FrameHandlers): void {
    if (!this.#isReported) handlers.onTooLong!(this.#bytes.subarray(0, this.#length), this.#size);
    this.#isReported = true;
  }

  #append(payload: Uint8Array): void {
    const needed = this.#length + payload.length;
    if (needed > this.#bytes.length) {
      this.#resize(Math.max(Math.min(2 * this.#bytes.length, this.#max), needed));
    }
    this.#bytes.set(payload, this.#length);
    this.#length = needed;
  }

  /** Frees the old bytes at once; garbage of many messages would wait for the collector. */
  #resize(size: number): void {
    this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(size));
  }
}

/** @throws {FrameError} if the length is not written in as few bytes as it needs. */
function readLength(bytes: Uint8Array, at: number, size: 2 | 8): number {
  if (size === 8 && bytes[at]! >= 0x80) {
    throw new FrameError(1002, "a length has its first bit set");
  }
  let length = 0;
  for (let i = at; i < at + size; i++) length = 256 * length + bytes[i]!;
  if (lengthSizeOf(length) < size) {
    throw new FrameError(1002, `a frame has its length of ${length} in ${size} bytes`);
  }
  return length;
}

/** Returns a mask as a number whose lowest byte is the next byte of the mask. */
function readMask(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
}

/** A lenient decoder is faster; only text with replacement characters may have been invalid. */
function decodeText(bytes: Uint8Array): string {
  const text = lenientDecoder.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return strictDecoder.decode(bytes);
  } catch {
    throw notUtf8();
  }
}

function notUtf8(): FrameError {
  return new FrameError(1007, "a text is not UTF-8");
}
