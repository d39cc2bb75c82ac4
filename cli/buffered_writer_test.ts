import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { FakeTime } from "../tests/support/fake_time.ts";
import { BufferedWriter, type Sink } from "./buffered_writer.ts";

const decoder = new TextDecoder();

/** Keeps the text of each write, of which it accepts `most` bytes. */
class TestSink implements Sink {
  readonly writes: string[] = [];
  readonly #most: number;

  constructor(most = Infinity) {
    this.#most = most;
  }

  write(bytes: Uint8Array): Promise<number> {
    const taken = Math.min(bytes.length, this.#most);
    this.writes.push(decoder.decode(bytes.slice(0, taken)));
    return Promise.resolve(taken);
  }

  isTerminal(): boolean {
    return false;
  }
}

/** A slow sink: the test ends each write. */
class SlowSink extends TestSink {
  readonly #waiting: (() => void)[] = [];

  override async write(bytes: Uint8Array): Promise<number> {
    const taken = super.write(bytes);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return taken;
  }

  endWrite(): void {
    this.#waiting.shift()!();
  }
}

/** Runs all pending microtasks. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("write() buffers text for 10 ms", async () => {
  using time = new FakeTime();
  const sink = new TestSink();
  const output = new BufferedWriter(sink);
  output.write("one\n");
  output.write("two\n");
  time.pass(9);
  await settled();
  assertEquals(sink.writes, []);
  time.pass(1);
  await settled();
  assertEquals(sink.writes, ["one\ntwo\n"]);
  output.write("three\n");
  time.pass(10);
  await settled();
  assertEquals(sink.writes, ["one\ntwo\n", "three\n"]);
  assertStrictEquals(time.timers, 0);
});

Deno.test("write() writes a large text at once", async () => {
  using time = new FakeTime();
  const sink = new TestSink();
  const output = new BufferedWriter(sink);
  output.write("x".repeat(65_535));
  assertEquals(sink.writes, []);
  assert(!output.isBehind);
  output.write("y");
  await settled();
  assertEquals(sink.writes.map((text) => text.length), [65_536]);
  assertStrictEquals(time.timers, 0);
});

Deno.test("flush() resolves when all is written, and leaves no timer", async () => {
  using time = new FakeTime();
  const sink = new SlowSink();
  const output = new BufferedWriter(sink);
  await output.flush();
  output.write("one");
  let isFlushed = false;
  void output.flush().then(() => isFlushed = true);
  assertStrictEquals(time.timers, 0);
  output.write("two");
  await settled();
  assert(!isFlushed);
  sink.endWrite();
  await settled();
  assert(!isFlushed);
  assertEquals(sink.writes, ["one", "two"]);
  sink.endWrite();
  await settled();
  assert(isFlushed);
  assertStrictEquals(time.timers, 0);
});

Deno.test("write() keeps the order when a write is in progress", async () => {
  using time = new FakeTime();
  const sink = new SlowSink();
  const output = new BufferedWriter(sink);
  output.write("a");
  time.pass(10);
  for (const text of ["b", "c", "d"]) output.write(text);
  await settled();
  assertEquals(sink.writes, ["a"]);
  sink.endWrite();
  await settled();
  assertEquals(sink.writes, ["a", "bcd"]);
  sink.endWrite();
  await settled();
});

Deno.test("write() writes the text when another write has just ended", async () => {
  // Microtasks between the end of one write and the next.
  for (let turns = 0; turns < 8; turns++) {
    using time = new FakeTime();
    const sink = new SlowSink();
    const output = new BufferedWriter(sink);
    output.write("one");
    time.pass(10);
    sink.endWrite();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    output.write("two");
    await settled();
    time.pass(10);
    await settled();
    assertEquals(sink.writes, ["one", "two"], `after ${turns} turns`);
    sink.endWrite();
    await settled();
  }
});

Deno.test("isBehind is true when the reader is slow", async () => {
  const sink = new SlowSink();
  const output = new BufferedWriter(sink);
  output.write("x".repeat(65_536));
  assert(!output.isBehind);
  output.write("x".repeat(65_535));
  assert(!output.isBehind);
  output.write("x");
  assert(output.isBehind);
  sink.endWrite();
  await settled();
  assert(!output.isBehind);
  sink.endWrite();
  await output.flush();
});

Deno.test("flush() writes everything when the stream accepts two bytes at a time", async () => {
  const all: number[] = [];
  const output = new BufferedWriter({
    write: (bytes) => {
      all.push(...bytes.slice(0, 2));
      return Promise.resolve(Math.min(bytes.length, 2));
    },
    isTerminal: () => false,
  });
  output.write("é€😀, one\n");
  output.write("two");
  await output.flush();
  assertStrictEquals(decoder.decode(Uint8Array.from(all)), "é€😀, one\ntwo");
});

Deno.test("BufferedWriter drops later text, and does not throw, when a write fails", async () => {
  const full = new Error("No space left on device (os error 28)");
  const gone = new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
  for (const [error, failure] of [[full, full], [gone, undefined]] as const) {
    for (const isThrown of [true, false]) {
      using time = new FakeTime();
      let writes = 0;
      const output = new BufferedWriter({
        write: () => {
          writes++;
          if (isThrown) throw error;
          return Promise.reject(error);
        },
        isTerminal: () => false,
      });
      let reason: unknown;
      output.broken.addEventListener("abort", () => reason = output.broken.reason);
      assert(!output.broken.aborted);
      assertStrictEquals(output.failure, undefined);
      output.write("x".repeat(100_000));
      await settled();
      assert(output.broken.aborted);
      assert(!output.isBehind);
      assertStrictEquals(reason, error);
      assertStrictEquals(output.failure, failure);
      output.write("more");
      await output.flush();
      assertStrictEquals(writes, 1);
      assertStrictEquals(time.timers, 0);
    }
  }
});

Deno.test("writeLine() escapes control characters on a terminal only", async () => {
  for (const isTerminal of [true, false]) {
    const sink = new TestSink();
    const output = new BufferedWriter({
      write: (bytes) => sink.write(bytes),
      isTerminal: () => isTerminal,
    });
    output.writeLine("a\x1b[2J\u200b");
    await output.flush();
    assertEquals(sink.writes, [isTerminal ? "a\\u001b[2J\\u200b\n" : "a\x1b[2J\u200b\n"]);
  }
});

Deno.test("isTerminal is that of the sink", () => {
  for (const isTerminal of [true, false]) {
    const sink = { write: () => Promise.resolve(0), isTerminal: () => isTerminal };
    assertStrictEquals(new BufferedWriter(sink).isTerminal, isTerminal);
  }
});

Deno.test("write() drops text, and reports how much, when the reader does not read", async () => {
  const sink = new SlowSink();
  const output = new BufferedWriter(sink);
  output.write("first\n");
  const flushed = output.flush();
  const large = "x".repeat(1 << 26);
  output.write(large);
  output.write("lost\n");
  output.write("lost too\n");
  sink.endWrite();
  await settled();
  output.write("last\n");
  sink.endWrite();
  await settled();
  sink.endWrite();
  await flushed;
  assertEquals(sink.writes.map((text) => text.length < 100 ? text : text.length), [
    "first\n",
    large.length,
    "(2 lines dropped: not read in time)\nlast\n",
  ]);
});
