import { assertEquals, assertStrictEquals } from "@std/assert";
import { FakeTime } from "../../tests/support/fake_time.ts";
import { type Progress, progressLine, ServerStatus } from "./progress.ts";

Deno.test("progressLine() returns the numbers, with a bar when the total is known", () => {
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

Deno.test("ServerStatus shows the requests in flight and the rate of the last second", () => {
  using time = new FakeTime();
  const server = { inFlight: 0, answered: 0 };
  const status = new ServerStatus(server);
  assertEquals(`${status}`, "0 requests in flight, 0 answered, 0 answers/s");
  server.inFlight = 12_345;
  for (let i = 0; i < 30; i++) {
    time.pass(100);
    server.answered += 250;
    assertEquals(`${status}`.split(", ").at(-1), "2,500 answers/s");
  }
  assertEquals(`${status}`, "12,345 requests in flight, 7,500 answered, 2,500 answers/s");
  // A reading of long ago does not count.
  time.pass(10_000);
  assertEquals(`${status}`, "12,345 requests in flight, 7,500 answered, 0 answers/s");
});
