/**
 * WebSocket frames as bytes (RFC 6455, section 5), for both roles. No I/O.
 *
 * @module
 */

/** Opcodes (section 5.2). */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FINAL = 0x80;
const RESERVED = 0x70;
const OPCODE = 0x0f;
const CONTROL = 0x08;
const MASKED = 0x80;

/** Longest payload of a control frame, in bytes (section 5.5). */
const MAX_CONTROL = 125;

/** Default limit for the bytes of a message. */
const MAX_MESSAGE = 64 << 20;

/**
 * Leaves a payload as it is. Unpredictable masks keep scripts from sending bytes that a proxy takes for HTTP
 * (section 10.3); programs that send no script's data do not need them.
 */
export const ZERO_MASK: Uint8Array = new Uint8Array(4);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes from a peer that break the protocol. */
export class FrameError extends Error {
  override name = "FrameError";
  /** Status code for the Close frame that answers it: 1002, 1007 or 1009 (section 7.4.1). */
  readonly code: number;

  /** @param code status code of a Close frame. */
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Header of a frame. By the defaults it is a whole text message from a server. */
export interface FrameHeader {
  /** First byte: FIN, reserved bits, and opcode. @default {0x81} */
  first?: number;
  /** Four bytes to mask the payload with, as clients must. */
  mask?: Uint8Array;
  /** Length that the header claims. @default {the payload's} */
  length?: number;
  /** Bytes of the extended length: 0, 2 or 8. @default {as few as the length needs} */
  lengthSize?: number;
}

/**
 * Returns the bytes of one frame. The header may break the rules.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { buildFrame, Opcode, ZERO_MASK } from "./frames.ts";
 *
 * assertEquals(buildFrame("hi"), new Uint8Array([0x81, 2, 104, 105]));
 * const ping = buildFrame("", { first: 0x80 | Opcode.ping, mask: ZERO_MASK });
 * assertEquals(ping, new Uint8Array([0x89, 0x80, 0, 0, 0, 0]));
 * ```
 */
export function buildFrame(payload: string | Uint8Array, header: FrameHeader = {}): Uint8Array {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const { first = FINAL | Opcode.text, mask, length = bytes.length } = header;
  const { lengthSize = lengthSizeOf(length) } = header;
  const frame = new Uint8Array(2 + lengthSize + (mask?.length ?? 0) + bytes.length);
  let at = writeHeader(frame, 0, first, length, lengthSize, mask === undefined ? 0 : MASKED);
  if (mask !== undefined) {
    frame.set(mask, at);
    at += mask.length;
  }
  frame.set(bytes, at);
  if (mask !== undefined) applyMask(frame.subarray(at), mask);
  return frame;
}

/** Returns the payload of a Close frame (section 5.5.1). */
export function closePayload(code: number, reason = ""): Uint8Array {
  return new Uint8Array([code >> 8, code & 0xff, ...encoder.encode(reason)]);
}

function lengthSizeOf(length: number): number {
  return length < 126 ? 0 : length < 1 << 16 ? 2 : 8;
}

/** Writes a header without its mask; returns its end. */
function writeHeader(
  bytes: Uint8Array,
  at: number,
  first: number,
  length: number,
  lengthSize: number,
  masked: number,
): number {
  bytes[at] = first;
  bytes[at + 1] = masked | (lengthSize === 0 ? length : lengthSize === 2 ? 126 : 127);
  for (let i = at + 1 + lengthSize, rest = length; i > at + 1; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return at + 2 + lengthSize;
}

/** Masks a payload in place, or unmasks it (section 5.3). */
function applyMask(payload: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i & 3]!;
}

/**
 * Collects frames to be written in one piece.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FrameEncoder } from "./frames.ts";
 *
 * const encoder = new FrameEncoder("server");
 * encoder.text("a");
 * encoder.text("b");
 * assertEquals(encoder.take(), new Uint8Array([0x81, 1, 97, 0x81, 1, 98]));
 * assertEquals(encoder.isEmpty, true);
 * ```
 */
export class FrameEncoder {
  readonly #masked: number;
  readonly #maskSize: number;
  #bytes = new Uint8Array(1 << 16);
  #spare = new Uint8Array(1 << 16);
  #length = 0;

  /** @param role who writes: a client masks its frames, with {@linkcode ZERO_MASK}. */
  constructor(role: "client" | "server") {
    this.#masked = role === "client" ? MASKED : 0;
    this.#maskSize = role === "client" ? ZERO_MASK.length : 0;
  }

  /** Whether there is nothing to write. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Adds a text message. */
  text(text: string): void {
    this.#reserve(3 * text.length);
    // Most text is ASCII: then its bytes are in place already, and the header fits before them.
    const guess = this.#headerSize(text.length);
    const at = this.#length + guess;
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(at));
    const size = this.#headerSize(written);
    if (size !== guess) this.#bytes.copyWithin(this.#length + size, at, at + written);
    this.#header(FINAL | Opcode.text, written);
    this.#length += written;
  }

  /** Adds a frame. */
  frame(opcode: number, payload: Uint8Array, isFinal = true): void {
    this.#reserve(payload.length);
    this.#header((isFinal ? FINAL : 0) | opcode, payload.length);
    this.#bytes.set(payload, this.#length);
    this.#length += payload.length;
  }

  /** Takes the bytes out. They stay as they are until the next call. */
  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length);
    [this.#bytes, this.#spare] = [this.#spare, this.#bytes];
    this.#length = 0;
    return bytes;
  }

  #headerSize(length: number): number {
    return 2 + lengthSizeOf(length) + this.#maskSize;
  }

  #header(first: number, length: number): void {
    const bytes = this.#bytes;
    const at = writeHeader(bytes, this.#length, first, length, lengthSizeOf(length), this.#masked);
    this.#length = at + this.#maskSize;
    bytes.fill(0, at, this.#length);
  }

  #reserve(length: number): void {
    const needed = this.#length + 2 + 8 + this.#maskSize + length;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, needed));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

/** Receives what frames hold. Payloads are only valid during the call. */
export interface FrameHandlers {
  text(text: string): void;
  binary?(payload: Uint8Array): void;
  ping?(payload: Uint8Array): void;
  pong?(payload: Uint8Array): void;
  /** Receives the payload of a Close frame: nothing, or a status code and a reason. */
  close?(payload: Uint8Array): void;
}

/**
 * Decodes frames, however their bytes are cut.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { buildFrame, FrameDecoder } from "./frames.ts";
 *
 * const texts: string[] = [];
 * const decoder = new FrameDecoder("client", { text: (text) => texts.push(text) });
 * for (const byte of buildFrame("hi")) decoder.write(new Uint8Array([byte]));
 * assertEquals(texts, ["hi"]);
 * ```
 */
export class FrameDecoder {
  readonly #masked: number;
  readonly #maskSize: number;
  readonly #maxMessage: number;
  readonly #handlers: FrameHandlers;
  #bytes = new Uint8Array(1 << 16);
  /** The bytes that are not decoded yet. */
  #from = 0;
  #to = 0;
  /** The payloads of a fragmented message, the first opcode of it, and how many bytes they have. */
  #fragments: Uint8Array[] = [];
  #opcode: number = Opcode.continuation;
  #messageSize = 0;

  /**
   * @param role who reads: to a server, frames must come masked; to a client, they must not.
   * @param maxMessage limit for the bytes of a message.
   */
  constructor(role: "client" | "server", handlers: FrameHandlers, maxMessage = MAX_MESSAGE) {
    this.#masked = role === "server" ? MASKED : 0;
    this.#maskSize = role === "server" ? 4 : 0;
    this.#handlers = handlers;
    this.#maxMessage = maxMessage;
  }

  /** Buffer for the bytes that come next; see {@linkcode FrameDecoder.decode}. */
  get space(): Uint8Array {
    return this.#bytes.subarray(this.#to);
  }

  /**
   * Decodes all complete frames, after `count` more bytes have been put into `space`.
   *
   * @throws {FrameError} if the bytes break the protocol. The decoder cannot go on after that.
   */
  decode(count: number): void {
    this.#to += count;
    let missing = 0;
    while (missing === 0 && this.#from < this.#to) missing = this.#decodeFrame();
    this.#makeSpace(missing);
  }

  /**
   * Decodes all complete frames, after these bytes.
   *
   * @throws {FrameError} if the bytes break the protocol.
   */
  write(bytes: Uint8Array): void {
    while (bytes.length > 0) {
      const part = bytes.subarray(0, this.space.length);
      this.space.set(part);
      this.decode(part.length);
      bytes = bytes.subarray(part.length);
    }
  }

  /** Decodes a frame; returns how many bytes are missing. */
  #decodeFrame(): number {
    const bytes = this.#bytes;
    const from = this.#from;
    const available = this.#to - from;
    if (available < 2) return 2 - available;
    const first = bytes[from]!;
    const second = bytes[from + 1]!;
    if (first & RESERVED) throw new FrameError(1002, "a frame has reserved bits set");
    if ((second & MASKED) !== this.#masked) {
      throw new FrameError(1002, `a frame is ${this.#masked ? "not " : ""}masked`);
    }
    let length = second & ~MASKED;
    const lengthSize = length < 126 ? 0 : length === 126 ? 2 : 8;
    const header = 2 + lengthSize + this.#maskSize;
    if (available < header) return header - available;
    if (lengthSize > 0) {
      length = 0;
      for (let i = from + 2; i < from + 2 + lengthSize; i++) length = 256 * length + bytes[i]!;
      if (lengthSizeOf(length) < lengthSize) {
        throw new FrameError(1002, `a frame has its length of ${length} in ${lengthSize} bytes`);
      }
    }
    this.#check(first, length);
    if (available < header + length) return header + length - available;
    const end = from + header + length;
    const payload = bytes.subarray(from + header, end);
    if (this.#masked) applyMask(payload, bytes.subarray(from + header - 4, from + header));
    this.#from = end;
    this.#handle(first & OPCODE, (first & FINAL) !== 0, payload);
    return 0;
  }

  /** Checks a header, before its payload has to be kept. */
  #check(first: number, length: number): void {
    const opcode = first & OPCODE;
    if (opcode & CONTROL) {
      if (opcode > Opcode.pong) throw new FrameError(1002, `a frame has the opcode ${opcode}`);
      if ((first & FINAL) === 0) throw new FrameError(1002, "a control frame is fragmented");
      if (length > MAX_CONTROL) throw new FrameError(1002, `a control frame has ${length} bytes`);
      return;
    }
    if (opcode > Opcode.binary) throw new FrameError(1002, `a frame has the opcode ${opcode}`);
    const isInMessage = this.#opcode !== Opcode.continuation;
    if (isInMessage !== (opcode === Opcode.continuation)) {
      throw new FrameError(1002, "the fragments of a message do not belong together");
    }
    const size = this.#messageSize + length;
    if (size > this.#maxMessage) throw new FrameError(1009, `a message has ${size} bytes or more`);
  }

  #handle(opcode: number, isFinal: boolean, payload: Uint8Array): void {
    const handlers = this.#handlers;
    if (opcode === Opcode.ping) handlers.ping?.(payload);
    else if (opcode === Opcode.pong) handlers.pong?.(payload);
    else if (opcode === Opcode.close) handlers.close?.(payload);
    else if (isFinal && opcode !== Opcode.continuation) this.#deliver(opcode, payload);
    else this.#addFragment(opcode, isFinal, payload);
  }

  #addFragment(opcode: number, isFinal: boolean, payload: Uint8Array): void {
    if (opcode !== Opcode.continuation) this.#opcode = opcode;
    if (payload.length > 0) this.#fragments.push(payload.slice());
    this.#messageSize += payload.length;
    if (!isFinal) return;
    const message = new Uint8Array(this.#messageSize);
    let at = 0;
    for (const fragment of this.#fragments) {
      message.set(fragment, at);
      at += fragment.length;
    }
    const first = this.#opcode;
    this.#fragments = [];
    this.#opcode = Opcode.continuation;
    this.#messageSize = 0;
    this.#deliver(first, message);
  }

  #deliver(opcode: number, message: Uint8Array): void {
    if (opcode === Opcode.text) this.#handlers.text(decodeText(message));
    else this.#handlers.binary?.(message);
  }

  /** Makes room for the missing bytes, and for as many that may come with them. */
  #makeSpace(missing: number): void {
    const left = this.#bytes.subarray(this.#from, this.#to);
    const needed = left.length + Math.max(missing, 1);
    if (this.#to + missing < this.#bytes.length) return;
    if (needed > this.#bytes.length / 2) {
      this.#bytes = new Uint8Array(2 * needed);
      this.#bytes.set(left);
    } else {
      this.#bytes.set(left);
    }
    this.#from = 0;
    this.#to = left.length;
  }
}

/** A lenient decoder is faster; only text with replacement characters may have been invalid. */
function decodeText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return strictDecoder.decode(bytes);
  } catch {
    throw new FrameError(1007, "a text is not UTF-8");
  }
}
