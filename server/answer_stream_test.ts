import { assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { FakeTime } from "../tests/support/fake_time.ts";
import { AnswerStream, CutOff } from "./answer_stream.ts";

/** A stream, and a client that reads when a test says so. */
function streaming() {
  const told: string[] = [];
  const stream = new AnswerStream({
    onGone: () => told.push("gone"),
    onStuck: (reason) => told.push(reason),
  });
  const reader = stream.readable.getReader();
  const read = async () => {
    const { value } = await reader.read();
    return value && new TextDecoder().decode(value);
  };
  return { stream, reader, told, read };
}

const STUCK = "Answers have not been read for 30 s";

Deno.test("AnswerStream gives each answer when it comes, and all that waited together", async () => {
  using time = new FakeTime();
  const { stream, read, told } = streaming();
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
  assertEquals([await last, stream.waiting, told, time.timers], [undefined, 0, [], 0]);
});

Deno.test("AnswerStream gives long answers in pieces, and splits no character", async () => {
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

Deno.test("AnswerStream is stuck when a client reads nothing for 30 s", async () => {
  using time = new FakeTime();
  const { stream, read, told } = streaming();
  time.pass(60_000); // nothing waits
  stream.write("x".repeat(200_000));
  for (let i = 0; i < 3; i++) {
    time.pass(29_999);
    await read();
  }
  time.pass(29_999);
  assertEquals(told, []);
  time.pass(1);
  assertEquals(told, [STUCK]);
  stream.cutOff("stuck");
  assertEquals(time.timers, 0);
});

Deno.test("AnswerStream waits for as long as it likes when all was read", async () => {
  using time = new FakeTime();
  const { stream, read, told } = streaming();
  stream.write("one\n");
  assertEquals(await read(), "one\n");
  const next = read();
  time.pass(3_600_000);
  stream.write("two\n");
  assertEquals([await next, told, time.timers], ["two\n", [], 0]);
});

Deno.test("AnswerStream drops what was not read when it is cut off", async () => {
  using time = new FakeTime();
  const { stream, reader, told } = streaming();
  stream.write("x".repeat(100_000));
  stream.cutOff("as asked");
  stream.cutOff("again");
  stream.write("more");
  stream.end();
  assertEquals([stream.waiting, time.timers], [0, 0]);
  const error = await assertRejects(() => reader.read(), CutOff);
  assertEquals([error.message, told], ["as asked", []]);
});

Deno.test("AnswerStream says so when the client has gone, and drops what waits", async () => {
  using time = new FakeTime();
  const { stream, reader, told } = streaming();
  stream.write("one\n");
  await reader.cancel();
  stream.write("two\n");
  stream.cutOff("too late");
  stream.end();
  await setImmediate();
  assertEquals([stream.waiting, told, time.timers], [0, ["gone"], 0]);
});
