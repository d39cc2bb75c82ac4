// deno-lint-ignore-file no-control-regex -- the tests look for colors
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ClientError, type ClientErrorCode, Reply } from "../../client.ts";
import { AnswerFrame } from "../../client/reply.ts";
import type { RequestId } from "../../protocol.ts";
import { FakeTime } from "../../tests/support/fake_time.ts";
import { Chart } from "./chart.ts";

const SIZE = { columns: 50, rows: 24 };

function answer(chart: Chart, index: number, latency: number, id: RequestId = index + 1): void {
  const packet = { request_id: id, data: {} };
  chart.settled({ index, reply: new Reply(packet, latency, new AnswerFrame(""), 0) });
}

function fail(chart: Chart, index: number, code: string): void {
  const error = new ClientError(code as ClientErrorCode, "");
  error.requestId = index + 1;
  chart.settled({ index, error });
}

/** Returns the lines of the first section, without their indent. */
function final(chart: Chart, columns = 50): string[] {
  return chart.final(columns).split("\n\n")[0]!.split("\n").map((line) =>
    line.replace(/^ {2}/, "")
  );
}

Deno.test("live() draws bars that grow until their answer comes", () => {
  using time = new FakeTime();
  const chart = new Chart(false);
  assertEquals(chart.live(SIZE), []);
  chart.sent("a");
  chart.sent(undefined);
  time.pass(500);
  chart.sent("bc");
  time.pass(500);
  assertEquals(chart.live(SIZE), [
    " a  ████████████████████████ 1.00 s …",
    " 2  ████████████████████████ 1.00 s …",
    "bc              ████████████ 500 ms …",
    "    0.0 s       0.5 s       1.0 s",
  ]);
  // The second overtakes the first.
  answer(chart, 1, 750);
  time.pass(500);
  assertEquals(chart.live(SIZE), [
    " a  ████████████████████████ 1.50 s …",
    " 2  ████████████ 750 ms",
    "bc          ████████████████ 1.00 s …",
    "    0 s             1 s",
  ]);
});

Deno.test("final() shows latencies, error codes, and a histogram", () => {
  using time = new FakeTime();
  const chart = new Chart(false);
  for (let i = 0; i < 4; i++) chart.sent(undefined);
  fail(chart, 0, "overloaded");
  time.pass(1000);
  fail(chart, 1, "bad \x1b[2J".repeat(9));
  time.pass(1000);
  // An answer ends its bar when it came, not when it was read.
  answer(chart, 2, 2000, "x".repeat(20));
  answer(chart, 3, 1500);
  chart.sent("never ended");
  assertEquals(chart.final(50).split("\n"), [
    "Requests",
    "             1  ▌ overloaded",
    "             2  ██████ bad \\u001b[2Jbad \\u00",
    "  xxxxxxxxxxx…  ████████████ 2.00 s",
    "             4  █████████ 1.50 s",
    "                0 s         2 s",
    "",
    "Latency",
    "    1.50 s …   1.75 s  1  ■■■■■■■■■■■■■■■■■■",
    "    1.75 s …   2.00 s  1  ■■■■■■■■■■■■■■■■■■",
    "",
    "",
  ]);
});

Deno.test("final() returns no chart without requests, and no histogram for one answer", () => {
  using _time = new FakeTime();
  const chart = new Chart(false);
  assertEquals(chart.final(80), "");
  chart.sent(undefined);
  assertEquals(chart.final(80), "");
  answer(chart, 0, 10);
  assert(!chart.final(80).includes("Latency"));
});

Deno.test("final() lets requests share lines when there are many", () => {
  using time = new FakeTime();
  for (const [count, shared] of [[40, 1], [41, 2], [80, 2], [81, 5], [1000, 50], [5000, 200]]) {
    const chart = new Chart(false);
    for (let i = 0; i < count!; i++) chart.sent(undefined);
    time.pass(100);
    for (let i = 0; i < count!; i++) answer(chart, i, 100);
    const [title, ...lines] = final(chart, 80);
    assertEquals(lines.length - 1, Math.ceil(count! / shared!), `${count}`);
    assertMatch(title!, shared === 1 ? /^Requests$/ : new RegExp(`^Requests, ${shared} a line`));
    const last = shared === 1 ? "40" : `–${count}`;
    assert(lines.at(-2)!.split("  ")[0]!.endsWith(last) || count! % shared! === 1, lines.at(-2));
  }
});

Deno.test("final() shades lines by the requests in flight", () => {
  using time = new FakeTime();
  const chart = new Chart(false);
  for (let i = 0; i < 160; i++) chart.sent(undefined);
  time.pass(1000);
  // One of five requests fails; the others are answered one after another.
  for (let i = 0; i < 160; i++) {
    if (i % 5 === 4) fail(chart, i, "internal");
    else answer(chart, i, 250 * (1 + i % 5));
  }
  const [, first, ...lines] = final(chart);
  assertEquals(first, "    1–5  █████████▓▓▓▓▒▒▒▒ 500 ms, 1 failed");
  assertEquals(lines.length, 32);
});

Deno.test("Chart uses colors only when asked to", () => {
  using time = new FakeTime();
  const [plain, colored] = [false, true].map((hasColors) => {
    const chart = new Chart(hasColors);
    for (let i = 0; i < 3; i++) chart.sent(undefined);
    time.pass(1000);
    answer(chart, 0, 1000);
    fail(chart, 1, "overloaded");
    return chart.live(SIZE);
  });
  assertEquals(colored!.map((line) => line.match(/\x1b\[\d+m/g)), [
    ["\x1b[32m", "\x1b[39m"],
    ["\x1b[31m", "\x1b[39m", "\x1b[31m", "\x1b[39m"],
    ["\x1b[36m", "\x1b[39m"],
    null,
  ]);
  assertEquals(colored!.map((line) => line.replaceAll(/\x1b\[\d+m/g, "")), plain);
});

Deno.test("live() keeps to the width and to two thirds of the height", () => {
  using time = new FakeTime();
  const chart = new Chart(false);
  for (let i = 0; i < 100; i++) chart.sent(i % 2 === 0 ? "日本".repeat(i) : "é".repeat(i));
  time.pass(1);
  for (let i = 0; i < 100; i++) fail(chart, i, "duplicate_request_id");
  for (const columns of [48, 80, 200]) {
    for (const rows of [2, 10, 24, 100]) {
      const lines = chart.live({ columns, rows });
      assert(lines.length <= Math.max(Math.floor(2 * rows / 3), 1) + 1, `${rows}: ${lines.length}`);
      for (const line of lines) assert(line.length <= columns, `${columns}: ${line.length}`);
    }
  }
  assertEquals(chart.live({ columns: 80, rows: 200 }).length, 21);
});

Deno.test("Chart labels lines with ids when their characters surely take one cell each", () => {
  using time = new FakeTime();
  const ids: [RequestId, string][] = [
    ["a b", "a b"],
    ["Ω-ж-é", "Ω-ж-é"],
    [-7, "-7"],
    ["日本", "#4"],
    ["e\u0301", "#5"],
    ["\x1b[2J", "\\u001b[2J"],
    ["0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9…"],
  ];
  const chart = new Chart(false);
  for (const [id] of ids) chart.sent(id);
  time.pass(10);
  for (const [i, [id]] of ids.entries()) answer(chart, i, 10, id);
  const labels = final(chart, 80).slice(1, -1).map((line) => line.split("  █")[0]!.trim());
  assertEquals(labels, ids.map(([, label]) => label));
});
