/**
 * WebSocket frames as bytes (RFC 6455, section 5): their parts, and frames that break the rules on purpose.
 *
 * @module
 */

/** Opcodes (section 5.2). */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Bits of the first two bytes of a frame (section 5.2). */
export const Bits = {
  final: 0x80,
  reserved: 0x70,
  opcode: 0x0f,
  control: 0x08,
  masked: 0x80,
} as const;

/** Longest payload of a control frame, in bytes (section 5.5). */
export const MAX_CONTROL = 125;

/**
 * Leaves a payload as it is. Unpredictable masks keep scripts from sending bytes that a proxy takes for HTTP
 * (section 10.3); programs that send no script's data do not need them.
 */
export const ZERO_MASK: Uint8Array = new Uint8Array(4);

const encoder = new TextEncoder();
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

/** Returns the error for a message that is longer than the limit. */
export function tooLong(size: number): FrameError {
  return new FrameError(1009, `a message has ${size} bytes or more`);
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

/** Returns the bytes of one frame. The header may break the rules. */
export function buildFrame(payload: string | Uint8Array, header: FrameHeader = {}): Uint8Array {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const { first = Bits.final | Opcode.text, mask, length = bytes.length } = header;
  const { lengthSize = lengthSizeOf(length) } = header;
  const frame = new Uint8Array(2 + lengthSize + (mask?.length ?? 0) + bytes.length);
  let at = writeHeader(frame, 0, first, length, lengthSize, mask === undefined ? 0 : Bits.masked);
  if (mask !== undefined) {
    frame.set(mask, at);
    at += mask.length;
  }
  frame.set(bytes, at);
  if (mask !== undefined) bytes.forEach((byte, i) => frame[at + i] = byte ^ mask[i & 3]!);
  return frame;
}

/** Returns how many bytes the extended length of a frame needs (section 5.2). */
export function lengthSizeOf(length: number): 0 | 2 | 8 {
  return length < 126 ? 0 : length < 1 << 16 ? 2 : 8;
}

/** Writes the header of a frame without its mask; returns where it ends. */
export function writeHeader(
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

/** Returns the payload of a Close frame (section 5.5.1); the reason must be under 124 bytes. */
export function closePayload(code: number, reason = ""): Uint8Array {
  return new Uint8Array([code >> 8, code & 0xff, ...encoder.encode(reason)]);
}

/**
 * Reads the payload of a Close frame. Without a status code, the code is 1005 (section 7.1.5).
 *
 * @throws {FrameError} if the status code must not be sent, or if the reason is not UTF-8.
 */
export function parseClose(payload: Uint8Array): { code: number; reason: string } {
  if (payload.length === 0) return { code: 1005, reason: "" };
  if (payload.length === 1) throw new FrameError(1002, "a Close frame has half a status code");
  const code = 256 * payload[0]! + payload[1]!;
  if (!mayBeSent(code)) throw new FrameError(1002, `a Close frame has the status code ${code}`);
  try {
    return { code, reason: strictDecoder.decode(payload.subarray(2)) };
  } catch {
    throw new FrameError(1007, "the reason of a Close frame is not UTF-8");
  }
}

/** The registered codes but 1004 to 1006 and 1015, and those for libraries and programs (section 7.4). */
function mayBeSent(code: number): boolean {
  return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 ||
    code >= 3000 && code <= 4999;
}
