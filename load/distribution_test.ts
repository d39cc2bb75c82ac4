import { assert, assertEquals } from "@std/assert";
import { Distribution } from "./distribution.ts";

function distributionOf(durations: Iterable<number>): Distribution {
  const distribution = new Distribution();
  for (const duration of durations) distribution.record(duration);
  return distribution;
}

Deno.test("percentile() is exact to three digits", () => {
  const distribution = distributionOf(Array.from({ length: 10_000 }, (_, i) => (i + 1) / 10));
  assertEquals(distribution.count, 10_000);
  for (const percent of [10, 50, 90, 99, 99.9, 99.99]) {
    const error = distribution.percentile(percent) / (percent * 10) - 1;
    assert(Math.abs(error) < 0.001, `p${percent} is off by ${error}`);
  }
  assert(Math.abs(distribution.mean / 500 - 1) < 0.001);
  assert(Math.abs(distribution.deviation / 288.7 - 1) < 0.001);
});

Deno.test("percentile() returns nothing beyond the recorded durations", () => {
  const distribution = distributionOf([1234.567]);
  assertEquals(distribution.min, 1234.567);
  assertEquals(distribution.max, 1234.567);
  for (const percent of [0, 50, 100]) assertEquals(distribution.percentile(percent), 1234.567);
});

Deno.test("record() accepts negative durations, and days", () => {
  const distribution = distributionOf([-0.4, 0, 0.0004, 2 * 86_400_000]);
  assertEquals(distribution.min, 0);
  assertEquals(distribution.percentile(50), 0);
  assertEquals(distribution.max, 2 * 86_400_000);
});

Deno.test("bars() counts each duration in its range", () => {
  const durations = [
    ...Array.from({ length: 990 }, (_, i) => 1 + i / 100),
    ...Array(10).fill(5000),
  ];
  const distribution = distributionOf(durations);
  const bars = distribution.bars(10);
  assertEquals(bars.length, 11);
  assertEquals(bars.reduce((sum, { count }) => sum + count, 0), 1000);
  assertEquals(bars[0]!.from, 1);
  assertEquals(bars.at(-1)!.count, 10);
  assert(bars.at(-1)!.to > 5000);
  for (let i = 1; i < bars.length; i++) assertEquals(bars[i]!.from, bars[i - 1]!.to);
  for (const { from, to, count } of bars.slice(0, -1)) {
    const exact = durations.filter((duration) => duration >= from && duration < to).length;
    assert(Math.abs(count - exact) <= 2, `${from} to ${to}: ${count}, not ${exact}`);
  }
});

Deno.test("bars() accepts a single duration, and none", () => {
  assertEquals(distributionOf([]).bars(10), []);
  const bars = distributionOf([7, 7, 7]).bars(10);
  assertEquals(bars.reduce((sum, { count }) => sum + count, 0), 3);
});
