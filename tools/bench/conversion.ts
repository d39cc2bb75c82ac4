/**
 * How long the conversion takes, from a request's text to its response's, beside the plain program.
 * Arguments: the name of the data, and how many rounds.
 *
 * @module
 */

import { NO_DELAY, responseText } from "../../protocol/answer_writer.ts";
import { FrameReader } from "../../protocol/frame_reader.ts";
import { plainAnswer } from "../../tests/support/plain.ts";
import { interleave, type Rounds } from "./statistics.ts";

/** The data of a packet. */
interface Data {
  readonly full: string;
  /** Half of it, if the time should grow linearly. */
  readonly half?: string;
}

/** Returns an entity of about 50 characters. */
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

function halved(make: (size: number) => string, size: number): Data {
  return { full: make(size), half: make(size / 2) };
}

/** The data of a small packet. */
export const SMALL = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";

/** The data of a packet of 1.1 KB: 20 entities. */
export const MEDIUM = Array.from({ length: 20 }, (_, i) => entity(i)).join("%%");

/** The data of packets by name. */
export const DATA: Readonly<Record<string, Data>> = {
  "small, 92 characters": { full: SMALL },
  "1.1 KB, 20 entities": { full: MEDIUM },
  "64 KB": halved(entities, 65_400),
  "64K of &": halved((length) => "&".repeat(length), 65_536),
  "64K of %": halved((length) => "%".repeat(length), 65_536),
  "10,000 distinct names": halved((count) => pairs(count, (i) => `n${i}&&v`), 10_000),
  "10,000 repeated names": halved((count) => pairs(count, (i) => `name&&v${i}`), 10_000),
  "64K, everything escaped": halved(
    (count) => pairs(count, () => `"\n\\\t\u0001"&&"\n\\\t\u0001"`),
    4_096,
  ),
};

const reader = new FrameReader();

/** Returns the response to the one request in `frame`, as the server makes it. */
export function answer(frame: string): string {
  reader.read(frame);
  return responseText(
    reader.bytes,
    reader.idAt(0),
    reader.idEnd(0),
    reader.dataAt(0),
    reader.dataEnd(0),
    reader.isAscii,
    NO_DELAY,
  );
}

/** Returns the text of a request. */
export function requestText(data: string): string {
  return JSON.stringify({ request_id: "00000001", data });
}

/** Returns microseconds per call. */
function time(work: () => unknown, calls: number): number {
  const from = performance.now();
  for (let i = 0; i < calls; i++) work();
  return (performance.now() - from) / calls * 1000;
}

/** Measures one kind of data in rounds: `asyncpkt`, `plain`, and `half` if there is one. */
function measureConversion(name: string, rounds: number): Promise<Rounds> {
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

if (import.meta.main) {
  const [name, rounds] = Deno.args;
  console.log(JSON.stringify([...await measureConversion(name!, Number(rounds))]));
}
