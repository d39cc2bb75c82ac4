import { assertStrictEquals } from "@std/assert";
import { type Progress, progressLine } from "./progress.ts";

Deno.test("progressLine() says what its numbers are, with a bar where the total is known", () => {
  const bar = (filled: number) => `[${"#".repeat(filled)}${"-".repeat(30 - filled)}] `;
  const cases: [numbers: Progress, line: string][] = [
    [
      { done: 0, failed: 0, inFlight: 3, total: 10 },
      bar(0) + "0 of 10 requests done, 3 in flight",
    ],
    [
      { done: 5, failed: 1, inFlight: 5, total: 10 },
      bar(15) + "5 of 10 requests done, 1 failed, 5 in flight",
    ],
    [
      { done: 1, failed: 0, inFlight: 0, total: 1 },
      bar(30) + "1 of 1 request done, 0 in flight",
    ],
    [
      { done: 0, failed: 0, inFlight: 0, total: 0 },
      bar(0) + "0 of 0 requests done, 0 in flight",
    ],
    [
      { done: 1234, failed: 0, inFlight: 1000, total: undefined },
      "1,234 requests done, 1,000 in flight",
    ],
    [
      { done: 1, failed: 1, inFlight: 0, total: undefined },
      "1 request done, 1 failed, 0 in flight",
    ],
  ];
  for (const [numbers, line] of cases) assertStrictEquals(progressLine(numbers), line);
});
