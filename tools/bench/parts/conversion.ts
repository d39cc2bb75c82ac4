/**
 * How long the conversion takes, from a request's text to its response's, beside the plain program.
 * Arguments as a program: the name of the data, and how many rounds.
 *
 * @module
 */

import { writeResponse } from "../../../protocol/answer_writer.ts";
import { FrameReader } from "../../../protocol/frame_reader.ts";
import { NO_DELAY } from "../../../protocol/wire.ts";
import { output } from "../../../tests/support/machine.ts";
import { plainAnswer } from "../../../tests/support/plain.ts";
import { deno, here, pinned } from "../measure.ts";
import { type Goal, interleave, ratios, type Rounds, type Section, withSpread } from "../report.ts";
import type { Servers } from "../servers.ts";

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
  return String(writeResponse(
    reader.bytes,
    reader.idAt(0),
    reader.idEnd(0),
    reader.dataAt(0),
    reader.dataEnd(0),
    reader.isAscii,
    NO_DELAY,
  ));
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

/** The least speed in relation to the plain program; 1 for other data. */
const SPEEDUPS: Readonly<Record<string, number>> = {
  "small, 92 characters": 6,
  "1.1 KB, 20 entities": 10,
  "64 KB": 8,
};

/** The most that twice the data may cost, relative to the half. */
const MAX_GROWTH = 2.5;

/** Measures each kind of data in a process of its own, so that none is compiled for another. */
export async function measureConversions(_servers: Servers, rounds: number): Promise<Section> {
  const goals: Goal[] = [];
  const rows: string[][] = [];
  for (const name of Object.keys(DATA)) {
    const command = deno(here("parts/conversion.ts"), name, String(rounds));
    const measured: Rounds = new Map(JSON.parse(await output(pinned(0, command))));
    goals.push({
      what: name,
      against: "the plain program's time",
      values: ratios(measured, "plain", "asyncpkt"),
      atLeast: SPEEDUPS[name] ?? 1,
      digits: 1,
    });
    if (measured.has("half")) {
      const values = ratios(measured, "asyncpkt", "half");
      goals.push({ what: name, against: "its half", values, atMost: MAX_GROWTH, unit: "×" });
    }
    rows.push([name, ...["asyncpkt", "plain"].map((of) => withSpread(measured.get(of)!))]);
  }
  return {
    title: "Conversion",
    text:
      "From a request's text to its response's text, in one thread, in microseconds per packet.",
    goals,
    table: { header: ["data", "asyncpkt, µs", "plain, µs"], rows },
  };
}

if (import.meta.main) {
  const [name, rounds] = Deno.args;
  console.log(JSON.stringify([...await measureConversion(name!, Number(rounds))]));
}
