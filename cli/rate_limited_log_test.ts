import { assertEquals } from "@std/assert";
import { FakeTime } from "../tests/support/fake_time.ts";
import { RateLimitedLog } from "./rate_limited_log.ts";

Deno.test("RateLimitedLog tells the first at once, then the latest of each second", () => {
  using time = new FakeTime();
  const told: [at: number, event: number, others: number][] = [];
  using seldom = new RateLimitedLog<number>((event, others) =>
    told.push([time.now, event, others])
  );
  for (let i = 0; i < 25; i++) {
    seldom.tell(i);
    time.pass(100);
  }
  time.pass(10_000);
  seldom.tell(25);
  assertEquals(told, [[0, 0, 0], [1000, 9, 8], [2000, 19, 9], [3000, 24, 4], [12_500, 25, 0]]);
});

Deno.test("RateLimitedLog leaves nothing untold, and no timer", () => {
  using time = new FakeTime();
  const told: unknown[] = [];
  const seldom = new RateLimitedLog<string>((event, others) => told.push([event, others]));
  for (const event of ["a", "b", "c", "d"]) seldom.tell(event);
  seldom[Symbol.dispose]();
  seldom[Symbol.dispose]();
  assertEquals([told, time.timers], [[["a", 0], ["d", 2]], 0]);
});
