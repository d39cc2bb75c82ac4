import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertNotEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  DEFAULT_DELAY,
  type DelayPolicy,
  type DelayRange,
  MAX_DELAY,
  parseDelay,
  uniformDelay,
} from "./policy.ts";

const encoder = new TextEncoder();

/** The delay of a request; `before` and `after` stand around its id in memory. */
function delayOf(policy: DelayPolicy, id: string | number, before = "", after = ""): number {
  const bytes = encoder.encode(before + JSON.stringify(id) + after);
  const at = encoder.encode(before).length;
  return policy.delayOf(bytes, at, bytes.length - encoder.encode(after).length);
}

/** The delays of the ids "0", "1", "2" and so on. */
function delaysOf(policy: DelayPolicy, count: number): number[] {
  return Array.from({ length: count }, (_, i) => delayOf(policy, String(i)));
}

const SEEDS = [
  ...[0, 1, -1, 7, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 32 + 1, -(2 ** 32)],
  ...[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, Number.MIN_SAFE_INTEGER],
];

for (const seed of [undefined, 7]) {
  const kind = seed === undefined ? "at random" : "with a seed";

  Deno.test(`uniformDelay() ${kind} gives whole milliseconds, from min to max`, () => {
    const ranges: DelayRange[] = [
      DEFAULT_DELAY,
      { min: 0, max: 0.25 },
      { min: 0.5, max: 2.75 },
      { min: 86_399, max: MAX_DELAY },
      { min: 0, max: MAX_DELAY },
    ];
    for (const range of ranges) {
      for (const delay of delaysOf(uniformDelay(range, seed), 2000)) {
        assert(Number.isInteger(delay), `${delay}`);
        assertGreaterOrEqual(delay, 1000 * range.min);
        assertLessOrEqual(delay, 1000 * range.max);
      }
    }
  });

  Deno.test(`uniformDelay() ${kind} reaches both ends`, () => {
    const delays = new Set(delaysOf(uniformDelay({ min: 1, max: 1.004 }, seed), 1000));
    assertEquals([...delays].sort(), [1000, 1001, 1002, 1003, 1004]);
  });

  Deno.test(`uniformDelay() ${kind} is fixed where min is max`, () => {
    for (const [at, delay] of [[0, 0], [3, 3000], [0.001, 1], [MAX_DELAY, 86_400_000]] as const) {
      const policy = uniformDelay({ min: at, max: at }, seed);
      assertEquals(delaysOf(policy, 20), new Array(20).fill(delay));
    }
  });
}

Deno.test("uniformDelay() is from 1 to 5 seconds by default", () => {
  assertEquals(DEFAULT_DELAY, { min: 1, max: 5 });
  assertStrictEquals(delayOf(uniformDelay(undefined, 7), "01"), 4578);
});

Deno.test("uniformDelay() without a seed gives the same id other delays", () => {
  const policy = uniformDelay();
  const delays = new Set(Array.from({ length: 100 }, () => delayOf(policy, "01")));
  assertGreater(delays.size, 1);
});

Deno.test("uniformDelay() with a seed keeps to what it gave in earlier versions", () => {
  const golden = [
    [0, "01", 4603],
    [7, "01", 4578],
    [7, 1, 2702],
    [7, "1", 4987],
    [-1, "01", 4726],
    [Number.MAX_SAFE_INTEGER, "01", 4262],
    [42, "é", 3931],
  ] as const;
  for (const [seed, id, delay] of golden) {
    assertStrictEquals(delayOf(uniformDelay(DEFAULT_DELAY, seed), id), delay, `${seed}, ${id}`);
  }
});

Deno.test("uniformDelay() with a seed depends on the seed and the id alone", () => {
  for (const seed of SEEDS) {
    const delays = delaysOf(uniformDelay(DEFAULT_DELAY, seed), 200);
    const again = uniformDelay(DEFAULT_DELAY, seed);
    for (let i = delays.length - 1; i >= 0; i--) {
      assertStrictEquals(delayOf(again, String(i)), delays[i]);
      assertStrictEquals(delayOf(again, String(i), '{"request_id":', ',"data":""}'), delays[i]);
      assertStrictEquals(delayOf(again, String(i)), delays[i]);
    }
  }
});

Deno.test("uniformDelay() tells seeds apart", () => {
  const rows = SEEDS.map((seed) => delaysOf(uniformDelay(DEFAULT_DELAY, seed), 50).join());
  assertStrictEquals(new Set(rows).size, SEEDS.length);
  const delays = Array.from({ length: 1000 }, (_, seed) => {
    return delayOf(uniformDelay(DEFAULT_DELAY, seed), "01");
  });
  assertUniform(delays);
});

Deno.test("uniformDelay() with a seed tells ids apart", () => {
  const policy = uniformDelay({ min: 0, max: MAX_DELAY }, 7);
  const pairs = [
    ["1", 1],
    ["-1", -1],
    ["a", "b"],
    ["ab", "ba"],
    ["a", "aa"],
    ["é", "e"],
    ["x".repeat(255), "x".repeat(256)],
  ] as const;
  for (const [one, other] of pairs) {
    assertNotEquals(delayOf(policy, one), delayOf(policy, other), `${one} and ${other}`);
  }
});

Deno.test("uniformDelay() with a seed is uniform over ids", () => {
  for (const seed of SEEDS) {
    const policy = uniformDelay(DEFAULT_DELAY, seed);
    assertUniform(delaysOf(policy, 20_000));
    assertUniform(Array.from({ length: 20_000 }, (_, i) => delayOf(policy, i)));
    assertUniform(Array.from({ length: 256 }, (_, i) => delayOf(policy, "x".repeat(i + 1))));
  }
});

/** Checks that delays from 1 to 5 s fill tenths of that range about equally: by six deviations. */
function assertUniform(delays: number[]): void {
  const tenths = new Array<number>(10).fill(0);
  for (const delay of delays) tenths[Math.min(Math.floor((delay - 1000) / 400), 9)]!++;
  const expected = delays.length / 10;
  for (const count of tenths) {
    assertLess(Math.abs(count - expected), 6 * Math.sqrt(expected), `${tenths}`);
  }
}

Deno.test("uniformDelay() refuses what is no range", () => {
  const bad: DelayRange[] = [
    { min: 5, max: 1 },
    { min: -1, max: 1 },
    { min: -0.001, max: 1 },
    { min: 0, max: MAX_DELAY + 0.001 },
    { min: NaN, max: 1 },
    { min: 1, max: NaN },
    { min: 1, max: Infinity },
    { min: Infinity, max: Infinity },
    { min: -Infinity, max: 1 },
  ];
  for (const range of bad) {
    assertThrows(
      () => uniformDelay(range),
      RangeError,
      `Cannot delay by ${range.min} to ${range.max} seconds: want 0 <= min <= max <= 86400`,
    );
  }
});

Deno.test("uniformDelay() refuses what is no seed", () => {
  for (const seed of [0.5, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53)]) {
    assertThrows(
      () => uniformDelay(DEFAULT_DELAY, seed),
      RangeError,
      `Cannot seed with ${seed}: want an integer within ±(2^53 − 1)`,
    );
  }
});

Deno.test("parseDelay() reads a range or a fixed delay", () => {
  const good = [
    ["1..5", 1, 5],
    ["0..0", 0, 0],
    ["0.1..0.5", 0.1, 0.5],
    ["1.25..1.25", 1.25, 1.25],
    ["01..05.50", 1, 5.5],
    ["3", 3, 3],
    ["0", 0, 0],
    ["0.25", 0.25, 0.25],
    ["86400", MAX_DELAY, MAX_DELAY],
    ["0..86400.0", 0, MAX_DELAY],
  ] as const;
  for (const [text, min, max] of good) assertEquals(parseDelay(text), { min, max }, text);
});

Deno.test("parseDelay() refuses anything else", () => {
  const bad = [
    ...["", " ", "x", "1..", "..5", "1...5", "1.5.", "1.", ".5", "1..5..9", "1-5", "1,5", "1:5"],
    ...["5..1", "-1", "-1..1", "+1", "1..-5", "1e3", "0x10", "Infinity", "NaN", "1..Infinity"],
    ...[" 1..5", "1..5 ", "1 .. 5", "1s", "1..5\n", "٣", "86401", "86400.001", "0..86401"],
    "9".repeat(400),
  ];
  for (const text of bad) {
    assertThrows(
      () => parseDelay(text),
      RangeError,
      `want seconds, such as 1..5 or 3, from 0 to 86400, got ${JSON.stringify(text)}`,
    );
  }
});
