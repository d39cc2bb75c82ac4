import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { FakeTime } from "../tests/support/fake_time.ts";
import { type Clock, manualClock, parseClock, scaledClock, skippingClock } from "./clock.ts";

/** Notes the clock's time of each call. */
function notesOf(clock: Clock) {
  const notes: string[] = [];
  const callAt = (time: number, name = `${time}`, then = () => {}) =>
    clock.callAt(time, () => {
      notes.push(`${name} at ${clock.now()}`);
      then();
    });
  return { callAt, take: () => notes.splice(0) };
}

Deno.test("manualClock() calls in the order of times, each at its time", () => {
  const clock = manualClock();
  const { callAt, take } = notesOf(clock);
  for (const time of [30, 10, 20.5, 40]) callAt(time);
  callAt(10, "second");
  callAt(15, "cancelled")();
  assertStrictEquals(clock.now(), 0);
  clock.advance(9.9);
  assertEquals(take(), []);
  clock.advance(20.1);
  assertEquals(take(), ["10 at 10", "second at 10", "20.5 at 20.5", "30 at 30"]);
  assertStrictEquals(clock.arrival(), 30);
  clock.advance(0);
  clock.advance(9);
  assertEquals(take(), []);
  clock.advance(1);
  assertEquals(take(), ["40 at 40"]);
});

Deno.test("manualClock() lets calls add and cancel calls, and move the time", () => {
  const clock = manualClock();
  const { callAt, take } = notesOf(clock);
  const cancel = callAt(25, "cancelled");
  callAt(10, "adder", () => {
    cancel();
    callAt(5, "past");
    callAt(20, "added");
    callAt(31, "later");
  });
  clock.advance(30);
  assertEquals(take(), ["adder at 10", "past at 10", "added at 20"]);
  assertStrictEquals(clock.now(), 30);
  callAt(32, "mover", () => clock.advance(100));
  callAt(50);
  clock.advance(10);
  assertEquals(take(), ["later at 31", "mover at 32", "50 at 50"]);
  assertStrictEquals(clock.now(), 132);
});

Deno.test("advanceToNext() moves a manual clock to the next call, and no further", () => {
  const clock = manualClock();
  const { callAt, take } = notesOf(clock);
  clock.advanceToNext();
  assertStrictEquals(clock.now(), 0);
  callAt(20.5, "first", () => callAt(30));
  callAt(20.5, "second");
  clock.advanceToNext();
  assertEquals(take(), ["first at 20.5", "second at 20.5"]);
  callAt(10, "past");
  clock.advanceToNext();
  assertEquals(take(), ["past at 20.5"]);
  clock.advanceToNext();
  assertEquals(take(), ["30 at 30"]);
});

Deno.test("manualClock() adds up short steps, and refuses other durations", () => {
  const clock = manualClock();
  const { callAt, take } = notesOf(clock);
  callAt(1, "1");
  for (let i = 0; i < 9; i++) clock.advance(0.1);
  assertEquals(take(), []);
  clock.advance(0.1);
  assertEquals(take(), ["1 at 1"]);
  for (const duration of [-1, NaN, Infinity]) {
    const message = `expected a duration of at least 0 ms, got ${duration}`;
    assertThrows(() => clock.advance(duration), RangeError, message);
  }
  assertStrictEquals(clock.now(), 1);
});

Deno.test("scaledClock() calls so many times sooner", () => {
  using time = new FakeTime();
  time.now = 100;
  const clock = scaledClock(100);
  assertEquals([clock.now(), clock.arrival()], [10_000, 10_000]);
  const { callAt, take } = notesOf(clock);
  callAt(15_000);
  callAt(10_000);
  callAt(9000);
  callAt(12_000, "cancelled")();
  time.pass(0);
  assertEquals(take(), ["10000 at 10000", "9000 at 10000"]);
  time.pass(49);
  assertEquals(take(), []);
  time.pass(1);
  assertEquals(take(), ["15000 at 15000"]);
  assertStrictEquals(time.timers, 0);
});

Deno.test("scaledClock() refuses other factors", () => {
  for (const factor of [0.5, 0, -1, NaN, 1_000_001, Infinity]) {
    const message = `clock: expected a factor from 1 to 1000000, got ${factor}`;
    assertThrows(() => scaledClock(factor), RangeError, message);
  }
});

Deno.test("skippingClock() jumps to the next call when nothing has arrived for 5 ms", () => {
  using time = new FakeTime();
  const clock = skippingClock();
  const { callAt, take } = notesOf(clock);
  time.pass(10);
  assertStrictEquals(clock.now(), 10); // nothing to wait for, so no jump
  assertStrictEquals(clock.arrival(), 10);
  callAt(3_600_010);
  time.pass(3);
  clock.arrival();
  time.pass(4.9);
  assertEquals(take(), []);
  time.pass(0.1);
  assertEquals(take(), ["3600010 at 3600010"]);
  time.pass(1);
  assertStrictEquals(clock.now(), 3_600_011);
  assertStrictEquals(time.timers, 0);
});

Deno.test("skippingClock() leaves time for arrivals after each call", () => {
  using time = new FakeTime();
  const clock = skippingClock();
  const { callAt, take } = notesOf(clock);
  time.pass(100);
  callAt(1000, "1000", () => callAt(2000));
  time.pass(5);
  assertEquals(take(), ["1000 at 1000"]);
  time.pass(4);
  assertEquals(take(), []);
  clock.arrival();
  time.pass(4);
  assertEquals(take(), []);
  time.pass(1);
  assertEquals(take(), ["2000 at 2000"]);
});

Deno.test("skippingClock() calls on time what is due before it would jump", () => {
  using time = new FakeTime();
  const clock = skippingClock();
  const { callAt, take } = notesOf(clock);
  clock.arrival();
  callAt(2);
  callAt(0);
  callAt(4, "cancelled")();
  time.pass(1);
  assertEquals(take(), ["0 at 0"]);
  time.pass(1);
  assertEquals(take(), ["2 at 2"]);
  assertStrictEquals(time.timers, 0);
});

Deno.test("parseClock() returns the clock of each mode, and refuses other texts", () => {
  const modes = ["real", "x2.5", "x1000000", "skip", "manual"];
  assertEquals(modes.map((mode) => parseClock(mode).mode), modes);
  assertEquals(parseClock("x1").mode, "real");
  for (const text of ["", "x", "x0.9", "x1000001", "x1e3", "2", "Skip"]) {
    assertThrows(() => parseClock(text), RangeError, `such as x100, got "${text}"`);
  }
});
