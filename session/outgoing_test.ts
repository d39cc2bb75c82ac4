import { assert, assertEquals } from "@std/assert";
import { packetWire } from "../protocol/packet_wire.ts";
import type { AsciiResponse } from "../protocol/wire.ts";
import type { Carrier, SessionContext } from "./context.ts";
import { Outgoing } from "./outgoing.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The answers of a session, by default in shared frames, whose carrier takes bytes or does not. */
function outgoing(takesBytes: boolean, batched = true) {
  const frames: string[] = [];
  const carrier: Carrier = { send: (frame) => void frames.push(frame) };
  const sendAscii = (bytes: Uint8Array, at: number, end: number) =>
    void frames.push(decoder.decode(bytes.subarray(at, end)));
  const context = { counters: { bytesOut: 0 }, wire: packetWire(), unsent: [] as unknown[] };
  const answers = new Outgoing(
    context as unknown as SessionContext,
    takesBytes ? { ...carrier, sendAscii } : carrier,
    batched,
  );
  return { answers, frames, context };
}

function asciiText(text: string): AsciiResponse {
  const bytes = encoder.encode(`before${text}after`);
  return {
    bytes,
    view: new DataView(bytes.buffer),
    at: 6,
    length: text.length,
    toString: () => text,
  };
}

Deno.test("a carrier that takes bytes gets the same frames as one that takes strings", () => {
  const table: [name: string, answers: string[]][] = [
    ["none", []],
    ["one", ["1"]],
    ["ASCII only", ["1", "22", "3".repeat(300)]],
    ["not ASCII first", ["ü", "2", "3"]],
    ["not ASCII last", ["1", "2", "ü"]],
    ["not ASCII between", ["1", "ü", "3", "ä", "5"]],
    ["more than a buffer", Array.from({ length: 1000 }, (_, i) => `${i}`.repeat(50))],
  ];
  const [bytes, strings] = [outgoing(true), outgoing(false)];
  for (const [name, texts] of table) {
    for (const { answers } of [bytes, strings]) {
      for (const text of texts) {
        const isAscii = !/[^ -~]/.test(text);
        answers.answer(isAscii ? asciiText(text) : text, isAscii);
      }
      answers.flush();
    }
    assertEquals(bytes.frames, strings.frames, name);
  }
  assertEquals(bytes.context.counters, strings.context.counters);
  assertEquals(bytes.context.unsent.length, strings.context.unsent.length);
});

Deno.test("a shared frame of bytes has at most 64 KiB", () => {
  const { answers, frames } = outgoing(true);
  const text = asciiText("1".repeat(25_000));
  for (let i = 0; i < 5; i++) answers.answer(text, true);
  answers.flush();
  assertEquals(frames.map((frame) => JSON.parse(`[${frame}]`).flat().length), [2, 2, 1]);
  assert(frames.every((frame) => frame.length < 1 << 16));
});

Deno.test("clear() forgets answers", () => {
  const { answers, frames } = outgoing(true);
  answers.answer(asciiText("1"), true);
  answers.clear();
  answers.answer(asciiText("2"), true);
  answers.flush();
  assertEquals(frames, ["2"]);
});

Deno.test("in plain mode, each answer is a frame", () => {
  for (const takesBytes of [true, false]) {
    const { answers, frames, context } = outgoing(takesBytes, false);
    answers.answer(asciiText("1"), true);
    answers.answer("ü", false);
    assertEquals([frames, context.counters.bytesOut], [["1", "ü"], 3]);
  }
});

Deno.test("answers that are not ASCII share frames of at most 2^16 units", () => {
  const { answers, frames } = outgoing(true);
  const long = "ü".repeat(40_000);
  for (const text of [long, long, "ä", "ö"]) answers.answer(text, false);
  answers.flush();
  assertEquals(frames, [long, `[${long},ä,ö]`]);
});

Deno.test("a carrier that cannot inject a fault sends the answer as usual", () => {
  const { answers, frames } = outgoing(false);
  answers.sendFaulty("split", "1", true);
  answers.answer("2", true);
  answers.flush();
  assertEquals(frames, ["[1,2]"]);
});
