/**
 * A plain implementation of reading WebSocket frames, to hold the decoder against: it sees all bytes at
 * once, copies whatever it likes, and shares no code with the decoder.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** What a stream of frames to a server holds. */
export interface PlainFrames {
  /** Such as `text abc` or `ping 12`, in their order; bytes are Latin-1. */
  readonly events: readonly string[];
  /** Status code for a stream that breaks the rules: 1002, 1007 or 1009. */
  readonly code?: number;
  /** Whether the stream ends within the payload of a message, of which a decoder may check what has come. */
  readonly isCut?: boolean;
}

const MAX_SKIPPED = 64 << 20;
const MAX_HEAD = 4096;
const NAMES = ["", "text", "binary", "", "", "", "", "", "close", "ping", "pong"];

/** Describes an event for {@linkcode PlainFrames}. */
export function describeEvent(name: string, content: string | Uint8Array): string {
  return `${name} ${
    typeof content === "string" ? content : Buffer.from(content).toString("latin1")
  }`;
}

/** Reads all frames to a server that skips messages of more than `maxMessage` bytes. */
export function plainFrames(bytes: Uint8Array, maxMessage: number): PlainFrames {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: string[] = [];
  let message:
    | { opcode: number; size: number; content: Uint8Array; isReported: boolean }
    | undefined;
  for (let at = 0; at + 2 <= bytes.length;) {
    const [first, second] = [bytes[at]!, bytes[at + 1]!];
    if ((first & 0x70) !== 0 || second < 0x80) return { events, code: 1002 };
    const short = second & 0x7f;
    const payloadAt = at + 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + 4;
    if (payloadAt > bytes.length) break;
    const length = short < 126
      ? short
      : short === 126
      ? view.getUint16(at + 2)
      : Number(view.getBigUint64(at + 2));
    const isShorter = short === 126 && length < 126 || short === 127 && length < 65_536;
    if (isShorter || length >= 2 ** 63) return { events, code: 1002 };
    const mask = bytes.subarray(payloadAt - 4, payloadAt);
    const payload = bytes.slice(payloadAt, payloadAt + length).map((byte, i) =>
      byte ^ mask[i & 3]!
    );
    const isWhole = payload.length === length;
    const isFinal = first >= 0x80;
    const opcode = first & 0x0f;
    at = payloadAt + length;

    if (opcode >= 8) {
      if (opcode > 10 || !isFinal || length > 125) return { events, code: 1002 };
      if (!isWhole) break;
      events.push(describeEvent(NAMES[opcode]!, payload));
      if (opcode === 8) break;
      continue;
    }
    if (opcode > 2 || (opcode === 0) !== (message !== undefined)) return { events, code: 1002 };
    message ??= { opcode, size: 0, content: new Uint8Array(), isReported: false };
    message.size += length;
    message.content = Buffer.concat([message.content, payload]);
    const isEnd = isWhole && isFinal;
    if (message.size > maxMessage) {
      if (message.size > Math.max(maxMessage, MAX_SKIPPED)) return { events, code: 1009 };
      const head = message.content.subarray(0, MAX_HEAD);
      if (!message.isReported && (isEnd || (head.length === MAX_HEAD && payload.length > 0))) {
        events.push(describeEvent(`too long, ${message.size}:`, head));
        message.isReported = true;
      }
    } else if (!isWhole) {
      return { events, isCut: true };
    } else if (message.opcode === 1) {
      const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      try {
        const text = decoder.decode(message.content, { stream: !isFinal });
        if (isFinal) events.push(describeEvent("text", text));
      } catch {
        return { events, code: 1007 };
      }
    } else if (isFinal) {
      events.push(describeEvent("binary", message.content));
    }
    if (isFinal) message = undefined;
  }
  return { events };
}
