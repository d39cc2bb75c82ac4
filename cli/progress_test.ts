import { assertEquals, assertStrictEquals } from "@std/assert";
import { FakeTime } from "../testing/fake_time.ts";
import { Output } from "./output.ts";
import { Progress } from "./progress.ts";

const ERASE = "\r\x1b[2K";

/** Progress, and what it has written to its output. */
function start(isTerminal = true) {
  let text = "";
  const output = new Output({
    write: (bytes) => {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
    isTerminal: () => isTerminal,
  });
  const take = async () => {
    await output.flush();
    const taken = text;
    text = "";
    return taken;
  };
  return { progress: new Progress(output), take };
}

Deno.test("draw() draws a bar, over what it drew before", async () => {
  using time = new FakeTime();
  const { progress, take } = start();
  const cases: [done: number, total: number, bar: string][] = [
    [0, 10, `[${"-".repeat(30)}] 0/10`],
    [5, 10, `[${"#".repeat(15)}${"-".repeat(15)}] 5/10`],
    [10, 10, `[${"#".repeat(30)}] 10/10`],
    [0, 0, `[${"-".repeat(30)}] 0/0`],
  ];
  for (const [done, total, bar] of cases) {
    progress.draw(done, total, "3 in flight");
    assertStrictEquals(await take(), `${ERASE}${bar} 3 in flight`);
    time.pass(100);
  }
});

Deno.test("draw() draws a count where nobody knows the total", async () => {
  using _time = new FakeTime();
  const { progress, take } = start();
  progress.draw(1234, undefined, "7 in flight");
  assertStrictEquals(await take(), `${ERASE}1234 7 in flight`);
});

Deno.test("draw() draws at most every 100 ms", async () => {
  using time = new FakeTime();
  const { progress, take } = start();
  const drawn: string[] = [];
  for (let i = 0; i < 30; i++) {
    progress.draw(i, undefined, "");
    const text = await take();
    if (text !== "") drawn.push(text.replace(ERASE, "").trim());
    time.pass(10);
  }
  assertEquals(drawn, ["0", "10", "20"]);
});

Deno.test("clear() takes away what was drawn, once", async () => {
  using _time = new FakeTime();
  const { progress, take } = start();
  progress.clear();
  assertStrictEquals(await take(), "");
  progress.draw(1, undefined, "");
  progress.clear();
  progress.clear();
  assertStrictEquals(await take(), `${ERASE}1 ${ERASE}`);
  // Taken away or not, it is drawn no more often.
  progress.draw(2, undefined, "");
  assertStrictEquals(await take(), "");
});

Deno.test("Progress does nothing where the output is no terminal", async () => {
  using _time = new FakeTime();
  const { progress, take } = start(false);
  progress.draw(1, 2, "");
  progress.clear();
  assertStrictEquals(await take(), "");
});
