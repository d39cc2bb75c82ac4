import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { packetClientWire } from "../protocol/packet_client_wire.ts";
import { Ajv2020 } from "../tests/support/npm_packages.ts";
import schema from "../docs/bench.schema.json" with { type: "json" };
import { FIGURES, type Report, reportOf } from "./report.ts";
import { Results } from "./results.ts";
import type { LoadOptions, Run } from "./run.ts";
import { textOf } from "../cli/bench_report.ts";
import { parseThreshold } from "./thresholds.ts";

const OPTIONS: LoadOptions = {
  url: new URL("ws://127.0.0.1:2707"),
  connections: 2,
  concurrency: 100,
  batch: 1,
  requests: Infinity,
  duration: 10_000,
  rate: undefined,
  timeout: 10_000,
  wire: packetClientWire,
  contents: ["x"],
};

const CONTEXT = { version: "1.2.3", startedAt: new Date(0), thresholds: [] };

/** Returns the report of a run with the results of `fill`. */
function report(
  fill: (results: Results) => void,
  options: Partial<LoadOptions> = {},
  thresholds: string[] = [],
): Report {
  const results = new Results();
  fill(results);
  const run: Run = {
    results,
    subprotocol: "asyncpkt.v1",
    elapsed: 2000,
    sending: 1000,
    interrupted: false,
  };
  const context = { ...CONTEXT, thresholds: thresholds.map(parseThreshold) };
  return reportOf(run, { ...OPTIONS, ...options }, context);
}

/** 1,000 requests, most of them answered after 10 ms to 1 s of delay and 1 to 10 ms more. */
function busy(results: Results): void {
  results.sent(1000);
  for (let i = 1; i <= 990; i++) {
    const latency = i + 1 + i % 10;
    results.answered(latency, latency, i);
  }
  for (let i = 0; i < 6; i++) results.failed(5);
  for (let i = 0; i < 3; i++) results.gaveUp("timed_out", 10_000);
  results.gaveUp("lost", 100);
  for (let i = 0; i < 6; i++) results.error(i < 4 ? "overloaded" : "red \x1b[31m\u202e");
  results.counts.connections_lost = 1;
  results.lag.record(0.02);
}

const nothing = () => {};

Deno.test("reportOf() returns rates and concurrency", () => {
  const { rates, concurrency, counts, latency_ms, overhead_ms } = report(busy, { rate: 1000 });
  assertEquals(rates, { sent: 1000, answered: 495 });
  assertEquals([concurrency.max, concurrency.limit], [1000, 200]);
  const inFlight = 990 * 991 / 2 + 990 + 99 * 45 + 6 * 5;
  assertEquals(concurrency.mean, (inFlight + 3 * 10_000 + 100) / 2000);
  assertEquals(concurrency.required, Math.round(1000 * inFlight / 996) / 1000);
  assertEquals(counts.sent, counts.answered + counts.failed + counts.timed_out + counts.lost);
  assertEquals([latency_ms!.count, overhead_ms!.min, overhead_ms!.max], [990, 1, 10]);
});

Deno.test("reportOf() returns reports of the published schema", async (t) => {
  const validate = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true })
    .compile(schema);
  const cases: [string, Report][] = [
    ["nothing", report(nothing)],
    ["much", report(busy, { rate: 500, requests: 1000, duration: Infinity }, ["p99<1s", "rate>1"])],
    ["an unknown threshold", report(nothing, {}, ["overhead.p99<5ms"])],
  ];
  for (const [name, each] of cases) {
    await t.step(name, () => {
      const json = JSON.parse(JSON.stringify(each));
      assert(validate(json), JSON.stringify(validate.errors));
      assert(!validate({ ...json, more: 1 }), "the schema accepts unknown members");
    });
  }
});

Deno.test("textOf() shows all sections, with control characters escaped", () => {
  const text = textOf(report(busy, { rate: 1000 }, ["p99<10ms", "failed<2%"]));
  for (
    const part of [
      "ws://127.0.0.1:2707/, asyncpkt.v1",
      "2 × 100 in flight, at 1,000/s, for 10 s",
      "990 (99 %), 495/s",
      "6  answered with an error",
      "3  not answered in time",
      "2  red \\u001b[31m\\u202e",
      "FAILED  p99<10ms: 98",
      "kept    failed<2%: 1",
      "send lag",
      "■",
    ]
  ) assertStringIncludes(text, part);
  for (const figure of FIGURES) assertMatch(text, new RegExp(`^  ${figure} `, "m"));
  assert(!/[^\x20-\x7e\n×µ…■]/.test(text), "there is an unexpected character");
});

Deno.test("textOf() leaves out empty sections", () => {
  const text = textOf(report(nothing));
  assertStringIncludes(text, "answered      0 (0 %), 0/s");
  for (const title of ["Durations", "Latency", "Overhead", "Mishaps", "Error", "Thresholds"]) {
    assert(!text.includes(title), `${title} is there`);
  }
});

Deno.test("textOf() shows no overhead when there are no delays", () => {
  const text = textOf(report((results) => {
    results.sent(1);
    results.answered(5, 5, 0);
  }));
  assertStringIncludes(text, "\nLatency\n");
  assert(!text.includes("\nOverhead\n"));
});
