import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { FakeTime } from "../tests/support/fake_time.ts";
import { Screen } from "../tests/support/screen.ts";
import { BufferedWriter } from "./buffered_writer.ts";

Deno.test("keepBelow() shows lines below the written text, and erases them", async () => {
  await using screen = new Screen(20, 5);
  const { output } = screen;
  let count = 1;
  const status = output.keepBelow(() => [`${count}`, "in flight"]);
  assertEquals(await screen.text(), "1\nin flight");
  count = 2;
  output.write("one\n");
  assertEquals(await screen.text(), "one\n2\nin flight");
  // More than fits: the text scrolls, and none is lost.
  count = 3;
  output.write("two\nthree\nfour\nfive\nsix\n");
  assertEquals(await screen.text(), "one\ntwo\nthree\nfour\nfive\nsix\n3\nin flight");
  output.write("seven\n");
  status[Symbol.dispose]();
  output.write("eight\n");
  assertEquals(await screen.text(), "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight");
});

Deno.test("keepBelow() shows a changing number of lines", async () => {
  await using screen = new Screen(20, 5);
  const { output } = screen;
  let lines: string[] = [];
  using _lines = output.keepBelow(() => lines);
  for (const next of [["a", "b"], ["c"], [], ["d", "e", "f"], ["1", "2", "3", "4", "5", "6"]]) {
    lines = next;
    output.write("x\n");
    // The cursor needs a row.
    const shown = (await screen.text()).split("\n").filter((line) => line !== "x");
    assertEquals(shown, next.slice(0, 4));
  }
});

Deno.test("keepBelow() redraws in place ten times a second", async () => {
  await using screen = new Screen(20, 5);
  let drawn = 0;
  {
    using time = new FakeTime();
    using _lines = screen.output.keepBelow(() => [`${++drawn}`]);
    for (let i = 1; i <= 10; i++) {
      await screen.output.flush();
      assertEquals(drawn, i);
      time.pass(100);
    }
    await screen.output.flush();
    assertEquals(time.timers, 1);
    assert(!screen.written.includes("\x1b[J\x1b[?7l"), "erased before it was drawn over");
  }
  assertEquals(await screen.text(), "");
});

Deno.test("keepBelow() cuts off long lines, even when the size changes", async () => {
  await using screen = new Screen(20, 8);
  const { output } = screen;
  const long = "\x1b[31m" + "0123456789".repeat(3) + "\x1b[39m";
  using _lines = output.keepBelow(() => [long, "end"]);
  output.write("above\n");
  assertEquals((await screen.text()).split("\n").map((line) => line.length), [5, 20, 3]);
  for (const columns of [10, 30, 7]) {
    await screen.resize(columns, 8);
    output.write(`${columns}\n`);
    await output.flush();
  }
  assertEquals(await screen.text(), "above\n10\n30\n7\n0123459\nend");
});

Deno.test("keepBelow() does nothing when the output is not a terminal, or a dumb one", async () => {
  for (const [isTerminal, isDumb] of [[false, false], [false, true], [true, true]] as const) {
    using time = new FakeTime();
    let written = "";
    const output = new BufferedWriter({
      write: (bytes) => Promise.resolve((written += new TextDecoder().decode(bytes), bytes.length)),
      isTerminal: () => isTerminal,
    }, { isDumb });
    assertEquals([output.isTerminal, output.canDraw, output.hasColors], [
      isTerminal,
      false,
      false,
    ]);
    {
      using _lines = output.keepBelow(() => ["x"]);
      output.write("log\n");
      await output.flush();
      assertEquals(time.timers, 0);
    }
    await output.flush();
    assertStrictEquals(written, "log\n");
  }
});

Deno.test("keepBelow() stops drawing when a write fails", async () => {
  using time = new FakeTime();
  let calls = 0;
  const output = new BufferedWriter({
    write: () => (calls++, Promise.reject(new Deno.errors.BrokenPipe())),
    isTerminal: () => true,
  });
  {
    using _lines = output.keepBelow(() => ["x"]);
    await output.flush();
    time.pass(1000);
    await output.flush();
  }
  assertEquals([calls, time.timers, output.broken.aborted], [1, 0, true]);
});
