import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { faultPolicy, type FaultRates, formatFaults, parseFaults } from "./fault_policy.ts";
import { FAULT_KINDS, type FaultKind } from "./faults.ts";

const SEEDS = [0, 1, -1, 7, 2 ** 32, Number.MAX_SAFE_INTEGER];
const RATES: FaultRates = {
  drop: 0.1,
  error: 0.05,
  duplicate: 0.1,
  late: 0.2,
  garbage: 0.15,
  disconnect: 0.1,
};

const encoder = new TextEncoder();

/** Returns the faults of the ids "0", "1", "2" and so on. */
function kindsOf(rates: FaultRates, count: number, seed?: number): (FaultKind | undefined)[] {
  const policy = faultPolicy(rates, seed);
  return Array.from({ length: count }, (_, i) => {
    const id = encoder.encode(JSON.stringify(String(i)));
    return policy.faultFor(id, 0, id.length)?.kind;
  });
}

Deno.test("faultPolicy() returns each kind at its rate, with any seed and without", () => {
  const count = 20_000;
  for (const seed of [undefined, ...SEEDS]) {
    const kinds = kindsOf(RATES, count, seed);
    for (const kind of [...FAULT_KINDS, undefined]) {
      const rate = kind === undefined ? 0.3 : RATES[kind] ?? 0;
      const found = kinds.filter((other) => other === kind).length;
      assertLess(
        Math.abs(found - rate * count),
        6 * Math.sqrt(rate * count) + 1,
        `${kind}, seed ${seed}`,
      );
    }
  }
});

Deno.test("faultPolicy() with a seed depends on the seed and the id alone", () => {
  assertEquals(kindsOf(RATES, 500, 7), kindsOf(RATES, 500, 7));
  const rows = SEEDS.map((seed) => kindsOf(RATES, 100, seed).join());
  assertEquals(new Set(rows).size, SEEDS.length);
  const policy = faultPolicy(RATES, 7);
  const frame = encoder.encode('{"request_id":"12","data":""}');
  assertEquals(policy.faultFor(frame, 14, 18)?.kind, kindsOf(RATES, 13, 7)[12]);
});

Deno.test("faultPolicy() with a seed returns the same faults as earlier versions", () => {
  const kinds = ["garbage", "garbage", , , , "late", "late", , , "garbage", "late", ,];
  assertEquals(kindsOf(RATES, 12, 7), Array.from(kinds));
});

Deno.test("faultPolicy() returns faults for no or all requests", () => {
  assertEquals(kindsOf({}, 100, 7), new Array(100).fill(undefined));
  for (const kind of FAULT_KINDS) {
    for (const seed of [undefined, 7]) {
      assertEquals(kindsOf({ [kind]: 1 }, 100, seed), new Array(100).fill(kind));
    }
  }
});

Deno.test("faultPolicy() throws when a rate is out of range", () => {
  const bad: [FaultRates, message: string][] = [
    [{ drop: -0.1 }, "drop: expected a share from 0 to 1, got -0.1"],
    [{ error: 1.1 }, "error: expected a share from 0 to 1, got 1.1"],
    [{ garbage: NaN }, "garbage: expected a share from 0 to 1, got NaN"],
    [{ drop: 0.5, disconnect: 0.75 }, "expected shares of at most 1 together, got 1.25"],
    [{ late: 1, lateBy: 0 }, "lateBy: expected more than 0 and at most 86400 seconds, got 0"],
    [
      { late: 1, lateBy: 86_401 },
      "lateBy: expected more than 0 and at most 86400 seconds, got 86401",
    ],
    [{ late: 1, lateBy: NaN }, "lateBy: expected more than 0 and at most 86400 seconds, got NaN"],
  ];
  for (const [rates, message] of bad) assertThrows(() => faultPolicy(rates), RangeError, message);
  assertThrows(
    () => faultPolicy({ drop: 1 }, 0.5),
    RangeError,
    "seed: expected an integer within ±(2^53 − 1), got 0.5",
  );
});

Deno.test("parseFaults() parses kinds with their shares", () => {
  const good: [text: string, FaultRates][] = [
    ["drop=1", { drop: 1 }],
    ["drop=0", { drop: 0 }],
    ["late=0.5", { late: 0.5 }],
    ["late=0.5:2.5", { late: 0.5, lateBy: 2.5 }],
    ["late=0.5:500ms,drop=0.1", { late: 0.5, lateBy: 0.5, drop: 0.1 }],
    ["stall=0.1,drip=0.2:100,split=0.3", { stall: 0.1, drip: 0.2, dripRate: 100, split: 0.3 }],
    ["badframe=1", { badframe: 1 }],
    ["disconnect=0.001,drop=0.01", { disconnect: 0.001, drop: 0.01 }],
    ["drop=0.7,error=0.1,late=0.2:1", { drop: 0.7, error: 0.1, late: 0.2, lateBy: 1 }],
  ];
  for (const [text, rates] of good) assertEquals(parseFaults(text), rates, text);
});

Deno.test("parseFaults() throws on anything else", () => {
  const form = "expected kinds with their shares, such as drop=0.01,late=0.02:5, got ";
  const bad: [text: string, message: string][] = [
    ["", form + '""'],
    ["drop", form + '"drop"'],
    ["drop=", form + '"drop="'],
    ["drop=.1", form + '"drop=.1"'],
    ["drop=1%", form + '"drop=1%"'],
    ["drop=-0.1", form + '"drop=-0.1"'],
    ["drop=0.1,", form + '""'],
    ["drop=0.1, error=0.1", form + '" error=0.1"'],
    ["drop=0.1:5", form + '"drop=0.1:5"'],
    ["drip=0.1:0.5", "dripRate: expected at least 1 byte per second, got 0.5"],
    ["drip=0.1:5s", "dripRate: expected at least 1 byte per second, got NaN"],
    ["late=0.1:5d", form + '"late=0.1:5d"'],
    ["DROP=0.1", form + '"DROP=0.1"'],
    [
      "dorp=0.1",
      'expected drop, error, duplicate, late, garbage, disconnect, stall, drip, split, badframe, reset, got "dorp"',
    ],
    ["constructor=0.1", 'reset, got "constructor"'],
    ["drop=0.1,drop=0.1", "expected each kind once, got drop twice"],
    ["drop=2", "drop: expected a share from 0 to 1, got 2"],
    ["drop=0.5,error=0.6", "expected shares of at most 1 together, got 1.1"],
    ["late=0.1:0", "lateBy: expected more than 0 and at most 86400 seconds, got 0"],
  ];
  for (const [text, message] of bad) assertThrows(() => parseFaults(text), RangeError, message);
});

Deno.test("parseFaults() returns the rates that formatFaults() formats", () => {
  const rate = fc.integer({ min: 0, max: 1e8 }).map((number) => number / 1e9);
  const kinds = fc.record(
    Object.fromEntries(FAULT_KINDS.map((kind) => [kind, rate])) as Record<FaultKind, typeof rate>,
    { requiredKeys: [] },
  );
  const lateBy = fc.integer({ min: 1, max: 86_400e3 }).map((number) => number / 1000);
  const dripRate = fc.double({ min: 1, max: 1e21, noNaN: true });
  fc.assert(
    fc.property(kinds, fc.option(lateBy), fc.option(dripRate), (rates, lateBy, dripRate) => {
      const all: FaultRates = {
        ...rates,
        ...rates.late !== undefined && lateBy !== null && { lateBy },
        ...rates.drip !== undefined && dripRate !== null && { dripRate },
      };
      const text = formatFaults(all);
      assertEquals(text === null ? {} : parseFaults(text), all);
    }),
  );
  assertEquals(formatFaults({ lateBy: 5 }), null);
  for (const text of ["drop=0.1", "late=0.1:1.001,drip=0.25:100"]) {
    assertEquals(formatFaults(parseFaults(text)), text);
  }
});
