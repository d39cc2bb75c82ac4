import { assertEquals } from "@std/assert";
import { FakeTime } from "../../tests/support/fake_time.ts";
import { Batch } from "./batch.ts";

Deno.test("Batch passes on items together at the next moment, in order", () => {
  using time = new FakeTime();
  const sent: number[][] = [];
  const batch = new Batch<number>((items) => sent.push(items));
  batch.add(1);
  batch.add(2);
  assertEquals([sent, time.timers], [[], 1]);
  time.pass(100);
  assertEquals([sent, time.timers], [[[1, 2]], 0]);
  batch.add(3);
  time.pass(100);
  assertEquals(sent, [[1, 2], [3]]);
});

Deno.test("Batch.flush() passes on items at once and stops the timer", () => {
  using time = new FakeTime();
  const sent: number[][] = [];
  const batch = new Batch<number>((items) => sent.push(items));
  batch.flush();
  batch.add(1);
  batch.flush();
  assertEquals([sent, time.timers], [[[1]], 0]);
  time.pass(1000);
  assertEquals(sent, [[1]]);
});
