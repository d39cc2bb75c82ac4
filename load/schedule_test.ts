import { assertEquals } from "@std/assert";
import { ClosedLoop, OpenLoop, type Schedule } from "./schedule.ts";

const UNLIMITED = { requests: Infinity, duration: Infinity };

/** What can be taken at a time, each with the time at which it was to be sent. */
function takeAll(schedule: Schedule, now: number): [count: number, intendedAt: number][] {
  const taken: [number, number][] = [];
  for (let count; (count = schedule.take(now)) > 0;) taken.push([count, schedule.intendedAt]);
  return taken;
}

Deno.test("ClosedLoop gives out as many requests as there are", () => {
  const schedule = new ClosedLoop({ ...UNLIMITED, requests: 5 }, 2);
  schedule.start(100);
  assertEquals(schedule.nextAt, -Infinity);
  assertEquals(takeAll(schedule, 101), [[2, 101], [2, 101], [1, 101]]);
  assertEquals(schedule.nextAt, Infinity);
  assertEquals(schedule.isOver(101), true);
  assertEquals(schedule.missed(), 0);
});

Deno.test("ClosedLoop ends with the time", () => {
  const schedule = new ClosedLoop({ ...UNLIMITED, duration: 10 }, 1);
  schedule.start(100);
  assertEquals(schedule.take(109.9), 1);
  assertEquals(schedule.isOver(109.9), false);
  assertEquals(schedule.take(110), 0);
  assertEquals(schedule.isOver(110), true);
});

Deno.test("OpenLoop keeps to the rate", () => {
  const schedule = new OpenLoop(UNLIMITED, 1, 500);
  schedule.start(1000);
  assertEquals(takeAll(schedule, 1000), [[1, 1000]]);
  assertEquals(schedule.nextAt, 1002);
  assertEquals(takeAll(schedule, 1001.9), []);
  assertEquals(takeAll(schedule, 1002), [[1, 1002]]);
  assertEquals(schedule.isOver(1e9), false);
});

Deno.test("OpenLoop keeps the times of what has to wait", () => {
  const schedule = new OpenLoop(UNLIMITED, 1, 1000);
  schedule.start(0);
  assertEquals(takeAll(schedule, 3.5), [[1, 0], [1, 1], [1, 2], [1, 3]]);
});

Deno.test("OpenLoop does not drift", () => {
  const schedule = new OpenLoop(UNLIMITED, 1, 3000);
  schedule.start(0);
  for (let i = 0; i < 3_000_000; i++) schedule.take(2_000_000);
  assertEquals(Math.round(schedule.nextAt * 1e6), 1e12);
});

Deno.test("OpenLoop sends frames of several requests less often", () => {
  const schedule = new OpenLoop({ ...UNLIMITED, requests: 25 }, 10, 1000);
  schedule.start(0);
  assertEquals(takeAll(schedule, 100), [[10, 0], [10, 10], [5, 20]]);
  assertEquals(schedule.isOver(100), true);
});

Deno.test("OpenLoop ends with the time, and tells what it has missed", () => {
  const schedule = new OpenLoop({ ...UNLIMITED, duration: 10 }, 1, 1000);
  schedule.start(0);
  assertEquals(takeAll(schedule, 4).length, 5);
  assertEquals(schedule.missed(4), 0);
  assertEquals(schedule.missed(7), 2);
  assertEquals(schedule.take(10), 0);
  assertEquals(schedule.isOver(10), true);
  assertEquals(schedule.missed(1000), 5);
});

Deno.test("OpenLoop misses no more requests than there are", () => {
  const schedule = new OpenLoop({ ...UNLIMITED, requests: 12 }, 5, 1000);
  schedule.start(0);
  schedule.take(0);
  assertEquals(schedule.missed(1000), 7);
});
