import {
  assert,
  assertEquals,
  assertMatch,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { FAULT_KINDS, type FaultKind } from "../session/faults.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { type LogFormat, type LoggedRequests, rateLimited, startLog, statusOf } from "./log.ts";
import { BufferedWriter } from "./buffered_writer.ts";

type Log = ReturnType<typeof startLog>;

/** Returns the lines that `write` logs. */
async function linesOf(
  write: (log: Log) => void,
  format: LogFormat = "text",
  logged: LoggedRequests | "none" = "both",
): Promise<string[]> {
  let text = "";
  const output = new BufferedWriter({
    write: (bytes) => {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
    isTerminal: () => false,
  });
  const log = startLog(output, format, logged);
  write(log);
  log[Symbol.dispose]();
  await output.flush();
  return text.split("\n").slice(0, -1);
}

function logAll(log: Log): void {
  log.listening("ws://127.0.0.1:2707", {});
  log.accepted?.('"01"', 3412);
  log.accepted?.("0", 1000);
  log.answered?.("0", 1004.6);
  log.refused?.('"a"', { code: "overloaded", message: "no room" });
  log.refused?.("null", { code: "invalid_json", message: "the frame is not JSON" });
  log.failed?.('"01"', "broken");
  log.draining(7);
}

Deno.test("startLog() logs sentences when the format is text", async () => {
  assertEquals(await linesOf(logAll), [
    "Listening on ws://127.0.0.1:2707",
    "01: Timeout 3.4 seconds for this one.",
    "0: Timeout 1.0 seconds for this one.",
    "0: Answered after 1.0 seconds.",
    "a: overloaded: no room",
    "invalid_json: the frame is not JSON",
    "01: internal error: broken",
    "Draining: 7 in flight",
  ]);
});

Deno.test("startLog() logs objects, ids with their type, when the format is json", async () => {
  const lines = await linesOf(logAll, "json");
  const records = lines.map((line) => JSON.parse(line));
  for (const { time } of records) assertStrictEquals(new Date(time).toISOString(), time);
  assertEquals(records.map(({ time: _, ...rest }) => rest), [
    {
      level: "info",
      event: "listening",
      url: "ws://127.0.0.1:2707",
      message: "Listening on ws://127.0.0.1:2707",
    },
    {
      level: "info",
      event: "accepted",
      request_id: "01",
      delay: 3.412,
      message: "Timeout 3.4 seconds for this one.",
    },
    {
      level: "info",
      event: "accepted",
      request_id: 0,
      delay: 1,
      message: "Timeout 1.0 seconds for this one.",
    },
    {
      level: "info",
      event: "answered",
      request_id: 0,
      elapsed: 1.005,
      message: "Answered after 1.0 seconds.",
    },
    {
      level: "warning",
      event: "refused",
      request_id: "a",
      code: "overloaded",
      reason: "no room",
      message: "overloaded: no room",
    },
    {
      level: "warning",
      event: "refused",
      request_id: null,
      code: "invalid_json",
      reason: "the frame is not JSON",
      message: "invalid_json: the frame is not JSON",
    },
    {
      level: "error",
      event: "failed",
      request_id: "01",
      error: "broken",
      message: "internal error: broken",
    },
    { level: "info", event: "draining", in_flight: 7, message: "Draining: 7 in flight" },
  ]);
});

function logConnections(log: Log): void {
  for (let i = 0; i < 3; i++) {
    log.rejected?.("192.0.2.7", "Too many connections: the limit is 2");
    log.evicted?.("192.0.2.7", 1008, "Too many wrong packets in a row: the limit is 100", i);
    log.abandoned?.("192.0.2.7", i + 1);
  }
}

Deno.test("startLog() logs events of connections once a second each", async () => {
  assertEquals(await linesOf(logConnections, "text", "none"), [
    "Rejected a client at 192.0.2.7: Too many connections: the limit is 2",
    "Closed a connection from 192.0.2.7 with 1008: Too many wrong packets in a row: the limit is 100; 0 in flight",
    "An upgrade from 192.0.2.7 never opened; 1 so far",
    "Rejected a client at 192.0.2.7: Too many connections: the limit is 2 (and 1 more)",
    "Closed a connection from 192.0.2.7 with 1008: Too many wrong packets in a row: the limit is 100; 2 in flight (and 1 more)",
    "An upgrade from 192.0.2.7 never opened; 3 so far (and 1 more)",
  ]);
  const [first, , , again] = await linesOf(logConnections, "json");
  const { time: _, ...record } = JSON.parse(again!);
  assertEquals(record, {
    level: "warning",
    event: "rejected",
    address: "192.0.2.7",
    reason: "Too many connections: the limit is 2",
    others: 1,
    message: "Rejected a client at 192.0.2.7: Too many connections: the limit is 2 (and 1 more)",
  });
  assertEquals(JSON.parse(first!).others, undefined);
});

Deno.test("drained() logs that all were answered only when they were", async () => {
  const none = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >;
  const clean = { dropped: 0, cut: 0, disconnected: 0 };
  const cases: [text: string, ...Parameters<Log["drained"]>][] = [
    ["all answered", clean, { answered: 0, faults: undefined }],
    ["all answered", clean, { answered: 7, faults: { ...none, error: 1, duplicate: 2, late: 3 } }],
    [
      "1,035 answered, 6 left unanswered by injected faults",
      clean,
      { answered: 1035, faults: { ...none, drop: 1, garbage: 2, disconnect: 3 } },
    ],
    [
      "0 answered, 1 dropped with its connection",
      { ...clean, disconnected: 1 },
      { answered: 0, faults: none },
    ],
    [
      "5 answered, 1 left unanswered by injected faults, 2 dropped with their connections, " +
      "3 not answered in time, 1 connection cut",
      { dropped: 3, cut: 1, disconnected: 2 },
      { answered: 5, faults: { ...none, drop: 1 } },
    ],
    ["5 answered, 2 connections cut", { ...clean, cut: 2 }, { answered: 5, faults: none }],
  ];
  for (const [text, ...told] of cases) {
    const write = (log: Log) => log.drained(...told);
    assertEquals(await linesOf(write), [`Drained: ${text}`]);
    const [record] = (await linesOf(write, "json")).map((line) => JSON.parse(line));
    const { time: _time, on_purpose, ...rest } = record;
    const [{ dropped, cut, disconnected }, { answered, faults }] = told;
    const { drop = 0, garbage = 0, disconnect = 0 } = faults ?? {};
    assertStrictEquals(on_purpose, drop + garbage + disconnect);
    assertEquals(rest, {
      level: dropped + cut > 0 ? "warning" : "info",
      event: "drained",
      ...{ answered, dropped, cut, disconnected },
      message: `Drained: ${text}`,
    });
  }
});

Deno.test("startLog() leaves out the lines of requests, but not errors, when it is quiet", async () => {
  for (const format of ["text", "json"] as const) {
    const lines = await linesOf(logAll, format, "none");
    assertStrictEquals(lines.length, 3);
    assertMatch(lines[0]!, /Listening/);
    assertMatch(lines[1]!, /broken/);
    assertMatch(lines[2]!, /Draining/);
  }
});

Deno.test("startLog() logs when requests are accepted, when they are answered, or both", async () => {
  const lines = {
    accepted: [" Timeout"],
    answered: [" Answered"],
    both: [" Timeout", " Answered"],
  };
  for (const logged of ["accepted", "answered", "both"] as const) {
    const write = (log: Log) => {
      log.accepted?.("1", 2000);
      log.answered?.("1", 2001);
      log.refused?.("2", { code: "overloaded", message: "no room" });
    };
    const starts = (await linesOf(write, "text", logged)).map((line) => /: \w+/.exec(line)![0]);
    assertEquals(starts, [...lines[logged], " overloaded"].map((word) => `:${word}`));
  }
});

Deno.test("startLog() escapes the text of peers", async () => {
  const id = "\x1b[2J\r\nListening on {url} {reason}\u202e";
  const write = (log: Log) => {
    log.accepted?.(JSON.stringify(id), 1000);
    log.refused?.(JSON.stringify(id), { code: "invalid_packet", message: `\x9b${id}` });
    log.failed?.(JSON.stringify(id), new Error(id));
  };
  const shown = "\\u001b[2J\\u000d\\u000aListening on {url} {reason}\\u202e";
  const lines = await linesOf(write);
  assertStrictEquals(lines.length, 3);
  assertStrictEquals(lines[0], `${shown}: Timeout 1.0 seconds for this one.`);
  assertStrictEquals(lines[1], `${shown}: invalid_packet: \\u009b${shown}`);
  assertStringIncludes(lines[2]!, `${shown}: internal error: Error: ${shown}`);

  const records = await linesOf(write, "json");
  assertStrictEquals(records.length, 3);
  for (const line of records) {
    assertStrictEquals(JSON.parse(line).request_id, id);
    assertMatch(line, /^[^\p{Cc}\u202e]*$/u);
  }
});

Deno.test("failed() logs the stack of an error", async () => {
  const error = new Error("broken");
  const write = (log: Log) => log.failed?.("null", error);
  const [line] = await linesOf(write);
  assertMatch(line!, /^internal error: Error: broken\\u000a .*log_test\.ts/);
  const [record] = await linesOf(write, "json");
  assertStrictEquals(JSON.parse(record!).error, error.stack);
});

/** Calls for each event, which log all of its members. */
const CALLS: {
  readonly [Event in Exclude<keyof Log, symbol>]-?: Parameters<NonNullable<Log[Event]>>[];
} = {
  listening: [
    ["ws://127.0.0.1:2707", {}],
    ["ws://127.0.0.1:2707", {
      console: "http://127.0.0.1:2707",
      control: "http://127.0.0.1:2707/control",
    }],
  ],
  exposed: [[false], [true]],
  accepted: [['"01"', 3400]],
  held: [['"01"', false], ['"02"', true]],
  answered: [['"01"', 3402]],
  refused: [['"01"', { code: "overloaded", message: "no room" }]],
  faulted: [['"01"', "drop"]],
  failed: [['"01"', "broken"]],
  rejected: [["192.0.2.7", "no room"], ["192.0.2.7", "no room"], ["192.0.2.7", "no room"]],
  evicted: [
    ["192.0.2.7", 1008, "no room", 1],
    ["192.0.2.7", 1008, "no room", 1],
    ["192.0.2.7", 1008, "no room", 1],
  ],
  abandoned: [["192.0.2.7", 1], ["192.0.2.7", 2], ["192.0.2.7", 3]],
  renewed: [[], ["no such file"]],
  reloaded: [[], ["no such file"]],
  workerEnded: [[1, "broken", 100]],
  workerReplaced: [[1]],
  working: [["nats://127.0.0.1:4222"]],
  natsStatus: [["nats://127.0.0.1:4222", false], ["nats://127.0.0.1:4222", true]],
  draining: [[1]],
  drained: [
    [{ dropped: 0, cut: 0, disconnected: 0 }, { answered: 1, faults: undefined }],
    [{ dropped: 1, cut: 0, disconnected: 0 }, { answered: 1, faults: undefined }],
  ],
  faults: [[
    Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 1])) as Record<FaultKind, number>,
  ]],
};

/** Reads the table of events in docs/log-and-metrics.md: of each cell, the text in backticks. */
async function documentedEvents() {
  const docs = await Deno.readTextFile(new URL("../docs/log-and-metrics.md", import.meta.url));
  const [, section] = /^## Log$(.*?)^## /ms.exec(docs)!;
  const rows = section!.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) => {
    const [[event], levels, [text], members] = row.split(" | ").map((cell) =>
      Array.from(cell.matchAll(/`([^`]+)`/g), ([, code]) => code!)
    ) as [[string], string[], [string], string[]];
    return { event, levels, text, members };
  });
}

Deno.test("docs/log-and-metrics.md lists all events with their levels, texts and members", async () => {
  const write = (log: Log) => {
    for (const [event, calls] of Object.entries(CALLS)) {
      const method = log[event as keyof typeof CALLS] as (...told: unknown[]) => void;
      for (const told of calls) method(...told);
    }
  };
  const records = (await linesOf(write, "json")).map((line) => JSON.parse(line));
  const lines = await linesOf(write);
  const logged = Map.groupBy(records, ({ event }) => event);
  const documented = await documentedEvents();
  assertEquals(documented.map(({ event }) => event).sort(), [...logged.keys()].sort());
  for (const { event, levels, text, members } of documented) {
    const said = logged.get(event)!;
    assertEquals(new Set(levels), new Set(said.map(({ level }) => level)), event);
    const { time: _1, level: _2, event: _3, message: _4, ...fields } = Object.assign({}, ...said);
    const names = event === "faults" ? FAULT_KINDS : members;
    assertEquals([...names].sort(), Object.keys(fields).sort(), event);
    // Capitals and the ellipsis stand for any text.
    const pattern = text.replace(/[.*+?()|[\]\\]/g, "\\$&").replace(/\b[A-Z]+\b|…/g, ".+");
    assert(lines.some((line) => new RegExp(`^${pattern}$`).test(line)), `${event}: ${pattern}`);
  }
});

Deno.test("rateLimited() logs the first event at once, then the latest of each second", () => {
  using time = new FakeTime();
  const logged: [at: number, event: number, others: number][] = [];
  using log = rateLimited<number>((event, others) => logged.push([time.now, event, others]));
  for (let i = 0; i < 25; i++) {
    log.add(i);
    time.pass(100);
  }
  time.pass(10_000);
  log.add(25);
  assertEquals(logged, [[0, 0, 0], [1000, 9, 8], [2000, 19, 9], [3000, 24, 4], [12_500, 25, 0]]);
});

Deno.test("rateLimited() logs the latest event and clears its timer when it is disposed", () => {
  using time = new FakeTime();
  const logged: unknown[] = [];
  const log = rateLimited<string>((event, others) => logged.push([event, others]));
  for (const event of ["a", "b", "c", "d"]) log.add(event);
  log[Symbol.dispose]();
  log[Symbol.dispose]();
  assertEquals([logged, time.timers], [[["a", 0], ["d", 2]], 0]);
});

Deno.test("statusOf() shows the requests in flight and the rate of the last second", () => {
  using time = new FakeTime();
  const server = { inFlight: 0, answered: 0 };
  const status = statusOf(server);
  assertEquals(status(), "0 requests in flight, 0 answered, 0 answers/s");
  server.inFlight = 12_345;
  for (let i = 0; i < 30; i++) {
    time.pass(100);
    server.answered += 250;
    assertEquals(status().split(", ").at(-1), "2,500 answers/s");
  }
  assertEquals(status(), "12,345 requests in flight, 7,500 answered, 2,500 answers/s");
  // A reading of long ago does not count.
  time.pass(10_000);
  assertEquals(status(), "12,345 requests in flight, 7,500 answered, 0 answers/s");
});
