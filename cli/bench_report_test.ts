import { assertEquals, assertStringIncludes } from "@std/assert";
import { packetClientWire } from "../protocol/packet_client_wire.ts";
import { Results } from "../load/results.ts";
import type { LoadOptions } from "../load/run.ts";
import { progressOf } from "./bench_report.ts";

const OPTIONS: LoadOptions = {
  url: new URL("ws://127.0.0.1:2707"),
  connections: 1,
  concurrency: 10,
  batch: 1,
  requests: 100,
  duration: 10_000,
  rate: undefined,
  timeout: 10_000,
  wire: packetClientWire,
  contents: ["x"],
};

function start() {
  const results = new Results();
  const run = { results, subprotocol: "", elapsed: 5000, sending: 5000, interrupted: false };
  return { results, run, linesOf: progressOf(OPTIONS) };
}

Deno.test("progressOf() describes a run in progress, safe to show", () => {
  const { results, run, linesOf } = start();
  results.sent(25);
  results.answered(12, 12, undefined);
  results.failed(3);
  results.error("bad \x1b[2J");
  assertEquals(linesOf(run), [
    `[${"#".repeat(20)}${"-".repeat(20)}] 5.0 s of 10.0 s`,
    "0 answers/s, 23 in flight, 1 answered, 1 failed, 0 timed out",
    "latency: p50 12.0 ms, p90 12.0 ms, p99 12.0 ms, max 12.0 ms",
    "  1  bad \\u001b[2J",
  ]);
});

Deno.test("progressOf() shows the progress towards the closer limit", () => {
  const { results, run, linesOf } = start();
  results.sent(75);
  assertStringIncludes(linesOf(run)[0]!, "75 of 100");
});

Deno.test("progressOf() takes the rate over a quarter of a second, not from one drawing to the next", () => {
  const { results, run, linesOf } = start();
  const rates = [0, 100, 200, 300].map((elapsed) => {
    results.sent(1);
    results.answered(1, 1, undefined);
    return linesOf({ ...run, elapsed })[1]!.split(" ")[0];
  });
  assertEquals(rates, ["0", "0", "0", "13"]);
});
