import { assertEquals, assertThrows } from "@std/assert";
import { packetClientWire } from "../protocol/packet_client_wire.ts";
import { FIGURES, reportOf } from "./report.ts";
import { Results } from "./results.ts";
import { parseThreshold } from "./thresholds.ts";

const results = new Results();
results.sent(200);
// From 0.01 to 1.98 ms, which the distribution keeps exactly, of which all but 0.01 ms are delay.
for (let i = 1; i <= 198; i++) results.answered(1, i / 100, (i - 1) / 100);
results.failed(1);
results.gaveUp("timed_out", 1);

const REPORT = reportOf(
  { results, subprotocol: "asyncpkt.v1", elapsed: 1000, sending: 1000, interrupted: false },
  {
    url: new URL("ws://localhost:1"),
    connections: 1,
    concurrency: 1,
    batch: 1,
    requests: 200,
    duration: Infinity,
    rate: undefined,
    timeout: 1000,
    wire: packetClientWire,
    contents: ["x"],
  },
  { version: "0", startedAt: new Date(0), thresholds: [] },
);

Deno.test("judge() compares the report with the threshold", async (t) => {
  const cases: [threshold: string, value: number, ok: boolean][] = [
    ["p99<1.98ms", 1.97, true],
    ["p99<1.97ms", 1.97, false],
    ["p99<=1.97ms", 1.97, true],
    ["p99>=1.97ms", 1.97, true],
    ["p99>1.97ms", 1.97, false],
    ["p99<0.002s", 0.00197, true],
    ["p50<991us", 990, true],
    [" p99.9 < 2 ms ", 1.98, true],
    ["latency.max<=1.98ms", 1.98, true],
    ["min>0.001ms", 0.01, true],
    ["overhead.p99<5ms", 0.01, true],
    ["overhead.mean<0.01ms", 0.01, false],
    ["failed<1%", 1, false],
    ["failed<=1%", 1, true],
    ["failed<3", 2, true],
    ["timed_out<1", 1, false],
    ["late<1", 0, true],
    ["unknown<0.1%", 0, true],
    ["out_of_order<1%", 0, true],
    ["rate>100", 198, true],
    ["rate>198/s", 198, false],
  ];
  for (const [threshold, value, ok] of cases) {
    await t.step(threshold, () => {
      assertEquals(parseThreshold(threshold).judge(REPORT), { threshold, value, ok });
    });
  }
});

Deno.test("judge() fails when the value is not known", () => {
  const empty = { ...REPORT, latency_ms: null, overhead_ms: null };
  for (const threshold of ["p99<1s", "overhead.p99>0ms"]) {
    assertEquals(parseThreshold(threshold).judge(empty), { threshold, value: null, ok: false });
  }
  const unsent = { ...REPORT, counts: { ...REPORT.counts, sent: 0 } };
  assertEquals(parseThreshold("failed<1%").judge(unsent).ok, false);
});

Deno.test("judge() reads every metric from a report", () => {
  const counts = ["failed", "timed_out", "lost", "missed", "late", "unknown", "out_of_order"];
  const durations = ["", "latency.", "overhead."]
    .flatMap((prefix) => FIGURES.map((name) => `${prefix}${name}>=0ms`));
  for (const text of ["rate>=0", ...counts.map((name) => `${name}>=0`), ...durations]) {
    assertEquals(typeof parseThreshold(text).judge(REPORT).value, "number", text);
  }
});

Deno.test("parseThreshold() throws an error with the expected form when the text is invalid", async (t) => {
  const cases: [text: string, message: string][] = [
    ["", "expected a threshold, such as p99<10ms"],
    ["p99", "expected a threshold"],
    ["p99<", "expected a threshold"],
    ["p99<x", "expected a threshold"],
    ["p99=10ms", "expected a threshold"],
    ["p99==10ms", "expected a threshold"],
    ["p99<-1ms", "expected a threshold"],
    ["p99<10ms<20ms", "expected a threshold"],
    ["<10ms", "expected a threshold"],
    ["p98<10ms", "expected a metric, such as"],
    ["p99.95<10ms", "expected a metric"],
    ["errors<1", "expected a metric"],
    ["constructor<1", "expected a metric"],
    ["overhead<1ms", "expected a metric"],
    ["p99<10", "expected p99 in ms or s or us"],
    ["p99<10%", "expected p99 in ms or s or us"],
    ["p99<10m", "expected p99 in ms or s or us"],
    ["failed<1ms", "expected failed in a number or %"],
    ["rate>10%", "expected rate in a number or /s"],
    ["rate>1constructor", "expected rate in"],
  ];
  for (const [text, message] of cases) {
    await t.step(text || "nothing", () => {
      assertThrows(() => parseThreshold(text), RangeError, message);
    });
  }
});
