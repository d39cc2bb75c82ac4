import { assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { FakeTime } from "../tests/support/fake_time.ts";
import { AnswerStream, CutOff } from "./answer_stream.ts";

/** A stream with a client that reads when the test calls `read()`. */
function streaming() {
  const events: string[] = [];
  const stream = new AnswerStream(() => events.push("gone"), (reason) => events.push(reason));
  const reader = stream.readable.getReader();
  const read = async () => {
    const { value } = await reader.read();
    return value && new TextDecoder().decode(value);
  };
  return { stream, reader, events, read };
}

const STUCK = "Answers have not been read for 30 s";

Deno.test("AnswerStream passes each answer on at once, and waiting answers together", async () => {
  using time = new FakeTime();
  const { stream, read, events } = streaming();
  const first = read();
  stream.write("one\n");
  assertEquals([await first, stream.waiting], ["one\n", 0]);
  stream.write("two\n");
  stream.write("");
  stream.write("three\n");
  assertEquals(stream.waiting, 10);
  assertEquals([await read(), stream.waiting], ["two\nthree\n", 0]);
  const last = read();
  stream.end();
  stream.write("too late");
  assertEquals([await last, stream.waiting, events, time.timers], [undefined, 0, [], 0]);
});

Deno.test("AnswerStream splits long answers into pieces, but splits no character", async () => {
  using time = new FakeTime();
  const { stream, reader } = streaming();
  const texts = ["a", "é€😀".repeat(30_000), "\ud800", "", "😀".repeat(20_000), "z"];
  for (const text of texts) stream.write(text);
  stream.end();
  const all: number[] = [];
  for (let result; !(result = await reader.read()).done;) {
    assertLessOrEqual(result.value.length, 1 << 16);
    all.push(...result.value);
  }
  assertEquals(new TextDecoder().decode(new Uint8Array(all)), texts.join("").toWellFormed());
  assertEquals([stream.waiting, time.timers], [0, 0]);
});

Deno.test("AnswerStream reports a client that reads nothing for 30 s", async () => {
  using time = new FakeTime();
  const { stream, read, events } = streaming();
  time.pass(60_000); // nothing is unread
  stream.write("x".repeat(200_000));
  for (let i = 0; i < 3; i++) {
    time.pass(29_999);
    await read();
  }
  time.pass(29_999);
  assertEquals(events, []);
  time.pass(1);
  assertEquals(events, [STUCK]);
  stream.cutOff("stuck");
  assertEquals(time.timers, 0);
});

Deno.test("AnswerStream has no deadline when all was read", async () => {
  using time = new FakeTime();
  const { stream, read, events } = streaming();
  stream.write("one\n");
  assertEquals(await read(), "one\n");
  const next = read();
  time.pass(3_600_000);
  stream.write("two\n");
  assertEquals([await next, events, time.timers], ["two\n", [], 0]);
});

Deno.test("AnswerStream drops unread answers when it is cut off", async () => {
  using time = new FakeTime();
  const { stream, reader, events } = streaming();
  stream.write("x".repeat(100_000));
  stream.cutOff("on purpose");
  stream.cutOff("again");
  stream.write("more");
  stream.end();
  assertEquals([stream.waiting, time.timers], [0, 0]);
  const error = await assertRejects(() => reader.read(), CutOff);
  assertEquals([error.message, events], ["on purpose", []]);
});

Deno.test("AnswerStream reports that the client has gone, and drops unread answers", async () => {
  using time = new FakeTime();
  const { stream, reader, events } = streaming();
  stream.write("one\n");
  await reader.cancel();
  stream.write("two\n");
  stream.cutOff("too late");
  stream.end();
  await setImmediate();
  assertEquals([stream.waiting, events, time.timers], [0, ["gone"], 0]);
});
