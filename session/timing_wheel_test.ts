import {
  assert,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertStrictEquals,
  fail,
} from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { TimingWheel } from "./timing_wheel.ts";

/** One turn of the wheel, in milliseconds. */
const TURN = 8192;

/**
 * A wheel and its plain twin, the due times in a Map. No entry may be due early, late, twice, or
 * without having been added.
 */
class Twins {
  readonly wheel: TimingWheel;
  readonly waiting = new Map<number, number>();
  now: number;

  constructor(now = 0) {
    this.now = now;
    this.wheel = new TimingWheel(now);
  }

  get earliest(): number {
    let earliest = Infinity;
    for (const due of this.waiting.values()) earliest = Math.min(earliest, due);
    return earliest;
  }

  add(entry: number, due: number): void {
    this.wheel.add(entry, due);
    this.waiting.set(entry, Math.ceil(due));
  }

  /** Adds the first free entry, as a caller that uses entries again does. */
  addAny(due: number): void {
    let entry = 0;
    while (this.waiting.has(entry)) entry++;
    this.add(entry, due);
  }

  cancel(entry: number): void {
    this.wheel.cancel(entry);
    this.waiting.delete(entry);
  }

  /** Cancels a waiting entry. */
  cancelAny(choice: number): void {
    const entries = [...this.waiting.keys()];
    if (entries.length > 0) this.cancel(entries[choice % entries.length]!);
  }

  /** Advances both; returns the due entries in the order of the wheel. */
  advance(now: number, onDue = (_entry: number): void => {}): number[] {
    this.now = Math.max(this.now, now);
    const called: number[] = [];
    let last = -Infinity;
    this.wheel.advance(now, (entry) => {
      const due = this.waiting.get(entry);
      assert(due !== undefined, `${entry} does not wait`);
      assertLessOrEqual(due, now, `${entry} is early`);
      assertLessOrEqual(last, due, `${entry} is out of order`);
      last = due;
      this.waiting.delete(entry);
      called.push(entry);
      onDue(entry);
    });
    assertGreater(this.earliest, now, "what is due was passed over");
    this.assertAgree();
    return called;
  }

  assertAgree(): void {
    const { size, nextDue } = this.wheel;
    assertStrictEquals(size, this.waiting.size);
    assertLessOrEqual(nextDue, this.earliest);
    assertStrictEquals(this.wheel.earliestDue(), this.earliest);
    const latest = Math.max(...this.waiting.values());
    assertStrictEquals(Math.ceil(this.wheel.latestDue()), latest);
    if (size === 0) assertStrictEquals(nextDue, Infinity);
  }

  /** Lets all entries become due, as a timer set for nextDue does. */
  runOut(): void {
    while (this.wheel.size > 0) {
      assertGreater(this.wheel.nextDue, this.now, "nothing would ever move on");
      this.advance(this.wheel.nextDue);
    }
    assertStrictEquals(this.waiting.size, 0);
  }
}

Deno.test("advance() calls when due and not a millisecond before", () => {
  for (const due of [1, 2, 999, 1000, 5000, TURN - 1, TURN, TURN + 1, 3 * TURN, 86_400_000]) {
    const twins = new Twins();
    twins.add(7, due);
    assertEquals(twins.advance(due - 1), [], `${due}`);
    assertEquals(twins.advance(due), [7], `${due}`);
    assertEquals(twins.advance(due + 10 * TURN), [], `${due}`);
  }
});

Deno.test("advance() starts at the time of the wheel", () => {
  for (const start of [0.9, 123.4, 2 ** 31 - 3000, 2 ** 31, 2 ** 32 - 1000, 2 ** 33, 1.8e12]) {
    const twins = new Twins(start);
    for (let i = 0; i < 100; i++) twins.add(i, start + 1 + 100 * i);
    for (let i = 0; i < 100; i++) {
      assertEquals(twins.advance(start + 100 * i), [], `${start}`);
      assertEquals(twins.advance(Math.ceil(start + 1 + 100 * i)), [i], `${start}`);
    }
  }
});

Deno.test("add() rounds fractions of a millisecond up", () => {
  const twins = new Twins();
  twins.add(0, 10.25);
  twins.add(1, 11);
  twins.add(2, 11.000001);
  assertEquals(twins.advance(10.99), []);
  assertEquals(twins.advance(11.5).sort(), [0, 1]);
  assertEquals(twins.advance(11.999), []);
  assertEquals(twins.advance(12), [2]);
});

Deno.test("add() moves an overdue entry to the next millisecond", () => {
  for (const due of [-5, 0, 99, 100, 100.5]) {
    const wheel = new TimingWheel(100);
    const called: number[] = [];
    wheel.add(3, due);
    assertStrictEquals(wheel.nextDue, 101);
    wheel.advance(100.9, (entry) => called.push(entry));
    assertEquals(called, []);
    wheel.advance(101, (entry) => called.push(entry));
    assertEquals(called, [3]);
  }
});

Deno.test("add() accepts entries in any order", () => {
  const twins = new Twins();
  for (const entry of [1023, 1024, 0, 5000, 2048, 4097, 100_000]) twins.add(entry, 10 + entry);
  twins.runOut();
});

Deno.test("nextDue is never late, exact unless the next is cancelled, and Infinity when nothing waits", () => {
  const twins = new Twins();
  assertStrictEquals(twins.wheel.nextDue, Infinity);
  twins.add(0, 500);
  twins.add(1, 300);
  twins.add(2, 400);
  assertStrictEquals(twins.wheel.nextDue, 300);
  twins.advance(300);
  assertStrictEquals(twins.wheel.nextDue, 400);
  twins.cancel(2);
  assertLessOrEqual(twins.wheel.nextDue, 500);
  twins.advance(450);
  assertStrictEquals(twins.wheel.nextDue, 500);
  twins.cancel(0);
  assertStrictEquals(twins.wheel.nextDue, Infinity);
  twins.add(0, 900);
  assertStrictEquals(twins.wheel.nextDue, 900);
  twins.advance(900);
  assertStrictEquals(twins.wheel.nextDue, Infinity);
});

Deno.test("cancel() removes the first, a middle, the last and all entries of a slot", () => {
  for (const cancelled of [[0], [1], [2], [0, 2], [2, 0], [1, 0], [0, 1, 2], [2, 1, 0]]) {
    const twins = new Twins();
    for (const entry of [0, 1, 2]) twins.add(entry, 50);
    twins.add(3, 50 + TURN);
    for (const entry of cancelled) twins.cancel(entry);
    const rest = [0, 1, 2].filter((entry) => !cancelled.includes(entry));
    assertEquals(twins.advance(50).sort(), rest);
    assertEquals(twins.advance(50 + TURN), [3]);
  }
});

Deno.test("cancel() lets an entry be added again", () => {
  const twins = new Twins();
  twins.add(5, 100);
  twins.cancel(5);
  twins.add(5, 200);
  assertEquals(twins.advance(150), []);
  assertEquals(twins.advance(200), [5]);
  twins.add(5, 300);
  assertEquals(twins.advance(300), [5]);
});

Deno.test("cancel() in onDue removes the next entry of the slot, or all entries", () => {
  for (const count of [1, 2, 5]) {
    const twins = new Twins();
    for (let entry = 0; entry < 6; entry++) twins.add(entry, 100);
    twins.add(6, 101);
    const called = twins.advance(200, () => {
      // The last entry was added first, so the next are the greatest.
      const next = [...twins.waiting].filter(([, due]) => due === 100).map(([entry]) => entry);
      for (const entry of next.sort((a, b) => b - a).slice(0, count)) twins.cancel(entry);
    });
    assertStrictEquals(called.length, Math.ceil(6 / (count + 1)) + 1);
    assertStrictEquals(called.at(-1), 6);
  }
});

Deno.test("cancel() in onDue removes entries that are due later, and the last", () => {
  const twins = new Twins();
  for (let entry = 0; entry < 5; entry++) twins.add(entry, 100 + entry);
  assertEquals(
    twins.advance(200, (entry) => {
      if (entry === 1) { for (const other of [2, 3, 4]) twins.cancel(other); }
    }),
    [0, 1],
  );
  assertStrictEquals(twins.wheel.nextDue, Infinity);
});

Deno.test("add() in onDue adds for later, even the same entry to the same slot", () => {
  for (const wait of [0, 1, 5, TURN - 1, TURN, 2 * TURN]) {
    const twins = new Twins();
    for (const entry of [0, 1, 2]) twins.add(entry, 100);
    const due = 150 + Math.max(wait, 1);
    const called = twins.advance(150, (entry) => {
      twins.wheel.add(entry, 150 + wait);
      twins.waiting.set(entry, due);
    });
    assertEquals(called.sort(), [0, 1, 2]);
    assertEquals(twins.advance(due - 1), []);
    assertEquals(twins.advance(due).sort(), [0, 1, 2]);
  }
});

Deno.test("advance() to an earlier time changes nothing", () => {
  const twins = new Twins(1000);
  twins.add(0, 2000);
  twins.add(1, 3000);
  assertEquals(twins.advance(2500), [0]);
  for (const now of [2499, 2000, 0, -1, -Infinity]) {
    twins.wheel.advance(now, () => fail("nothing is due"));
    twins.assertAgree();
  }
  twins.add(2, 2600);
  assertEquals(twins.advance(2600), [2]);
  assertEquals(twins.advance(3000), [1]);
});

Deno.test("advance() passes each entry once after a leap of any length", () => {
  const dues = [1, 100, TURN - 1, TURN, TURN + 1, TURN + 100, 2 * TURN + 1, 5 * TURN + 100];
  for (
    const leap of [TURN - 1, TURN, TURN + 1, 2 * TURN, 5 * TURN, 1e6, 2 ** 31, 2 ** 32 + 5, 1e12]
  ) {
    for (const before of [0, 50, TURN - 1]) {
      const twins = new Twins();
      twins.advance(before);
      dues.forEach((due, entry) => twins.add(entry, before + due));
      twins.add(dues.length, before + leap + 1);
      const due = dues.flatMap((due, entry) => due <= leap ? [entry] : []);
      assertEquals(twins.advance(before + leap).sort(), due, `${leap} from ${before}`);
      twins.runOut();
    }
  }
});

Deno.test("advance() skips entries of the same slot that are due in a later turn", () => {
  const twins = new Twins();
  for (let turn = 0; turn < 20; turn++) twins.add(turn, 77 + turn * TURN);
  for (let turn = 0; turn < 20; turn++) {
    assertEquals(twins.advance(76 + turn * TURN), []);
    assertEquals(twins.advance(77 + turn * TURN), [turn]);
  }
});

Deno.test("nextDue skips turns in which nothing is due, unless very many entries wait", () => {
  const twins = new Twins();
  for (let entry = 0; entry < 900; entry++) twins.add(entry, 3_600_000 + entry);
  twins.add(1000, 5);
  assertEquals(twins.advance(5), [1000]);
  assertStrictEquals(twins.wheel.nextDue, 3_600_000);
  for (let entry = 1000; entry < 2000; entry++) twins.add(entry, 3_600_000 + entry);
  twins.add(2000, 10);
  assertEquals(twins.advance(10), [2000]);
  assertLessOrEqual(twins.wheel.nextDue, 10 + TURN);
  twins.runOut();
});

Deno.test("advance() passes a million entries on time", () => {
  const count = 1_000_000;
  const wheel = new TimingWheel();
  const dues = new Float64Array(count);
  let seed = 7;
  for (let entry = 0; entry < count; entry++) {
    seed = Math.imul(seed, 1_664_525) + 1_013_904_223 | 0;
    dues[entry] = 1000 + (seed >>> 0) % 10_000;
    wheel.add(entry, dues[entry]!);
  }
  for (let entry = 0; entry < count; entry += 3) wheel.cancel(entry);
  const calls = new Uint8Array(count);
  let wrong = 0;
  for (let now = 0; now < 11_000; now++) {
    wheel.advance(now, (entry) => {
      calls[entry]!++;
      if (dues[entry] !== now) wrong++;
    });
  }
  assertStrictEquals(wrong, 0);
  assertStrictEquals(wheel.size, 0);
  assertStrictEquals(calls.findIndex((count, entry) => count !== Number(entry % 3 !== 0)), -1);
});

const delay = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: 4 }).map((turns) => turns * TURN),
  fc.integer({ min: 1, max: 4 * TURN }),
  fc.double({ min: 0.001, max: 20_000, noNaN: true }),
);
const step = fc.oneof(
  fc.integer({ min: -100, max: 20 }),
  fc.integer({ min: 0, max: 5000 }),
  fc.double({ min: 0, max: 10, noNaN: true }),
  fc.integer({ min: 0, max: 3 * TURN }),
);
interface Change {
  add?: number;
  cancel?: number;
}
interface Operation extends Change {
  step?: number;
  onDue?: Change[];
}
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ add: delay }),
  fc.record({ cancel: fc.nat() }),
  fc.constant({}),
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ add: delay }) },
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ step, onDue: fc.array(change, { maxLength: 4 }) }) },
);

Deno.test("TimingWheel does the same as the plain twin", () => {
  const start = fc.constantFrom(0, 8000.5, 2 ** 31 - 5000, 2 ** 32 - 5000);
  const operations = fc.array(operation, { maxLength: 120, size: "max" });
  fc.assert(
    fc.property(start, operations, (start, operations) => {
      const twins = new Twins(start);
      const make = ({ add, cancel }: Change) => {
        if (add !== undefined) twins.addAny(twins.now + add);
        if (cancel !== undefined) twins.cancelAny(cancel);
      };
      for (const operation of operations) {
        const { step, onDue = [] } = operation;
        const changes = [...onDue];
        if (step === undefined) make(operation);
        else if (step < 0) twins.wheel.advance(twins.now + step, () => fail("time went back"));
        else twins.advance(twins.now + step, () => make(changes.pop() ?? {}));
        twins.assertAgree();
      }
      twins.runOut();
    }),
    { numRuns: 500 },
  );
});

Deno.test("cancel() takes the same time for any entry", () => {
  const wheel = new TimingWheel();
  const count = 300_000;
  for (let entry = 0; entry < count; entry++) wheel.add(entry, 1000);
  // Each is in the middle of one list: searching it would take minutes.
  for (let i = 0; i < count; i++) wheel.cancel((i + count / 2) % count);
  assertStrictEquals(wheel.size, 0);
  assertStrictEquals(wheel.nextDue, Infinity);
});
