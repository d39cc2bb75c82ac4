import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { RequestId } from "../protocol.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { randomIntegers } from "../tests/support/random.ts";
import { PendingRequests } from "./pending.ts";

/** Requests, and the times at which some were overdue. */
class Waiting {
  readonly overdue: [id: RequestId, at: number][] = [];
  readonly pending: PendingRequests<{ deadline: number }> = new PendingRequests((id) => {
    assert(!this.pending.has(id), `${id} was not removed`);
    this.overdue.push([id, performance.now()]);
    this.onOverdue(id);
  });
  onOverdue = (_id: RequestId): void => {};

  add(id: RequestId, deadline: number): void {
    this.pending.set(id, { deadline });
  }
}

Deno.test("PendingRequests keeps requests by ids of either type, in their order", () => {
  using time = new FakeTime();
  const { pending } = new Waiting();
  const ids = [1, "1", 0, "0", "__proto__", -1];
  ids.forEach((id, i) => pending.set(id, { deadline: 100 - i }));
  assertEquals([...pending.keys()], ids);
  assertEquals(ids.map((id) => pending.get(id)!.deadline), [100, 99, 98, 97, 96, 95]);
  pending.delete("1");
  assertStrictEquals(pending.has(1), true);
  pending.clear();
  assertStrictEquals(time.timers, 0);
});

Deno.test("PendingRequests calls onOverdue() at each deadline, with one timer", () => {
  const orders = [[100, 200, 300], [300, 200, 100], [200, 300, 100], [200, 100, 300]];
  for (const deadlines of orders) {
    using time = new FakeTime();
    const waiting = new Waiting();
    for (const deadline of deadlines) waiting.add(deadline, deadline);
    waiting.add("never", Infinity);
    for (let i = 0; i < 4; i++) {
      assertStrictEquals(time.timers, i < 3 ? 1 : 0);
      assertEquals(waiting.overdue.length, i);
      time.pass(99);
      assertEquals(waiting.overdue.length, i);
      time.pass(1);
    }
    assertEquals(waiting.overdue, [[100, 100], [200, 200], [300, 300]], `${deadlines}`);
    assertStrictEquals(waiting.pending.size, 1);
  }
});

Deno.test("PendingRequests calls onOverdue() for all requests of one deadline", () => {
  using time = new FakeTime();
  const waiting = new Waiting();
  for (const id of ["a", "b", "c"]) waiting.add(id, 100);
  waiting.add("late", 50 + 100);
  waiting.pending.delete("b");
  time.pass(100);
  assertEquals(waiting.overdue, [["a", 100], ["c", 100]]);
  time.pass(50);
  assertEquals(waiting.overdue.slice(2), [["late", 150]]);
  assertStrictEquals(time.timers, 0);
});

Deno.test("PendingRequests accepts requests that are overdue", () => {
  using time = new FakeTime();
  const waiting = new Waiting();
  time.pass(1000);
  waiting.add("a", 500);
  assertEquals(waiting.overdue, []);
  time.pass(0);
  assertEquals(waiting.overdue, [["a", 1000]]);
});

Deno.test("PendingRequests waits for deadlines beyond the limit of timers", () => {
  using time = new FakeTime();
  const waiting = new Waiting();
  const deadline = 3 * 2 ** 31 + 5;
  waiting.add("a", deadline);
  time.pass(deadline - 1);
  assertEquals(waiting.overdue, []);
  time.pass(1);
  assertEquals(waiting.overdue, [["a", deadline]]);
});

Deno.test("PendingRequests sets no timer for a deadline of Infinity", () => {
  using time = new FakeTime();
  const waiting = new Waiting();
  waiting.add("a", Infinity);
  assertStrictEquals(time.timers, 0);
  waiting.add("b", 10);
  time.pass(10);
  assertEquals(waiting.overdue, [["b", 10]]);
  assertStrictEquals(time.timers, 0);
  assert(waiting.pending.has("a"));
});

Deno.test("clear() removes all requests and stops the timer", () => {
  using time = new FakeTime();
  const waiting = new Waiting();
  waiting.pending.clear();
  waiting.add("a", 100);
  waiting.add("b", 50);
  waiting.pending.clear();
  assertStrictEquals(waiting.pending.size, 0);
  assertStrictEquals(time.timers, 0);
  waiting.add("c", 70);
  time.pass(70);
  assertEquals(waiting.overdue, [["c", 70]]);
});

Deno.test("onOverdue() may add and delete requests", () => {
  using time = new FakeTime();
  const waiting = new Waiting();
  waiting.onOverdue = (id) => {
    if (id !== "a") return;
    waiting.add("again", 150);
    waiting.add("sooner", 120);
    waiting.pending.delete("b");
  };
  waiting.add("a", 100);
  waiting.add("b", 100);
  waiting.add("c", 200);
  time.pass(300);
  assertEquals(waiting.overdue, [["a", 100], ["sooner", 120], ["again", 150], ["c", 200]]);
  assertStrictEquals(waiting.pending.size, 0);
});

Deno.test("PendingRequests keeps deadlines while random requests are added and deleted", () => {
  for (let seed = 0; seed < 200; seed++) {
    using time = new FakeTime();
    const random = randomIntegers(seed);
    const waiting = new Waiting();
    const deadlines = new Map<RequestId, number>();
    // Every other run has one timeout for all requests, as clients usually have.
    const timeout = () => seed % 2 === 0 ? 500 : 1 + random(1000);
    let expected: [RequestId, number][] = [];
    for (let id = 0; id < 200; id++) {
      const deadline = time.now + timeout();
      waiting.add(id, deadline);
      deadlines.set(id, deadline);
      const taken = random(id + 1);
      if (random(2) === 0 && deadlines.delete(taken)) waiting.pending.delete(taken);
      time.pass(random(20));
      const overdue = [...deadlines].filter(([, deadline]) => deadline <= time.now);
      for (const [id] of overdue) deadlines.delete(id);
      expected = expected.concat(overdue);
      assertStrictEquals(waiting.pending.size, deadlines.size, `seed ${seed}`);
    }
    time.pass(1000);
    expected = expected.concat([...deadlines]);
    const byId = (a: [RequestId, number], b: [RequestId, number]) => Number(a[0]) - Number(b[0]);
    assertEquals(waiting.overdue.sort(byId), expected.sort(byId), `seed ${seed}`);
    assertStrictEquals(time.timers, 0);
  }
});
