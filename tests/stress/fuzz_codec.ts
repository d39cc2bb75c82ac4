/**
 * The fuzzer over the decoder of WebSocket frames: however a stream is cut, the decoder must find in it
 * what the plain implementation finds, and must not allocate more at a time than its limit.
 *
 * @module
 */

import { FrameDecoder } from "../../websocket/decoder.ts";
import { FrameError } from "../../websocket/frames.ts";
import { describeEvent, type PlainFrames, plainFrames } from "../support/plain_frames.ts";
import { randomIntegers } from "../support/random.ts";
import {
  compare,
  type Finding,
  type FuzzOptions,
  type FuzzResult,
  MAX_FINDINGS,
} from "./fuzz_packets.ts";
import { bytesOf, cut, streamOf } from "./raw_frames.ts";
import { Tally } from "./trial.ts";

/** Limits for a message, in bytes: with small ones, many messages are too long. */
const LIMITS = [0, 100, 5000, 1 << 16, 1 << 20];

/** Largest buffer for bytes that are not decoded yet, in bytes. */
const BUFFER = 1 << 16;

/** Decodes a stream in pieces. */
export type Decode = (pieces: readonly Uint8Array[], maxMessage: number) => PlainFrames;

/** Fuzzes a decoder. */
export function fuzzCodec(
  { seed, duration, rounds = Infinity }: FuzzOptions,
  decode: Decode = decodeFrames,
): FuzzResult {
  const end = performance.now() + duration;
  const findings: Finding[] = [];
  const tally = new Tally();
  let round = 0;
  do {
    const roundSeed = seed + round++;
    const random = randomIntegers(roundSeed);
    const stream = streamOf(random);
    const maxMessage = LIMITS[random(LIMITS.length)]!;
    const bytes = bytesOf(stream);
    const expected = plainFrames(bytes, maxMessage);
    if (expected.code !== undefined) tally.badInputs++;
    const size = 2 ** random(17);
    const few = cut(random, stream).map(bytesOf);
    const many: Uint8Array[] = [];
    for (let at = 0; at < bytes.length;) {
      many.push(bytes.subarray(at, at += random(size) + 1));
    }
    try {
      for (const pieces of [[bytes], few, many]) {
        const { result, largest } = watchAllocations(() => decode(pieces, maxMessage));
        compare(linesOf(expected), linesOf(result, expected.isCut));
        if (largest > Math.max(maxMessage, BUFFER)) throw new Error(`allocated ${largest} bytes`);
      }
    } catch (error) {
      findings.push({ seed: roundSeed, what: String(error), input: { maxMessage, stream } });
    }
  } while (round < rounds && performance.now() < end && findings.length < MAX_FINDINGS);
  return { rounds: round, inputs: round, tally, findings };
}

/** Returns the events and the error. A text that is cut may be found invalid before its end. */
function linesOf({ events, code }: PlainFrames, isCut = false): string[] {
  return code === undefined || isCut && code === 1007 ? [...events] : [...events, `error ${code}`];
}

/** Decodes by the decoder of this project. */
export function decodeFrames(pieces: readonly Uint8Array[], maxMessage: number): PlainFrames {
  const events: string[] = [];
  const add = (name: string) => (content: string | Uint8Array) =>
    void events.push(describeEvent(name, content));
  const decoder = new FrameDecoder("server", {
    onText: add("text"),
    onBinary: add("binary"),
    onPing: add("ping"),
    onPong: add("pong"),
    onClose: add("close"),
    onTooLong: (head, size) => add(`too long, ${size}:`)(head),
  }, maxMessage);
  try {
    for (const piece of pieces) decoder.write(piece);
  } catch (error) {
    if (error instanceof FrameError) return { events, code: error.code };
    throw error;
  }
  return { events };
}

/** Runs `act`; returns its result, and the size of the largest buffer that it made by its size. */
function watchAllocations<T>(act: () => T): { result: T; largest: number } {
  const real = { Uint8Array, ArrayBuffer };
  let largest = 0;
  const watch = <C extends new (...args: never[]) => object>(constructor: C): C =>
    new Proxy(constructor, {
      construct(target, args) {
        if (typeof args[0] === "number") largest = Math.max(largest, args[0]);
        return Reflect.construct(target, args);
      },
    });
  Object.assign(globalThis, {
    Uint8Array: watch(Uint8Array),
    ArrayBuffer: watch(ArrayBuffer),
  });
  try {
    return { result: act(), largest };
  } finally {
    Object.assign(globalThis, real);
  }
}
