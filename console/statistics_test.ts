import { assert, assertEquals } from "@std/assert";
import { areaPath, barsPath, Latencies, Series } from "./statistics.ts";

Deno.test("Latencies.percentile() is right to 1 % or half a millisecond", () => {
  const latencies = new Latencies();
  assertEquals(latencies.percentile(0.5), undefined);
  for (let i = 1; i <= 1000; i++) latencies.add(5 * i);
  for (const share of [0.01, 0.5, 0.99, 1]) {
    const found = latencies.percentile(share)!;
    const right = 5000 * share;
    assert(Math.abs(found - right) <= 0.5 + 0.01 * right, `${found} for ${right}`);
  }
  latencies.clear();
  assertEquals([latencies.count, latencies.percentile(1)], [0, undefined]);
});

Deno.test("Latencies.histogram() counts all latencies in bars of equal width", () => {
  const latencies = new Latencies();
  for (const latency of [-1, 0, 5, 100, 100, 99]) latencies.add(latency);
  const { counts, end } = latencies.histogram(4);
  assertEquals(counts, [3, 0, 0, 3]);
  assert(end >= 100 && end < 110, `${end}`);
  assertEquals(new Latencies().histogram(2).counts, [0, 0]);
});

Deno.test("Series keeps the newest values", () => {
  const series = new Series(3);
  for (const value of [1, 2, 3, 4]) series.add(value);
  assertEquals(series.values, [2, 3, 4]);
});

Deno.test("areaPath() and barsPath() draw nothing without values", () => {
  assertEquals([areaPath([], 9), areaPath([0, 0], 9), barsPath([0, 0])], ["", "", ""]);
});

Deno.test("areaPath() ends at the right edge, and barsPath() shows small counts", () => {
  assertEquals(areaPath([0, 1, 2], 9), "M7 1L7 1L8 0.5L9 0L9 1Z");
  assertEquals(barsPath([0, 1, 100]), "M1.1 1V0.96H1.9V1ZM2.1 1V0H2.9V1Z");
});
