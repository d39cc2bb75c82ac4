/**
 * WebSocket connections as scripts of bytes, random from a seed. Some keep to RFC 6455 in unusual ways,
 * others break it.
 *
 * @module
 */

import { encodeFrame, encodeRequest } from "../../protocol.ts";
import { BROKEN_FRAMES, ODD_FRAMES } from "../support/broken_json.ts";
import { plainReplies } from "../support/plain.ts";
import { plainFrames } from "../support/plain_frames.ts";
import { randomIntegers } from "../support/random.ts";
import { buildFrame, type FrameHeader, Opcode, ZERO_MASK } from "../../websocket/frames.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";

/** How a client leaves. */
export type Leaving = "close" | "half-close" | "reset" | "silence";

/** What a client does on a connection. */
export interface Script {
  /** Written first; if it is not empty, the client waits for its answer. */
  readonly handshake: string;
  /** Written after that, one by one: bytes as Latin-1, so that they can be printed. */
  readonly pieces: readonly string[];
  /** How it leaves. A polite client first waits for its answers and sends a Close frame. */
  readonly leaving: Leaving;
  /** Answers that it must get, in any order; undefined for a client that breaks the rules. */
  readonly wanted?: readonly string[];
  /** Status code with which a strict server closes the connection. */
  readonly code?: number;
}

type Random = (limit: number) => number;

const encoder = new TextEncoder();

/** Lengths around which something changes. */
const LENGTHS = [0, 1, 2, 125, 126, 127, 128, 1000, 65_535, 65_536, 65_537];

/** Default limit of a server for a packet, in bytes. */
const MAX_PACKET = 1 << 20;

const BAD_UTF8 = ["\xff", "\x80", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xf4\x90\x80\x80"];

const SMALL_FRAMES = [
  ...BROKEN_FRAMES.map(({ text }) => text),
  ...ODD_FRAMES.map(([, text]) => text),
]
  .filter((text) => text.length < 2000);

/** Returns the script of a seed. */
export function scriptOf(seed: number): Script {
  const random = randomIntegers(seed);
  return random(2) === 0 ? politeScript(random) : rudeScript(random);
}

function politeScript(random: Random): Script {
  const messages = Array.from({ length: random(6) + 1 }, (_, i) => packetsOf(random, i));
  const bytes = messages.map((text) => messageBytes(random, utf8(text))).join("");
  return {
    handshake: upgradeRequest(),
    pieces: cut(random, bytes),
    leaving: "close",
    wanted: messages.flatMap(plainReplies),
  };
}

function rudeScript(random: Random): Script {
  const ways: Leaving[] = ["close", "close", "half-close", "reset", "reset", "silence"];
  const leaving = pick(random, ways);
  const whole = upgradeRequest();
  switch (random(10)) {
    case 0: // no HTTP
      return { handshake: "", pieces: cut(random, noiseOf(random, random(2000))), leaving };
    case 1: // half a handshake
      return { handshake: "", pieces: cut(random, whole.slice(0, random(whole.length))), leaving };
    case 2: // It may still be valid; abortedUpgrades() resets before the answer.
      return { handshake: "", pieces: cut(random, damaged(random, whole)), leaving: "close" };
  }
  const bytes = rudeBytes(random);
  const { code } = plainFrames(bytesOf(bytes), MAX_PACKET);
  const script = { handshake: whole, pieces: cut(random, bytes), leaving };
  return code === undefined ? script : { ...script, code };
}

/** Returns a stream of frames as Latin-1: valid, broken, or no frames at all. */
export function streamOf(random: Random): string {
  switch (random(8)) {
    case 0:
      return noiseOf(random, random(2000));
    case 1:
    case 2:
    case 3:
      return rudeBytes(random);
  }
  const messages = Array.from({ length: random(6) + 1 }, (_, i) => packetsOf(random, i));
  return messages.map((text) => messageBytes(random, utf8(text))).join("");
}

function rudeBytes(random: Random): string {
  let bytes = Array.from({ length: random(8) + 1 }, () => rudeFrame(random)).join("");
  if (random(3) === 0) bytes = damaged(random, bytes);
  if (random(3) === 0) bytes = bytes.slice(0, random(bytes.length));
  return bytes;
}

/** Returns a message: one request, several, or a broken one. `i` makes its ids unique. */
function packetsOf(random: Random, i: number): string {
  const kind = random(4);
  if (kind === 0) {
    const text = pick(random, SMALL_FRAMES);
    // Two of the valid ones may have the same id, so only the first of a script goes as it is.
    const isValid = plainReplies(text).some((reply) => !reply.includes('"error"'));
    return i === 0 || !isValid ? text : encodeRequest(`${i}.odd`, text);
  }
  const lengths = kind === 1 ? LENGTHS : LENGTHS.slice(0, 8); // together, no longer than the limit
  const requests = Array.from({ length: kind === 1 ? 1 : random(20) + 1 }, (_, j) => {
    const text = "😀x".repeat(pick(random, lengths) >> random(8));
    return encodeRequest(`${i}.${j}`, `Hub&&näme&&${text}%%%&&id&&&&${j}`);
  });
  return encodeFrame(requests);
}

/** Returns a message in fragments, some of them empty, with control frames in between. */
function messageBytes(random: Random, content: string): string {
  const parts = random(2) === 0 ? [content] : cut(random, content, true);
  const opcode = random(4) === 0 ? Opcode.binary : Opcode.text;
  return parts.map((part, i) => {
    const isLast = i === parts.length - 1;
    const control = random(4) === 0
      ? frame(random, pick(random, [9, 10]), noiseOf(random, random(126)))
      : "";
    return control + frame(random, i === 0 ? opcode : Opcode.continuation, part, isLast);
  }).join("");
}

/** Returns a frame that breaks the rules, or makes the next one break them. */
function rudeFrame(random: Random): string {
  const length = pick(random, LENGTHS);
  switch (random(11)) {
    case 0: // unknown opcodes, reserved bits
      return oddFrame(random, random(126), { first: random(256), length: random(126) });
    case 1: // without a mask
      return latin1(buildFrame('""'));
    case 2: // a length that is never filled
      return oddFrame(random, 100, { first: 0x82, length: 0x3ffffff });
    case 3: // a length past all numbers
      return oddFrame(random, 100, { first: 0x82, length: 2 ** 63 });
    case 4: // a length in more bytes than it needs
      return oddFrame(random, 2, { lengthSize: 8 });
    case 5: // a control frame in fragments, or too long
      return frame(random, pick(random, [8, 9, 10]), noiseOf(random, length), random(2) === 0);
    case 6: // a Close frame of any content
      return frame(random, Opcode.close, noiseOf(random, random(126)));
    case 7: // text that is not UTF-8
      return frame(random, Opcode.text, `"${pick(random, BAD_UTF8)}"`);
    case 8: // a message within a message, or the rest of none
      return frame(random, pick(random, [0, 1, 2]), noiseOf(random, length), random(2) === 0);
    case 9: // bytes that are no packet
      return messageBytes(random, noiseOf(random, length));
    default:
      return messageBytes(random, utf8(packetsOf(random, random(3))));
  }
}

/** Returns a valid frame from a client as Latin-1; `content` is Latin-1, too. */
export function frame(random: Random, opcode: number, content: string, isLast = true): string {
  const first = (isLast ? 0x80 : 0) | opcode;
  return latin1(buildFrame(bytesOf(content), { first, mask: maskOf(random) }));
}

/** Returns a frame of `count` random bytes with a header that may be wrong. */
function oddFrame(random: Random, count: number, header: FrameHeader): string {
  return latin1(buildFrame(bytesOf(noiseOf(random, count)), { mask: maskOf(random), ...header }));
}

function maskOf(random: Random): Uint8Array {
  return random(4) === 0 ? ZERO_MASK : bytesOf(noiseOf(random, 4));
}

/** Changes, removes or adds a few bytes. */
function damaged(random: Random, text: string): string {
  for (let faults = random(4) + 1; faults > 0; faults--) {
    const at = random(text.length + 1);
    text = text.slice(0, at) + noiseOf(random, random(3)) + text.slice(at + random(3));
  }
  return text;
}

/** Cuts at random places; `withEmpty` keeps empty pieces. */
export function cut(random: Random, text: string, withEmpty = false): string[] {
  const places = Array.from({ length: random(5) }, () => random(text.length + 1));
  const ends = [...places.sort((a, b) => a - b), text.length];
  const pieces = ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end));
  return withEmpty ? pieces : pieces.filter((piece) => piece !== "");
}

function noiseOf(random: Random, length: number): string {
  return latin1(Uint8Array.from({ length }, () => random(256)));
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[random(from.length)]!;
}

function utf8(text: string): string {
  return latin1(encoder.encode(text));
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Returns the bytes of Latin-1. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}
