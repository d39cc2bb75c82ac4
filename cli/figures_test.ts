import { assertEquals } from "@std/assert";
import { counted, formatDuration, plural, quantiles } from "./figures.ts";

Deno.test("counted() returns the singular only when the count is 1", () => {
  const cases: [text: string, ...given: Parameters<typeof counted>][] = [
    ["0 requests", 0, "request"],
    ["1 request", 1, "request"],
    ["2 requests", 2, "request"],
    ["1,000 requests", 1000, "request"],
    ["1 entry", 1, "entry", "entries"],
    ["0 entries", 0, "entry", "entries"],
  ];
  for (const [text, ...given] of cases) assertEquals(counted(...given), text);
  assertEquals(plural(1, "its", "their"), "its");
});

Deno.test("formatDuration() chooses the unit by the duration", () => {
  const cases: [number, string][] = [
    [0, "0 µs"],
    [0.0124, "12 µs"],
    [1, "1.00 ms"],
    [12.34, "12.3 ms"],
    [999, "999 ms"],
    [1000, "1.00 s"],
    [123_456, "123 s"],
  ];
  for (const [milliseconds, text] of cases) assertEquals(formatDuration(milliseconds), text);
});

Deno.test("quantiles() returns the smallest value that a part of all values does not exceed", () => {
  assertEquals([0, 0.5, 0.51, 0.9, 1].map(quantiles([3, 1, 4, 2])), [1, 2, 3, 4, 4]);
});

Deno.test("quantiles() returns Infinity for every part when there are no values", () => {
  assertEquals([0, 0.5, 1].map(quantiles([])), [Infinity, Infinity, Infinity]);
});
