import { assertEquals } from "@std/assert";
import { FakeTime } from "../tests/support/fake_time.ts";
import { RateLimitedLog } from "./rate_limited_log.ts";

Deno.test("RateLimitedLog logs the first event at once, then the latest of each second", () => {
  using time = new FakeTime();
  const logged: [at: number, event: number, others: number][] = [];
  using log = new RateLimitedLog<number>((event, others) => logged.push([time.now, event, others]));
  for (let i = 0; i < 25; i++) {
    log.add(i);
    time.pass(100);
  }
  time.pass(10_000);
  log.add(25);
  assertEquals(logged, [[0, 0, 0], [1000, 9, 8], [2000, 19, 9], [3000, 24, 4], [12_500, 25, 0]]);
});

Deno.test("RateLimitedLog logs the latest event and clears its timer when it is disposed", () => {
  using time = new FakeTime();
  const logged: unknown[] = [];
  const log = new RateLimitedLog<string>((event, others) => logged.push([event, others]));
  for (const event of ["a", "b", "c", "d"]) log.add(event);
  log[Symbol.dispose]();
  log[Symbol.dispose]();
  assertEquals([logged, time.timers], [[["a", 0], ["d", 2]], 0]);
});
