import { assertEquals, assertStringIncludes } from "@std/assert";
import { Display } from "./bench_display.ts";
import { Results } from "../load/results.ts";
import type { LoadOptions } from "../load/run.ts";

const OPTIONS: LoadOptions = {
  url: new URL("ws://127.0.0.1:2707"),
  connections: 1,
  pipeline: 10,
  batch: 1,
  requests: 100,
  duration: 10_000,
  rate: undefined,
  timeout: 10_000,
  data: ["x"],
};

function start() {
  const results = new Results();
  const run = { results, protocol: "", elapsed: 5000, sending: 5000, interrupted: false };
  return { results, run, display: new Display(OPTIONS) };
}

Deno.test("Display tells how a run goes, and is safe to show", () => {
  const { results, run, display } = start();
  results.sent(25);
  results.answered(12, 12, undefined);
  results.failed(3);
  results.error("bad \x1b[2J");
  assertEquals(display.lines(run), [
    `[${"#".repeat(20)}${"-".repeat(20)}] 5.0 s of 10.0 s`,
    "0 answers/s, 23 in flight, 1 answered, 1 failed, 0 timed out",
    "latency: p50 12.0 ms, p90 12.0 ms, p99 12.0 ms, max 12.0 ms",
    "  1  bad \\u001b[2J",
  ]);
});

Deno.test("Display shows by which limit the run ends", () => {
  const { results, run, display } = start();
  results.sent(75);
  assertStringIncludes(display.lines(run)[0]!, "75 of 100");
});

Deno.test("Display takes the rate over a moment, not from one drawing to the next", () => {
  const { results, run, display } = start();
  const rates = [0, 100, 200, 300].map((elapsed) => {
    results.sent(1);
    results.answered(1, 1, undefined);
    return display.lines({ ...run, elapsed })[1]!.split(" ")[0];
  });
  assertEquals(rates, ["0", "0", "0", "13"]);
});
