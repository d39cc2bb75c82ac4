import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { setImmediate } from "node:timers/promises";
import type { Client, Reply, RequestOptions } from "../client.ts";
import { AbortError, ConnectionError, TimeoutError } from "../client/errors.ts";
import { serve } from "../server.ts";
import { runCommand } from "../tests/support/fake_streams.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { startMockServer } from "../tests/support/mock_server.ts";
import { UsageError } from "./command.ts";
import { Replay, type ReplayOptions } from "./replay.ts";

type Line = [time: number, connection: number, event: string, frame?: unknown];

function linesOf(recording: Line[]): string[] {
  return recording.map(([time, connection, event, frame]) => {
    const text = frame === undefined || typeof frame === "string" ? frame : JSON.stringify(frame);
    return JSON.stringify({ time, connection, event, frame: text });
  });
}

function request(
  id: string | number,
  data = "A&&x&&1",
): { request_id: string | number; data: string } {
  return { request_id: id, data };
}

/** Starts a replay to fake clients, which note their calls, in fake time. */
function replaying(time: FakeTime, lines: string[], more: Partial<ReplayOptions> = {}) {
  const told: unknown[][] = [];
  const settle = new Map<unknown, PromiseWithResolvers<Reply>>();
  let connections = 0;
  const abort = new AbortController();
  const connect = () => {
    const number = ++connections;
    told.push([time.now, number, "connect"]);
    return Promise.resolve({
      request(_data: string, { id, signal }: RequestOptions) {
        told.push([time.now, number, id]);
        const answer = Promise.withResolvers<Reply>();
        signal!.addEventListener("abort", () => {
          if (!settle.has(id)) return;
          told.push([time.now, number, "abort", id]);
          answer.reject(new AbortError(signal!.reason));
        });
        settle.set(id, answer);
        return answer.promise;
      },
      close: () => Promise.resolve(void told.push([time.now, number, "close"])),
    } as unknown as Client);
  };
  const take = (id: unknown) => {
    const request = settle.get(id)!;
    settle.delete(id);
    return request;
  };
  const { signal } = abort;
  const onSent = () => {};
  const options = { name: "rec", speed: 1, timeout: 1000, ordered: false, signal, connect, onSent };
  const input = ReadableStream.from(lines.map((text, i) => ({ number: i + 1, text })));
  const replay = new Replay(input, { ...options, ...more });
  const outcomes: [index: number, code: string | undefined][] = [];
  const done = (async () => {
    for await (const { index, error } of replay.outcomes()) outcomes.push([index, error?.code]);
  })();
  done.catch(() => {}); // it is awaited later
  return {
    replay,
    outcomes,
    done,
    abort,
    answer: (id: unknown) => take(id).resolve({} as Reply),
    fail: (id: unknown, error: Error) => take(id).reject(error),
    /** Moves the time; returns the calls since the last call of this. */
    async until(now: number): Promise<unknown[][]> {
      await setImmediate();
      while (time.now < now) {
        time.pass(Math.min(50, now - time.now));
        await setImmediate();
      }
      return told.splice(0);
    },
  };
}

Deno.test("Replay sends each request at its time and on its connection", async () => {
  using time = new FakeTime();
  const run = replaying(
    time,
    linesOf([
      [10, 1, "open"],
      [10.1, 1, "in", request("a")],
      [10.2, 2, "open"],
      [10.2, 2, "in", [request("b"), request(3)]],
      [10.3, 1, "out", "[]"],
      [10.5, 1, "in", request("d")],
    ]),
  );
  assertEquals(await run.until(99), [[0, 1, "connect"]]);
  assertEquals(await run.until(100), [[100, 1, "a"]]);
  assertEquals(await run.until(499), [[200, 2, "connect"], [200, 2, "b"], [200, 2, 3]]);
  assertEquals(await run.until(500), [[500, 1, "d"]]);
  assertEquals(run.replay.inFlight, 4);
  for (const id of ["d", "b", "a"]) run.answer(id);
  run.fail(3, new TimeoutError(1000));
  await run.done;
  assertEquals(run.outcomes.length, 4);
  assertEquals(run.outcomes.find(([index]) => index === 2), [2, "timed_out"]);
  assertEquals(await run.until(500), [[500, 1, "close"], [500, 2, "close"]]);
  assertEquals([run.replay.inFlight, run.replay.leftOut, time.timers], [0, 0, 0]);
});

Deno.test("Replay runs at another speed", async () => {
  for (const [speed, at] of [[2, 200], [0.5, 800]] as const) {
    using time = new FakeTime();
    const lines = linesOf([[0, 1, "open"], [0.4, 1, "in", request("a")]]);
    const run = replaying(time, lines, { speed });
    assertEquals(await run.until(at - 1), [[0, 1, "connect"]]);
    assertEquals(await run.until(at), [[at, 1, "a"]]);
    run.answer("a");
    await run.done;
  }
});

Deno.test("Replay sends nothing early when times have fractions of a millisecond", async () => {
  for (const speed of [1, 3]) {
    using time = new FakeTime();
    const times = [0.0001, 0.0009, 0.0995, 0.0999, 1.00001];
    const lines = linesOf(times.map((at) => [at, 1, "in", request(`${at}`)]));
    const run = replaying(time, lines, { speed });
    const told: unknown[][] = [];
    for (let now = 0; now <= 1001; now++) told.push(...await run.until(now));
    assertEquals(told.map(([, , what]) => what), ["connect", ...times.map(String)]);
    for (const [at, , what] of told.slice(1)) {
      const due = 1000 * (Number(what) - times[0]!) / speed;
      assertGreaterOrEqual(Number(at), due, `${what} at ${speed}`);
      assertLess(Number(at), due + 1, `${what} at ${speed}`);
    }
    for (const at of times) run.answer(`${at}`);
    await run.done;
  }
});

Deno.test("Replay closes a connection when it was closed and all is answered", async () => {
  using time = new FakeTime();
  const run = replaying(
    time,
    linesOf([
      [0, 1, "open"],
      [0, 1, "in", request("a")],
      [0.1, 1, "close"],
      [0.1, 9, "close"],
      [9, 2, "open"],
      [9, 2, "close"],
    ]),
  );
  assertEquals(await run.until(200), [[0, 1, "connect"], [0, 1, "a"]]);
  run.answer("a");
  assertEquals(await run.until(300), [[200, 1, "close"]]);
  assertEquals((await run.until(9000)).slice(0, 2), [[9000, 2, "connect"], [9000, 2, "close"]]);
  await run.done;
});

Deno.test("Replay cancels what was cancelled, and leaves out invalid lines and packets", async () => {
  using time = new FakeTime();
  const run = replaying(time, [
    ...linesOf([
      [0, 1, "open"],
      [0, 1, "in", [request("a"), { request_id: "b" }, 7, request("c")]],
      [0, 1, "in", "{"],
      [0.1, 1, "in", [{ request_id: "a", cancel: true }, { request_id: "z", cancel: true }]],
    ]),
    '{"time":0.1,"connection":1,"event":"in","base64":"/w=="}',
    '{"time":0.1,"connec',
  ]);
  assertEquals(await run.until(99), [[0, 1, "connect"], [0, 1, "a"], [0, 1, "c"]]);
  assertEquals(await run.until(100), [[100, 1, "abort", "a"]]);
  run.answer("c");
  await run.done;
  assertEquals(run.outcomes.sort(), [[0, "aborted"], [1, undefined]]);
  assertEquals(run.replay.leftOut, 5);
});

Deno.test("Replay ends, and leaves no timer, when it is aborted", async () => {
  using time = new FakeTime();
  const lines = linesOf([[0, 1, "open"], [0, 1, "in", request("a")], [900, 1, "in", request("b")]]);
  const run = replaying(time, lines);
  assertEquals(await run.until(100), [[0, 1, "connect"], [0, 1, "a"]]);
  run.abort.abort();
  await run.done;
  assertEquals(run.outcomes, [[0, "aborted"]]);
  await setImmediate();
  assertEquals(time.timers, 0);
});

Deno.test("Replay throws when the first line is not one of a recording", async () => {
  for (const line of ["a&&b&&c", "{", "{}", "[]", "null", '{"time":0}', ""]) {
    using time = new FakeTime();
    const run = replaying(time, [line]);
    await assertRejects(() => run.done, UsageError, "the first line is not one of a recording");
  }
});

Deno.test("Replay stops at a time that cannot be right, and reports its line", async () => {
  const table: [time: string, from: number, got: string][] = [
    ["1e300", 0.5, "1e+300"],
    ["1e400", 0.5, "Infinity"],
    ["31622400.001", 0.5, "31622400.001"],
    ["0.499999", 0.5, "0.499999"],
    ["-1", 0.5, "-1"],
  ];
  for (const [given, from, got] of table) {
    using time = new FakeTime();
    const [first, second] = linesOf([[0, 1, "in", request("a")], [0.5, 1, "in", request("b")]]);
    const bad = `{"time":${given},"connection":1,"event":"close"}`;
    const [last] = linesOf([[0.6, 1, "in", request("c")]]);
    const run = replaying(time, [first!, second!, "torn", bad, last!]);
    assertEquals(await run.until(499), [[0, 1, "connect"], [0, 1, "a"]]);
    assertEquals(await run.until(500), [[500, 1, "b"]]);
    assertEquals(await run.until(5000), []); // neither sent nor aborted
    run.answer("b");
    run.answer("a");
    await run.done;
    assertEquals(run.outcomes.length, 2);
    assertEquals(
      run.replay.error?.message,
      `rec, line 4: expected a time from ${from}, as in the line before, to 31622400 seconds, ` +
        `got ${got}; the rest was not sent`,
    );
    assertEquals(time.timers, 0);
  }
});

Deno.test("Replay of an empty recording ends at once", async () => {
  using time = new FakeTime();
  const run = replaying(time, []);
  await run.done;
  assertEquals(run.outcomes, []);
});

Deno.test("Replay goes on when a later connection fails", async () => {
  using time = new FakeTime();
  let made = 0;
  const lines = linesOf([[0, 1, "open"], [0, 2, "open"], [0, 2, "in", request("a")]]);
  const client = { close: () => Promise.resolve() } as unknown as Client;
  const connect = () =>
    ++made === 1
      ? Promise.resolve(client)
      : Promise.reject(new ConnectionError("connection_failed", "as asked"));
  const run = replaying(time, lines, { connect });
  await run.until(1);
  await run.done;
  assertEquals(run.outcomes, [[0, "connection_failed"]]);
});

Deno.test("main() send --replay reports outcomes as send does", async () => {
  await using server = startMockServer({
    onPacket: ({ request_id, data }, socket) => {
      const error = { code: "internal", message: "as asked" };
      socket.send(JSON.stringify({ request_id, ...(data === "bad" ? { error } : { data: {} }) }));
    },
  });
  const lines = [
    ...linesOf([
      [0, 1, "open"],
      [0, 1, "in", request("x")],
      [0.01, 2, "open"],
      [0.01, 2, "in", [request(7, "bad"), {}]],
    ]),
  ].join("\n");
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, lines);
  const send = ["send", "--url", server.url, "--ordered", "--speed", "2", "--replay"];
  const runs = [
    await runCommand([...send, file]).finally(() => Deno.remove(file)),
    await runCommand([...send, "-"], { stdin: lines, terminals: ["stdin"] }),
  ];
  for (const { code, stdout, stderr } of runs) {
    assertEquals(code, 1);
    assertEquals(stdout.split("\n"), [
      '{"request_id":"x","data":{}}',
      '{"request_id":7,"error":{"code":"internal","message":"as asked"}}',
      "",
    ]);
    assertMatch(stderr, /^2 requests: 1 answered, 1 failed, .*\n {2}1 internal\nlatency: /);
    assert(stderr.endsWith("left out: 1 invalid line or packet\n"), stderr);
  }
});

Deno.test("main() send --replay reports outcomes and exits with 2 when a time cannot be right", async () => {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
  const lines = linesOf([[0, 1, "in", request("x")], [-1, 1, "in", request("y")]]).join("\n");
  const send = ["send", "--url", server.url, "--replay", "-"];
  const { code, stdout, stderr } = await runCommand(send, { stdin: lines });
  assertEquals([code, stdout], [2, '{"request_id":"x","data":{"A":{"x":"1"}}}\n']);
  assertMatch(
    stderr,
    /^1 request: 1 answered, .*\n.*\nasyncpkt send: stdin, line 2: .* got -1; [^\n]+\n$/,
  );
});

Deno.test("main() send --replay reports wrong usage in one line", async () => {
  await using server = serve({ port: 0 });
  const table: [args: string[], stdin: string, code: number, said: RegExp][] = [
    [["--replay", "-", "x"], "", 2, /--replay and DATA exclude each other; leave out all but one/],
    [["--replay", "-", "--file", "x"], "", 2, /--file and --replay exclude each other/],
    [["--speed", "2", "x"], "", 2, /--speed: expected --replay too/],
    [
      ["--replay", "-", "--speed", "0"],
      "",
      2,
      /--speed: expected a factor, such as 2 or 0\.5, got "0"/,
    ],
    [["--replay", "-", "--speed", "fast"], "", 2, /expected a factor, .* got "fast"/],
    [["--replay", "/nonexistent"], "", 2, /cannot read \/nonexistent: there is no such file/],
    [["--replay", "-"], "a&&b&&c\n", 2, /the first line is not one of a recording/],
    [
      ["--replay", "-", "--url", "ws://127.0.0.1:1"],
      '{"time":0,"connection":1,"event":"open"}',
      3,
      /ws:/,
    ],
  ];
  for (const [args, stdin, expected, said] of table) {
    const { code, stdout, stderr } = await runCommand(["send", "--url", server.url, ...args], {
      stdin,
    });
    assertEquals([code, stdout], [expected, ""], args.join(" "));
    assertMatch(stderr, /^asyncpkt send: [^\n]+\n$/);
    assertMatch(stderr, said);
  }
});
