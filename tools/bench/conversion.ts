/**
 * How long the conversion takes, from a request's text to its response's, beside the plain program.
 *
 * @module
 */

import { NO_DELAY, responseText } from "../../protocol/answer_writer.ts";
import { FrameReader } from "../../protocol/frame_reader.ts";
import { plainAnswer } from "../../tests/support/plain.ts";
import { interleave, type Rounds } from "./statistics.ts";

/** An entity of about 50 characters. */
function entity(i: number): string {
  return `Device${i}&&name&&wqe${i}&&id&&${i}&&room&&kitchen&&state&&on`;
}

function entities(length: number): string {
  let data = entity(0);
  for (let i = 1; data.length < length; i++) data += `%%${entity(i)}`;
  return data;
}

function pairs(count: number, pair: (i: number) => string): string {
  return "E" + Array.from({ length: count }, (_, i) => `&&${pair(i)}`).join("");
}

/** The data of a small packet. */
export const SMALL = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";

/** The data of a packet of 1.1 KB: 20 entities. */
export const MEDIUM = Array.from({ length: 20 }, (_, i) => entity(i)).join("%%");

/** The data of packets by name: each in full, and where it should be linear, at half its size. */
export const DATA: Readonly<Record<string, { full: string; half?: string }>> = {
  "small, 92 characters": { full: SMALL },
  "1.1 KB, 20 entities": { full: MEDIUM },
  "64 KB": { full: entities(65_400), half: entities(32_700) },
  "64K of &": { full: "&".repeat(65_536), half: "&".repeat(32_768) },
  "64K of %": { full: "%".repeat(65_536), half: "%".repeat(32_768) },
  "10,000 distinct names": {
    full: pairs(10_000, (i) => `n${i}&&v`),
    half: pairs(5_000, (i) => `n${i}&&v`),
  },
  "10,000 repeated names": {
    full: pairs(10_000, (i) => `name&&v${i}`),
    half: pairs(5_000, (i) => `name&&v${i}`),
  },
  "64K, everything escaped": {
    full: pairs(4_096, () => `"\n\\\t\u0001"&&"\n\\\t\u0001"`),
    half: pairs(2_048, () => `"\n\\\t\u0001"&&"\n\\\t\u0001"`),
  },
};

const reader = new FrameReader();

/** The response to the one request in `frame`, as the server makes it. */
export function answer(frame: string): string {
  reader.read(frame);
  const { bytes, isAscii } = reader;
  return responseText(
    bytes,
    reader.idAt(0),
    reader.idEnd(0),
    reader.dataAt(0),
    reader.dataEnd(0),
    isAscii,
    NO_DELAY,
  );
}

/** The text of a request. */
export function requestText(data: string): string {
  return JSON.stringify({ request_id: "00000001", data });
}

/** Microseconds a call, over enough calls to be felt by the clock. */
function time(work: () => unknown, calls: number): number {
  const from = performance.now();
  for (let i = 0; i < calls; i++) work();
  return (performance.now() - from) / calls * 1000;
}

/** Measures one kind of data in rounds: `asyncpkt`, `plain`, and where there is a half, `half`. */
export function measureConversion(name: string, rounds: number): Promise<Rounds> {
  const { full, half } = DATA[name]!;
  const frame = requestText(full);
  if (answer(frame) !== plainAnswer(frame)) throw new Error(`${name}: the answers differ`);
  const calls = Math.ceil(2e7 / frame.length);
  const measurements: Record<string, () => number> = {
    asyncpkt: () => time(() => answer(frame), calls),
    plain: () => time(() => plainAnswer(frame), Math.ceil(calls / 8)),
  };
  if (half !== undefined) {
    const halfFrame = requestText(half);
    measurements["half"] = () => time(() => answer(halfFrame), 2 * calls);
  }
  for (const warmUp of Object.values(measurements)) warmUp();
  return interleave(rounds, measurements);
}

/** Converts one kind of data for ever, to be profiled. */
async function convertForEver(name: string): Promise<never> {
  const frame = requestText(DATA[name]!.full);
  while (true) {
    time(() => answer(frame), 1000);
    await new Promise((resolve) => setTimeout(resolve)); // or the profiler would not be heard
  }
}

if (import.meta.main) {
  const [name, rounds] = Deno.args;
  if (rounds === undefined) await convertForEver(name!);
  console.log(JSON.stringify([...await measureConversion(name!, Number(rounds))]));
}
