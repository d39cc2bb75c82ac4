import { assert, assertEquals, assertMatch, assertStrictEquals } from "@std/assert";
import { ClientError, type ClientErrorCode, type Outcome, Reply } from "../client.ts";
import { AnswerFrame } from "../client/reply.ts";
import schema from "../docs/send.schema.json" with { type: "json" };
import { Ajv2020 } from "../tests/support/npm_packages.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { Exit } from "./command.ts";
import { type Progress, progressLine, Summary } from "./outcome_reporter.ts";

function answered(latency: number): Outcome {
  const packet = { request_id: 1, data: {} };
  return { index: 0, reply: new Reply(packet, latency, new AnswerFrame(""), 0) };
}

function failed(code: ClientErrorCode): Outcome {
  return { index: 0, error: new ClientError(code, "") };
}

function summaryOf(outcomes: Outcome[]): Summary {
  const summary = new Summary();
  summary.begin();
  for (const outcome of outcomes) summary.add(outcome);
  return summary;
}

Deno.test("toString() shows counts, failures and latencies", () => {
  using time = new FakeTime();
  const summary = summaryOf([
    ...[2000, 1000.4, 5000, 3000].map(answered),
    ...(["timed_out", "overloaded", "timed_out"] as const).map(failed),
  ]);
  time.pass(5012);
  summary.begin();
  const text = "7 requests: 4 answered, 3 failed, in 5.01 s\n" +
    "  2 timed_out\n" +
    "  1 overloaded\n" +
    "latency: min 1.000 s, median 2.000 s, p90 5.000 s, p99 5.000 s, max 5.000 s\n";
  assertStrictEquals(summary.toString(), text);
  assertStrictEquals(summary.toString(), text);
  assertStrictEquals(summary.count, 7);
});

Deno.test("toString() leaves out the time before the connection", () => {
  using time = new FakeTime();
  const summary = new Summary();
  time.pass(1000);
  assertStrictEquals(summary.toString(), "0 requests: 0 answered, 0 failed, in 0.00 s\n");
  summary.begin();
  time.pass(2000);
  assertStrictEquals(summary.toString(), "0 requests: 0 answered, 0 failed, in 2.00 s\n");
});

Deno.test("toString() shows no latency when nothing was answered", () => {
  using _time = new FakeTime();
  assertStrictEquals(summaryOf([]).toString(), "0 requests: 0 answered, 0 failed, in 0.00 s\n");
  assertStrictEquals(
    summaryOf([failed("closed")]).toString(),
    "1 request: 0 answered, 1 failed, in 0.00 s\n  1 closed\n",
  );
});

Deno.test("toString() shows reconnects and retries", () => {
  const summary = summaryOf([failed("closed")]);
  summary.retryStats = { reconnects: 1, resent: 1, retried: 1000 };
  assertEquals(summary.toString().split("\n").slice(2, -1), [
    "reconnected 1 time, resent 1 request",
    "retried 1,000 times after a refusal",
  ]);
});

Deno.test("toString() shows latencies by nearest rank", () => {
  const cases: [count: number, median: number, p90: number, p99: number][] = [
    [1, 1, 1, 1],
    [2, 1, 2, 2],
    [10, 5, 9, 10],
    [64, 32, 58, 64],
    [65, 33, 59, 65],
    [100, 50, 90, 99],
    [1000, 500, 900, 990],
  ];
  for (const [count, median, p90, p99] of cases) {
    const summary = new Summary();
    // From 1 to `count`, in an order of their own.
    for (let i = 0; i < count; i++) summary.add(answered(1 + (i * 7919) % count));
    const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(3)} s`;
    assertMatch(
      summary.toString(),
      new RegExp(
        `min 0.001 s, median ${seconds(median)}, p90 ${seconds(p90)}, ` +
          `p99 ${seconds(p99)}, max ${seconds(count)}\n$`,
      ),
      `${count}`,
    );
  }
});

Deno.test("toJSON() returns objects of the published schema", () => {
  using time = new FakeTime();
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);
  const report = (outcomes: Outcome[], took: number) => {
    const summary = summaryOf(outcomes);
    time.pass(took);
    const text = JSON.stringify(summary);
    assert(validate(JSON.parse(text)), JSON.stringify(validate.errors));
    return JSON.parse(text);
  };
  const outcomes = [
    ...[2000, 1000.4, 5000, 3000].map(answered),
    ...(["timed_out", "overloaded", "timed_out"] as const).map(failed),
  ];
  assertEquals(report(outcomes, 5012.3456), {
    elapsed_s: 5.012,
    counts: { requests: 7, answered: 4, failed: 3 },
    errors: { timed_out: 2, overloaded: 1 },
    repairs: { reconnects: 0, resent: 0, retried: 0 },
    latency_ms: {
      min: 1000.4,
      mean: 2750.1,
      max: 5000,
      percentiles: { p50: 2000, p90: 5000, p99: 5000 },
    },
  });
  assertEquals(report([], 0), {
    elapsed_s: 0,
    counts: { requests: 0, answered: 0, failed: 0 },
    errors: {},
    repairs: { reconnects: 0, resent: 0, retried: 0 },
    latency_ms: null,
  });
});

Deno.test("exit is the code of the worst outcome", () => {
  const cases: [exit: number, ...codes: ClientErrorCode[]][] = [
    [Exit.ok],
    [Exit.failed, "overloaded"],
    [Exit.failed, "invalid_packet", "internal", "aborted"],
    [Exit.timedOut, "timed_out"],
    [Exit.timedOut, "overloaded", "timed_out", "cancelled"],
    [Exit.noConnection, "connection_lost"],
    [Exit.noConnection, "connection_failed"],
    [Exit.noConnection, "closed"],
    [Exit.noConnection, "overloaded", "timed_out", "connection_lost", "timed_out"],
  ];
  for (const [exit, ...codes] of cases) {
    assertStrictEquals(summaryOf(codes.map(failed)).exit, exit, `${codes}`);
    assertStrictEquals(summaryOf([...codes.map(failed), answered(1)]).exit, exit, `${codes}`);
  }
});

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
