import { assertEquals } from "@std/assert";
import { formatDuration } from "./figures.ts";

Deno.test("formatDuration() has a unit that suits", () => {
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
