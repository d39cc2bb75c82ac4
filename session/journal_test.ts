import {
  assertEquals,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { encodeRequest, type ErrorCode } from "../protocol.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { manualClock } from "./clock.ts";
import type { SessionEvents } from "./context.ts";
import { delayPolicy } from "./delays.ts";
import { Journal, type JournalEntry } from "./journal.ts";
import { Rules } from "./rules.ts";
import type { Rule } from "./rules_schema.ts";
import { Sessions, type SessionsOptions } from "./sessions.ts";

/** A session with a journal, at time 100 of a manual clock. */
function openOne(rules: Rule[] = [], options: Partial<SessionsOptions> = {}, size?: number) {
  const clock = manualClock();
  clock.advance(1000);
  const journal = new Journal(clock, size);
  clock.advance(100);
  const delays = delayPolicy({ min: 2, max: 2 });
  const sessions = new Sessions({ delays, rules: new Rules(rules), observer: journal, ...options });
  const sent: string[] = [];
  const session = sessions.open({ send: (frame) => sent.push(frame) });
  return {
    ...{ clock, journal, sessions, session, sent },
    receive: (frame: string | Uint8Array) => session.receive(frame, clock.now()),
    request: (id: string, data = "") => session.receive(encodeRequest(id, data), clock.now()),
    advance(ms: number) {
      clock.advance(ms);
      sessions.advance(clock.now());
    },
    release() {
      const [entry] = [...sessions.held.keys()];
      session.release(entry!, clock.now());
    },
  };
}

const NONE = { delay: null, due: null, rule: null, fault: null };

Deno.test("a journal has the plan and the times of each request", () => {
  const { request, receive, advance, release, journal, sessions } = openOne([
    { match: { id: "held" }, hold: true, fault: "garbage" },
    { match: { id: "late" }, delay: 1, fault: { late: 0.5 } },
    { match: { id: "never" }, delay: "never" },
  ]);
  const common = { connection: 1, data: "", cut: false, arrived: 0.1, ended: null };
  for (const id of ["held", "late", "never", "other"]) request(id);
  const inFlight: JournalEntry[] = [
    { ...common, ...NONE, number: 1, id: "held", rule: 1, fault: "garbage", outcome: "held" },
    {
      ...{ ...common, number: 2, id: "late", delay: 1, due: 1.6, rule: 2, fault: "late" },
      outcome: "in_flight",
    },
    { ...common, ...NONE, number: 3, id: "never", rule: 3, outcome: "in_flight" },
    { ...common, ...NONE, number: 4, id: "other", delay: 2, due: 2.1, outcome: "in_flight" },
  ];
  assertEquals(journal.list(), inFlight);
  advance(1234.5);
  release();
  receive('{"request_id":7}');
  receive('["');
  advance(265.5);
  advance(1000);
  sessions.dropAll();
  const at = { ...common, ...NONE, arrived: 1.3345, ended: 1.3345 };
  assertEquals(journal.list(), [
    { ...inFlight[0], delay: 1.235, due: 1.3345, outcome: "dropped", ended: 1.3345 },
    { ...inFlight[1], outcome: "answered", ended: 1.6 },
    { ...inFlight[2], outcome: "dropped", ended: 2.6 },
    { ...inFlight[3], outcome: "answered", ended: 2.6 },
    { ...at, number: 5, id: 7, outcome: "error:invalid_packet" },
    { ...at, number: 6, id: null, outcome: "error:invalid_json" },
  ] as JournalEntry[]);
});

Deno.test("a journal has the requests that end as they arrive", () => {
  const { request, receive, session, journal } = openOne([
    { match: { id: "wrong" }, error: { code: "overloaded" } },
  ], { delays: delayPolicy({ min: 0, max: 0 }), limits: { maxPacketSize: 100 } });
  request("at once");
  request("wrong");
  request("long", "x".repeat(100));
  receive(new Uint8Array([0xff]));
  session.refuseTooLong(new TextEncoder().encode('{"request_id":8,"data":"xx'), 200);
  const outcomes = journal.list().map(({ id, outcome, delay, rule, ended }) =>
    [id, outcome, delay, rule, ended] as const
  );
  assertEquals(outcomes, [
    ["at once", "answered", 0, null, 0.1],
    ["wrong", "error:overloaded", 0, 1, 0.1],
    ["long", "error:packet_too_large", null, null, 0.1],
    [null, "error:invalid_json", null, null, 0.1],
    [8, "error:packet_too_large", null, null, 0.1],
  ]);
});

Deno.test("a journal has the requests that fail for an error of the server", () => {
  const broken = () => {
    throw new Error("broken");
  };
  const cases: [event: keyof SessionEvents, id: string, outcome: string][] = [
    ["accepted", "other", "error:internal"],
    ["held", "held", "error:internal"],
    ["faulted", "drop", "error:internal"],
    ["refused", "wrong", "error:internal"],
  ];
  for (const [event, id, outcome] of cases) {
    const { request, sessions, journal, sent } = openOne([
      { match: { id: "held" }, hold: true },
      { match: { id: "drop" }, fault: "drop", delay: 0 },
      { match: { id: "wrong" }, error: { code: "overloaded" } },
    ], { events: { [event]: broken } });
    request(id);
    sessions.flush();
    assertEquals(journal.list().map(({ outcome }) => outcome), [outcome], event);
    assertEquals(sent.map((frame) => JSON.parse(frame).error.code as ErrorCode), ["internal"]);
    assertStrictEquals(sessions.inFlight, 0);
  }
});

Deno.test("a journal keeps the latest requests, and those in flight end all the same", () => {
  const { request, advance, journal } = openOne([], {}, 3);
  const changed: string[] = [];
  const stop = journal.listen(({ id, outcome }) => changed.push(`${id} ${outcome}`));
  for (const id of ["1", "2", "3", "4"]) request(id);
  assertEquals(journal.list().map(({ number, id }) => [number, id]), [[2, "2"], [3, "3"], [
    4,
    "4",
  ]]);
  assertEquals(changed.splice(0), ["1", "2", "3", "4"].map((id) => `${id} in_flight`));
  advance(2000);
  assertEquals(changed.splice(0), ["1", "2", "3", "4"].map((id) => `${id} answered`));
  stop();
  request("5");
  assertEquals(changed, []);
  journal.clear();
  assertEquals(journal.list(), []);
  advance(2000); // ends a request that it has forgotten
  request("6");
  assertEquals(journal.list().map(({ number, id }) => [number, id]), [[1, "6"]]);
});

Deno.test("list() returns the entries that match in all members", () => {
  const { request, receive, advance, journal, sessions } = openOne([
    { match: { id: "b*" }, delay: 1 },
  ]);
  for (const id of ["a1", "b1", "b2"]) request(id);
  receive('{"request_id":7,"data":""}');
  receive('{"request_id":8}');
  sessions.open({ send() {} }).receive('{"request_id":"b1","data":""}', 0);
  advance(1000);
  const numbers = (filter: Parameters<Journal["list"]>[0]) =>
    journal.list(filter).map(({ number }) => number);
  assertEquals(numbers({}), [1, 2, 3, 4, 5, 6]);
  assertEquals(numbers({ id: "b*" }), [2, 3, 6]);
  assertEquals(numbers({ id: "*" }), [1, 2, 3, 6]);
  assertEquals(numbers({ id: 7 }), [4]);
  assertEquals(numbers({ id: "7" }), []);
  assertEquals(numbers({ id: "b1", connection: 2 }), [6]);
  assertEquals(numbers({ rule: 1, connection: 1 }), [2, 3]);
  assertEquals(numbers({ outcome: "answered" }), [2, 3, 6]);
  assertEquals(numbers({ outcome: "error:*" }), [5]);
});

Deno.test("wait() returns the entries as soon as there are enough, now or later", async () => {
  const { request, release, journal } = openOne([{ match: {}, hold: true }]);
  request("1");
  assertEquals((await journal.wait(1)).length, 1);
  const two = journal.wait(2, { outcome: "held" });
  const answered = journal.wait(1, { id: "1", outcome: "answered" });
  release();
  request("2");
  request("3");
  assertEquals((await two).map(({ id }) => id), ["2", "3"]);
  assertEquals((await answered).map(({ id }) => id), ["1"]);
});

Deno.test("wait() counts only entries that match still, and that the journal still has", async () => {
  const { request, advance, journal } = openOne([], {}, 3);
  const found: string[] = [];
  const wait = async (count: number, outcome: string) => {
    const entries = await journal.wait(count, { outcome });
    found.push(`${entries.map(({ id }) => id)} ${outcome}`);
  };
  const waits = [wait(3, "in_flight"), wait(3, "answered"), wait(2, "answered")];
  const settled = async () => {
    await new Promise((resolve) => setTimeout(resolve));
    return found.splice(0);
  };
  request("a");
  request("b");
  advance(2000); // neither is in flight any more
  request("c");
  request("d"); // the journal forgets "a"
  assertEquals(await settled(), ["a,b answered"]);
  journal.clear();
  for (const id of ["e", "f"]) request(id);
  assertEquals(await settled(), []);
  request("g");
  advance(2000);
  await Promise.all(waits);
  assertEquals(await settled(), ["e,f,g in_flight", "e,f,g answered"]);
});

Deno.test("wait() rejects after the timeout, and says how many there are", async () => {
  using time = new FakeTime();
  const { request, journal } = openOne();
  request("1");
  const waiting = assertRejects(
    () => journal.wait(2, {}, 300),
    DOMException,
    "expected 2 requests within 300 ms, got 1",
  );
  time.pass(299);
  assertStrictEquals(time.timers, 1);
  time.pass(1);
  assertStrictEquals((await waiting).name, "TimeoutError");
  const endless = journal.wait(2, {}, Infinity);
  time.pass(86_400_000);
  request("2");
  assertStrictEquals((await endless).length, 2);
  assertStrictEquals(time.timers, 0);
});

Deno.test("wait() rejects with the reason of its signal, before and while it waits", async () => {
  const { journal, request } = openOne();
  const aborter = new AbortController();
  const waiting = journal.wait(2, {}, Infinity, aborter.signal);
  request("a");
  aborter.abort(new Error("as asked"));
  await assertRejects(() => waiting, Error, "as asked");
  await assertRejects(() => journal.wait(0, {}, 5000, aborter.signal), Error, "as asked");
});

Deno.test("a journal cuts long data, and keeps nothing of the rest in memory", () => {
  const { request, journal } = openOne();
  const whole = "a&&b&&" + "c".repeat(4090);
  request("whole", whole);
  request("long", `${whole}d`);
  request("emoji", `${"x".repeat(4095)}😀`);
  assertEquals(journal.list().map(({ data, cut }) => [data, cut]), [
    [whole, false],
    [whole, true],
    ["x".repeat(4095) + "\ud83d", true],
  ]);
  for (let i = 0; i < 2000; i++) {
    const data = `${i}`.repeat(1 << 18);
    journal.passed({ connection: 1, nth: 1, id: "1", data, value: () => data }, "answered");
  }
  assertStrictEquals(journal.list().length, 2003);
  assertLess(Deno.memoryUsage().heapUsed, 1e9);
});

Deno.test("Journal refuses sizes other than positive integers", () => {
  for (const size of [0, -1, 1.5, NaN, Infinity]) {
    const message = `journal: expected a positive integer, got ${size}`;
    assertThrows(() => new Journal(manualClock(), size), RangeError, message);
  }
});
