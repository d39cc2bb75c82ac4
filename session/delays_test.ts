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
  type Delay,
  type DelayPolicy,
  delayPolicy,
  type DelayRange,
  formatDelay,
  MAX_DELAY,
  parseDelay,
} from "./delays.ts";
import { fc } from "../tests/support/npm_packages.ts";

const encoder = new TextEncoder();

/** Returns the delay of a request; `before` and `after` are around its id in memory. */
function delayOf(policy: DelayPolicy, id: string | number, before = "", after = ""): number {
  const bytes = encoder.encode(before + JSON.stringify(id) + after);
  const at = encoder.encode(before).length;
  return policy.delayOf(bytes, at, bytes.length - encoder.encode(after).length);
}

/** Returns the delays of the ids "0", "1", "2" and so on. */
function delaysOf(policy: DelayPolicy, count: number): number[] {
  return Array.from({ length: count }, (_, i) => delayOf(policy, String(i)));
}

const SEEDS = [
  ...[0, 1, -1, 7, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 32 + 1, -(2 ** 32)],
  ...[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, Number.MIN_SAFE_INTEGER],
];

for (const seed of [undefined, 7]) {
  const kind = seed === undefined ? "at random" : "with a seed";

  Deno.test(`delayPolicy() ${kind} returns whole milliseconds from min to max`, () => {
    const ranges: DelayRange[] = [
      DEFAULT_DELAY,
      { min: 0, max: 0.25 },
      { min: 0.5, max: 2.75 },
      { min: 86_399, max: MAX_DELAY },
      { min: 0, max: MAX_DELAY },
    ];
    for (const range of ranges) {
      for (const delay of delaysOf(delayPolicy(range, seed), 2000)) {
        assert(Number.isInteger(delay), `${delay}`);
        assertGreaterOrEqual(delay, 1000 * range.min);
        assertLessOrEqual(delay, 1000 * range.max);
      }
    }
  });

  Deno.test(`delayPolicy() ${kind} reaches both ends`, () => {
    const delays = new Set(delaysOf(delayPolicy({ min: 1, max: 1.004 }, seed), 1000));
    assertEquals([...delays].sort(), [1000, 1001, 1002, 1003, 1004]);
  });

  Deno.test(`delayPolicy() ${kind} is fixed for a number, and when min equals max`, () => {
    for (const [at, delay] of [[0, 0], [3, 3000], [0.001, 1], [MAX_DELAY, 86_400_000]] as const) {
      for (const fixed of [at, { min: at, max: at }]) {
        assertEquals(delaysOf(delayPolicy(fixed, seed), 20), new Array(20).fill(delay));
      }
    }
  });
}

Deno.test("delayPolicy() is from 1 to 5 seconds by default", () => {
  assertEquals(DEFAULT_DELAY, { min: 1, max: 5 });
  assertStrictEquals(delayOf(delayPolicy(undefined, 7), "01"), 4578);
});

Deno.test("delayPolicy() without a seed returns different delays for the same id", () => {
  const policy = delayPolicy();
  const delays = new Set(Array.from({ length: 100 }, () => delayOf(policy, "01")));
  assertGreater(delays.size, 1);
});

Deno.test("delayPolicy() with a seed returns the same delays as earlier versions", () => {
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
    assertStrictEquals(delayOf(delayPolicy(DEFAULT_DELAY, seed), id), delay, `${seed}, ${id}`);
  }
});

Deno.test("delayPolicy() with a seed depends on the seed and the id alone", () => {
  for (const seed of SEEDS) {
    const delays = delaysOf(delayPolicy(DEFAULT_DELAY, seed), 200);
    const again = delayPolicy(DEFAULT_DELAY, seed);
    for (let i = delays.length - 1; i >= 0; i--) {
      assertStrictEquals(delayOf(again, String(i)), delays[i]);
      assertStrictEquals(delayOf(again, String(i), '{"request_id":', ',"data":""}'), delays[i]);
      assertStrictEquals(delayOf(again, String(i)), delays[i]);
    }
  }
});

Deno.test("delayPolicy() returns different delays for different seeds", () => {
  const rows = SEEDS.map((seed) => delaysOf(delayPolicy(DEFAULT_DELAY, seed), 50).join());
  assertStrictEquals(new Set(rows).size, SEEDS.length);
  const delays = Array.from({ length: 1000 }, (_, seed) => {
    return delayOf(delayPolicy(DEFAULT_DELAY, seed), "01");
  });
  assertUniform(delays);
});

Deno.test("delayPolicy() with a seed returns different delays for different ids", () => {
  const policy = delayPolicy({ min: 0, max: MAX_DELAY }, 7);
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

Deno.test("delayPolicy() with a seed is uniform over ids", () => {
  for (const seed of SEEDS) {
    const policy = delayPolicy(DEFAULT_DELAY, seed);
    assertUniform(delaysOf(policy, 20_000));
    assertUniform(Array.from({ length: 20_000 }, (_, i) => delayOf(policy, i)));
    assertUniform(Array.from({ length: 256 }, (_, i) => delayOf(policy, "x".repeat(i + 1))));
  }
});

/** Checks that delays fill the tenths of 1 to 5 s equally, within six deviations. */
function assertUniform(delays: number[]): void {
  const tenths = new Array<number>(10).fill(0);
  for (const delay of delays) tenths[Math.min(Math.floor((delay - 1000) / 400), 9)]!++;
  const expected = delays.length / 10;
  for (const count of tenths) {
    assertLess(Math.abs(count - expected), 6 * Math.sqrt(expected), `${tenths}`);
  }
}

/** The other distributions; tests know their mean, median and some quantiles. */
const NORMAL = { mean: 3, sd: 0.5 };
const LOGNORMAL = { median: 2, sigma: 0.5 };
const SHAPES: readonly [delay: Delay, quantiles: readonly [rank: number, seconds: number][]][] = [
  [NORMAL, [
    [0.001, 3 - 0.5 * 3.0902],
    [0.05, 3 - 0.5 * 1.6449],
    [0.25, 3 - 0.5 * 0.6745],
    [0.5, 3],
    [0.75, 3 + 0.5 * 0.6745],
    [0.95, 3 + 0.5 * 1.6449],
    [0.999, 3 + 0.5 * 3.0902],
  ]],
  [LOGNORMAL, [
    [0.001, 2 * Math.exp(-0.5 * 3.0902)],
    [0.05, 2 * Math.exp(-0.5 * 1.6449)],
    [0.25, 2 * Math.exp(-0.5 * 0.6745)],
    [0.5, 2],
    [0.75, 2 * Math.exp(0.5 * 0.6745)],
    [0.95, 2 * Math.exp(0.5 * 1.6449)],
    [0.99, 2 * 3.2],
    [0.999, 2 * Math.exp(0.5 * 3.0902)],
  ]],
];

for (const [delay, quantiles] of SHAPES) {
  const name = JSON.stringify(delay);

  Deno.test(`delayPolicy() has the ${name} distribution with every seed`, () => {
    for (const seed of SEEDS) {
      const delays = delaysOf(delayPolicy(delay, seed), 20_000);
      for (const [rank, seconds] of quantiles) {
        // The rank is the share of shorter delays, within four deviations.
        const shorter = delays.filter((ms) => ms < 1000 * seconds).length;
        const expected = rank * delays.length;
        const deviation = Math.sqrt(expected * (1 - rank));
        assertLess(Math.abs(shorter - expected), 4 * deviation + 1, `seed ${seed}, ${rank}`);
      }
    }
  });

  Deno.test(`delayPolicy() as ${name} returns whole milliseconds up to maxDelay`, () => {
    for (const seed of [undefined, 7]) {
      const policy = delayPolicy(delay, seed);
      for (const ms of delaysOf(policy, 5000)) {
        assert(Number.isInteger(ms) && ms >= 0 && ms <= policy.maxDelay, `${ms}`);
      }
    }
  });

  Deno.test(`delayPolicy() as ${name} depends on the seed and the id alone`, () => {
    const delays = delaysOf(delayPolicy(delay, 7), 100);
    assertEquals(delaysOf(delayPolicy(delay, 7), 100), delays);
    assertNotEquals(delaysOf(delayPolicy(delay, 8), 100), delays);
    assertNotEquals(delaysOf(delayPolicy(delay), 100), delaysOf(delayPolicy(delay), 100));
  });
}

Deno.test("delayPolicy() has the mean of its distribution", () => {
  const mean = (delay: Delay) => {
    const delays = delaysOf(delayPolicy(delay, 7), 50_000);
    return delays.reduce((sum, ms) => sum + ms, 0) / delays.length / 1000;
  };
  // Six standard errors: deviations divided by the root of the count.
  assertLess(Math.abs(mean(NORMAL) - 3), 6 * 0.5 / Math.sqrt(50_000));
  assertLess(Math.abs(mean(LOGNORMAL) - 2 * Math.exp(0.125)), 6 * 1.21 / Math.sqrt(50_000));
});

Deno.test("delayPolicy() limits delays to 0 and a day", () => {
  const isZero = delaysOf(delayPolicy({ mean: 0, sd: 1 }, 7), 20_000).filter((ms) => ms === 0);
  assertLess(Math.abs(isZero.length - 10_000), 6 * Math.sqrt(5000));
  for (const delay of [{ mean: MAX_DELAY, sd: 1 }, { median: MAX_DELAY, sigma: 1 }]) {
    const policy = delayPolicy(delay, 7);
    assertStrictEquals(policy.maxDelay, 86_400_000);
    assertStrictEquals(Math.max(...delaysOf(policy, 100)), 86_400_000);
  }
});

Deno.test("delayPolicy() is fixed when the deviation is 0", () => {
  for (const delay of [{ mean: 3, sd: 0 }, { median: 3, sigma: 0 }, { min: 3, max: 3 }]) {
    const policy = delayPolicy(delay, 7);
    assertEquals([policy.maxDelay, ...delaysOf(policy, 20)], new Array(21).fill(3000));
  }
  assertStrictEquals(delayPolicy({ mean: 0, sd: 0 }).maxDelay, 0);
});

Deno.test("delayPolicy() with a seed returns the same delays as earlier versions", () => {
  const golden: [Delay, id: string, ms: number][] = [
    [NORMAL, "01", 2523],
    [NORMAL, "02", 2619],
    [NORMAL, "é", 2697],
    [LOGNORMAL, "01", 1241],
    [LOGNORMAL, "02", 1367],
    [LOGNORMAL, "é", 1477],
  ];
  for (const [delay, id, ms] of golden) {
    assertStrictEquals(delayOf(delayPolicy(delay, 7), id), ms, `${JSON.stringify(delay)}, ${id}`);
  }
});

Deno.test("delayPolicy() throws when a parameter is out of range", () => {
  const bad: [Delay, message: string][] = [
    [{ mean: -1, sd: 1 }, "expected mean and sd from 0 to 86400 seconds, got mean -1, sd 1"],
    [{ mean: 1, sd: NaN }, "expected mean and sd from 0 to 86400 seconds, got mean 1, sd NaN"],
    [{ mean: 1, sd: 86_401 }, "expected mean and sd from 0 to 86400 seconds, got mean 1, sd 86401"],
    [{ median: -1, sigma: 1 }, "got median -1, sigma 1"],
    [
      { median: 1, sigma: -1 },
      "expected a median from 0 to 86400 seconds and a sigma from 0 to 10, got median 1, sigma -1",
    ],
    [{ median: 1, sigma: Infinity }, "and a sigma from 0 to 10, got median 1, sigma Infinity"],
  ];
  for (const [delay, message] of bad) assertThrows(() => delayPolicy(delay), RangeError, message);
  assertThrows(
    () => delayPolicy(NORMAL, 0.5),
    RangeError,
    "seed: expected an integer within ±(2^53 − 1), got 0.5",
  );
});

Deno.test("delayPolicy() throws when the range is not valid", () => {
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
      () => delayPolicy(range),
      RangeError,
      `delay: expected 0 <= min <= max <= 86400 seconds, got min ${range.min}, max ${range.max}`,
    );
  }
});

Deno.test("delayPolicy() throws when the seed is not an integer", () => {
  for (const seed of [0.5, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53)]) {
    assertThrows(
      () => delayPolicy(DEFAULT_DELAY, seed),
      RangeError,
      `seed: expected an integer within ±(2^53 − 1), got ${seed}`,
    );
  }
});

Deno.test("parseDelay() parses a range or a fixed delay", () => {
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
    ["500ms", 0.5, 0.5],
    ["100ms..2s", 0.1, 2],
    ["1..1.5m", 1, 90],
    ["24h", MAX_DELAY, MAX_DELAY],
  ] as const;
  for (const [text, min, max] of good) assertEquals(parseDelay(text), { min, max }, text);
});

Deno.test("parseDelay() parses the other distributions", () => {
  assertEquals(parseDelay("normal:3,0.5"), { mean: 3, sd: 0.5 });
  assertEquals(parseDelay("normal:2s,500ms"), { mean: 2, sd: 0.5 });
  assertEquals(parseDelay("normal:0,0"), { mean: 0, sd: 0 });
  assertEquals(parseDelay("normal:86400,86400"), { mean: MAX_DELAY, sd: MAX_DELAY });
  assertEquals(parseDelay("lognormal:0.2,1.25"), { median: 0.2, sigma: 1.25 });
  assertEquals(parseDelay("lognormal:200ms,1.25"), { median: 0.2, sigma: 1.25 });
  assertEquals(parseDelay("lognormal:86400,10"), { median: MAX_DELAY, sigma: 10 });
});

Deno.test("parseDelay() throws on anything else", () => {
  const bad = [
    ...["", " ", "x", "1..", "..5", "1...5", "1.5.", "1.", ".5", "1..5..9", "1-5", "1,5", "1:5"],
    ...["5..1", "-1", "-1..1", "+1", "1..-5", "1e3", "0x10", "Infinity", "NaN", "1..Infinity"],
    ...[" 1..5", "1..5 ", "1 .. 5", "1d", "1..5\n", "٣", "86401", "86400.001", "0..86401"],
    "9".repeat(400),
    ...["normal", "normal:", "normal:3", "normal:3,", "normal:,3", "normal:3,1,1", "normal:3..1"],
    ...["normal:-1,1", "normal:1,-1", "normal:86401,1", "normal:1,86401", " normal:1,1"],
    ...["lognormal:3", "lognormal:-1,1", "lognormal:1,-1", "lognormal:86401,1", "lognormal:1,10.1"],
    ...["1..86401s", "25h", "lognormal:1,1s", "500ms..0.1", "1..5.5.", "1S"],
    ...["Normal:1,1", "gamma:1,1", "normal:1;1", "normal:1, 1", "3,1"],
  ];
  for (const text of bad) {
    assertThrows(
      () => parseDelay(text),
      RangeError,
      "expected a delay of at most a day, such as 1..5, 3, 500ms, normal:3,0.5 or lognormal:2,0.5, " +
        `got ${JSON.stringify(text)}`,
    );
  }
});

Deno.test("parseDelay() returns the delay that formatDelay() formats", () => {
  const seconds = fc.integer({ min: 0, max: MAX_DELAY * 1e6 }).map((number) => number / 1e6);
  const small = fc.oneof(fc.constantFrom(0, 1e-7, 1e-6, 0.001), seconds);
  const delay: fc.Arbitrary<Delay> = fc.oneof(
    fc.tuple(small, seconds).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
    small.map((min) => ({ min, max: min })),
    fc.record({ mean: small, sd: small }),
    fc.record({
      median: seconds,
      sigma: fc.integer({ min: 0, max: 1e7 }).map((number) => number / 1e6),
    }),
  );
  fc.assert(fc.property(delay, (delay) => assertEquals(parseDelay(formatDelay(delay)), delay)));
  const texts = ["1..5", "0", "1.001", "0.5..0.75", "normal:3,0.5", "lognormal:2,0.5"];
  for (const text of texts) assertEquals(formatDelay(parseDelay(text)), text);
});
