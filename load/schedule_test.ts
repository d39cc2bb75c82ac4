import { assertEquals } from "@std/assert";
import { Schedule } from "./schedule.ts";

const UNLIMITED = { requests: Infinity, duration: Infinity };

/** Takes every frame that is due: its number of requests, and when it was due. */
function takeAll(schedule: Schedule, now: number): [count: number, intendedAt: number][] {
  const taken: [number, number][] = [];
  for (let count; (count = schedule.take(now)) > 0;) taken.push([count, schedule.intendedAt]);
  return taken;
}

Deno.test("Schedule without a rate gives out as many requests as there are", () => {
  const schedule = new Schedule({ ...UNLIMITED, requests: 5 }, 2);
  schedule.start(100);
  assertEquals(schedule.nextAt, -Infinity);
  assertEquals(takeAll(schedule, 101), [[2, 101], [2, 101], [1, 101]]);
  assertEquals(schedule.nextAt, Infinity);
  assertEquals(schedule.isOver(101), true);
  assertEquals(schedule.missed(101), 0);
});

Deno.test("Schedule without a rate ends after its duration", () => {
  const schedule = new Schedule({ ...UNLIMITED, duration: 10 }, 1);
  schedule.start(100);
  assertEquals(schedule.take(109.9), 1);
  assertEquals(schedule.isOver(109.9), false);
  assertEquals(schedule.take(110), 0);
  assertEquals(schedule.isOver(110), true);
});

Deno.test("Schedule with a rate gives out a frame at each interval", () => {
  const schedule = new Schedule(UNLIMITED, 1, 500);
  schedule.start(1000);
  assertEquals(takeAll(schedule, 1000), [[1, 1000]]);
  assertEquals(schedule.nextAt, 1002);
  assertEquals(takeAll(schedule, 1001.9), []);
  assertEquals(takeAll(schedule, 1002), [[1, 1002]]);
  assertEquals(schedule.isOver(1e9), false);
});

Deno.test("Schedule with a rate keeps the due times of frames that wait for room", () => {
  const schedule = new Schedule(UNLIMITED, 1, 1000);
  schedule.start(0);
  assertEquals(takeAll(schedule, 3.5), [[1, 0], [1, 1], [1, 2], [1, 3]]);
});

Deno.test("Schedule with a rate does not drift", () => {
  const schedule = new Schedule(UNLIMITED, 1, 3000);
  schedule.start(0);
  for (let i = 0; i < 3_000_000; i++) schedule.take(2_000_000);
  assertEquals(Math.round(schedule.nextAt * 1e6), 1e12);
});

Deno.test("Schedule with a rate sends larger frames less often", () => {
  const schedule = new Schedule({ ...UNLIMITED, requests: 25 }, 10, 1000);
  schedule.start(0);
  assertEquals(takeAll(schedule, 100), [[10, 0], [10, 10], [5, 20]]);
  assertEquals(schedule.isOver(100), true);
});

Deno.test("Schedule with a rate ends after its duration, and counts the missed requests", () => {
  const schedule = new Schedule({ ...UNLIMITED, duration: 10 }, 1, 1000);
  schedule.start(0);
  assertEquals(takeAll(schedule, 4).length, 5);
  assertEquals(schedule.missed(4), 0);
  assertEquals(schedule.missed(7), 2);
  assertEquals(schedule.take(10), 0);
  assertEquals(schedule.isOver(10), true);
  assertEquals(schedule.missed(1000), 5);
});

Deno.test("Schedule.missed() returns no more requests than there are", () => {
  const schedule = new Schedule({ ...UNLIMITED, requests: 12 }, 5, 1000);
  schedule.start(0);
  schedule.take(0);
  assertEquals(schedule.missed(1000), 7);
});
