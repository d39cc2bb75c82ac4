import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve } from "../server.ts";
import {
  assertEscaped,
  EVIL,
  openStdin,
  runCommand,
  startCommand,
} from "../tests/support/fake_streams.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { freePort } from "../tests/support/machine.ts";
import { startMockServer } from "../tests/support/mock_server.ts";
import { readToEnd, startRawServer } from "../tests/support/raw_tcp.ts";
import { until } from "../tests/support/waiting.ts";

const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };
const SOON = { port: 0, delay: { min: 0.005, max: 0.05 } };
const LATE = { port: 0, delay: { min: 600, max: 600 } };

Deno.test("send takes data and whole packets, as arguments and as lines", async () => {
  await using server = serve(SOON);
  const inputs = [
    "Hub&&id&&1",
    '{"request_id":"x","data":"Hub&&id&&2"}',
    ' {"data":"Hub&&id&&3","more":true}',
    '{"request_id":9}',
    "{}&&a&&b",
  ];
  const expected: [id: unknown, data: unknown][] = [
    ["1", { Hub: { id: "1" } }],
    ["x", { Hub: { id: "2" } }],
    ["2", { Hub: { id: "3" } }],
    ["3", {}],
    ["4", { "{}": { a: "b" } }],
  ];
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, inputs.join("\r\n"));
  const send = ["send", "--url", server.url, "--ordered"];
  const runs = await Promise.all([
    runCommand([...send, ...inputs]),
    runCommand(send, { stdin: inputs.join("\n") + "\n" }),
    runCommand([...send, "--file", "-"], { stdin: inputs.join("\n"), terminals: ["stdin"] }),
    runCommand([...send, "--file", file], { terminals: ["stdin"] }),
  ]).finally(() => Deno.remove(file));
  for (const { code, stdout } of runs) {
    assertEquals(code, 0);
    const answers = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(answers.map(({ request_id, data }) => [request_id, data]), expected);
  }
});

Deno.test("send prints answers as they arrive, and with --ordered in the order sent", async () => {
  await using server = serve({ port: 0, delay: { min: 0.01, max: 0.2 } });
  const inputs = Array.from({ length: 50 }, (_, i) => `Hub&&id&&${i}`);
  const run = async (flags: string[]) => {
    const args = ["send", "--url", server.url, "--concurrency", "25", ...flags];
    const { code, stdout, stderr } = await runCommand(args, { stdin: inputs.join("\n") });
    assertEquals(code, 0);
    assertMatch(stderr, /^50 requests: 50 answered, 0 failed/);
    return stdout.trimEnd().split("\n").map((line) => Number(JSON.parse(line).data.Hub.id));
  };
  const [ordered, arriving] = await Promise.all([run(["--ordered"]), run([])]);
  assertEquals(ordered, inputs.map((_, i) => i));
  assert(String(arriving) !== String(ordered));
  assertEquals(arriving!.toSorted((a, b) => a - b), ordered);
});

Deno.test("send exits at once when there are no requests", async () => {
  await using server = serve(AT_ONCE);
  const { code, stdout, stderr } = await runCommand(["send", "--url", server.url]);
  assertEquals([code, stdout], [0, ""]);
  assertMatch(stderr, /^0 requests: 0 answered, 0 failed/);
});

Deno.test("send waits for answers after the end of stdin", async () => {
  await using server = serve({ port: 0, delay: { min: 0.2, max: 0.2 } });
  const stdin = openStdin();
  const send = startCommand(["send", "--url", server.url, "--quiet"], { stdin: stdin.readable });
  stdin.write("Hub&&id&&1\nHub&&id&&");
  await until("the first is in flight", () => server.inFlight === 1);
  stdin.write("2\n");
  stdin.end();
  assertEquals(await send.exit, 0);
  const answers = send.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).data.Hub.id);
  assertEquals(answers, ["1", "2"]);
});

Deno.test("send exits with 1 when a request is answered with an error", async () => {
  await using server = serve({ ...SOON, limits: { maxPacketSize: 200 } });
  const args = ["send", "--url", server.url, "--ordered", "x".repeat(200), "a&&b&&c"];
  const { code, stdout, stderr } = await runCommand(args);
  assertEquals(code, 1);
  const [refused, answered] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals([refused.error.code, answered.data], ["packet_too_large", { a: { b: "c" } }]);
  assertMatch(stderr, /^2 requests: 1 answered, 1 failed.*\n {2}1 packet_too_large\nlatency:/);
});

Deno.test("send gets all answers, whatever frame size the server accepts", async () => {
  const data = Array.from({ length: 2000 }, (_, i) => `Hub&&id&&${i}&&name&&${"x".repeat(50)}`);
  for (const maxPacketSize of [1 << 10, 1 << 16]) {
    await using server = serve({ ...SOON, limits: { maxPacketSize } });
    const args = ["send", "--url", server.url, "--concurrency", "2000", "--ordered", ...data];
    const { code, stdout, stderr } = await runCommand(args);
    assertMatch(stderr, /^2,000 requests: 2,000 answered, 0 failed/);
    assertEquals(code, 0);
    const ids = stdout.trimEnd().split("\n").map((line) => JSON.parse(line).data.Hub.id);
    assertEquals(ids, data.map((_, i) => `${i}`));
  }
});

Deno.test("send exits with 3 when it cannot connect", async () => {
  const url = `ws://127.0.0.1:${freePort()}`;
  const { code, stdout, stderr } = await runCommand(["send", "--url", url, "x"]);
  assertEquals([code, stdout], [3, ""]);
  assertMatch(stderr, /^asyncpkt send: cannot connect to ws:[^\n]+\n$/);
  assert(stderr.includes(url));

  await using mute = startRawServer(async (connection) => void await readToEnd(connection));
  const late = await runCommand(["send", "--url", mute.url, "--timeout", "0.05", "x"]);
  assertEquals(late.code, 3);
  assertEquals(
    late.stderr,
    `asyncpkt send: cannot connect to ${mute.url}: no answer within 0.05 s; ` +
      "check the address or raise --timeout\n",
  );
});

Deno.test("send --wait reports that it waits, and sends when the server starts later", async () => {
  for (const quiet of [[], ["--quiet"]]) {
    const port = freePort();
    const url = `ws://127.0.0.1:${port}`;
    const args = ["send", "--url", url, "--wait", "--timeout", "60", ...quiet, "a&&b&&c"];
    const send = startCommand(args);
    if (quiet.length === 0) await send.said(/; waiting for the server, for 60 s at most\n/);
    await using _ = serve({ ...AT_ONCE, port });
    assertEquals(await send.exit, 0);
    assertEquals(send.stdout, '{"request_id":"1","data":{"a":{"b":"c"}}}\n');
    if (quiet.length > 0) assertEquals(send.stderr, "");
    else assertMatch(send.stderr, /^cannot connect to [^\n]* most\n1 request: 1 answered, /);
  }
});

Deno.test("send --wait exits with 3 after --timeout, and ends when it is interrupted", async () => {
  const url = `ws://127.0.0.1:${freePort()}`;
  const { code, stdout, stderr } = await runCommand(
    ["send", "--url", url, "--wait", "--timeout", "0.3", "x"],
  );
  assertEquals([code, stdout], [3, ""]);
  assertMatch(
    stderr,
    /^cannot connect [^\n]*; waiting for the server, for 0\.3 s at most\nasyncpkt send: cannot connect [^\n]*\n$/,
  );
  const send = startCommand(["send", "--url", url, "--wait", "x"]);
  await send.said(/waiting/);
  send.interrupt();
  assertEquals(await send.exit, 130);
});

Deno.test("send exits with 3 when the connection is lost, even while stdin is open", async () => {
  for (const isAnswered of [true, false]) {
    await using server = startMockServer({
      onPacket: ({ request_id }, socket) => {
        if (isAnswered) socket.send(JSON.stringify({ request_id, data: {} }));
        socket.close(1011, "out of order");
      },
    });
    const stdin = openStdin();
    const send = startCommand(["send", "--url", server.url, "--no-reconnect"], {
      stdin: stdin.readable,
    });
    stdin.write("x\n");
    assertEquals(await send.exit, 3);
    assertEquals(send.stdout, isAnswered ? '{"request_id":"1","data":{}}\n' : "");
    assertMatch(send.stderr, /the connection was lost before the input ended\n$/);
    if (!isAnswered) assertMatch(send.stderr, /^"1": connection_lost: .*1011 out of order\n/);
  }
});

Deno.test("send reconnects, reports that, and gets every answer", async () => {
  let isFirst = true;
  await using server = startMockServer({
    onPacket: ({ request_id, data }, socket) => {
      if (data === "close" && isFirst) {
        isFirst = false;
        socket.close(1012, "back\x1b soon");
      } else if (!isFirst) {
        socket.send(JSON.stringify({ request_id, data: {} }));
      }
    },
  });
  for (const quiet of [[], ["--quiet"]]) {
    isFirst = true;
    const args = ["send", "--url", server.url, ...quiet, "wait", "close"];
    const { code, stdout, stderr } = await runCommand(args, { terminals: ["stderr"] });
    assertEquals([code, stdout.trimEnd().split("\n").length], [0, 2]);
    if (quiet.length > 0) {
      assertEquals(stderr, "");
    } else {
      assertMatch(
        stderr,
        /^the server closed the connection with 1012 back\\u001b soon; trying again in 0\.\d s\nreconnected\n2 requests: 2 answered, 0 failed, .* s\nreconnected 1 time, resent 2 requests\nlatency/,
      );
    }
  }
});

Deno.test("send gives up after it could not reconnect for --timeout", async () => {
  await using server = startMockServer({
    onHandshake: (count) => count === 0 ? undefined : new Response(null, { status: 503 }),
    onPacket: (_, socket) => socket.close(1001),
  });
  const stdin = openStdin();
  const args = ["send", "--url", server.url, "--timeout", "1"];
  const send = startCommand(args, { stdin: stdin.readable });
  stdin.write("x\n");
  assertEquals(await send.exit, 3);
  assertMatch(send.stderr, /the connection was lost before the input ended\n$/);
});

Deno.test("send retries requests that the server refuses as overloaded, and counts that", async () => {
  await using server = serve({ ...SOON, limits: { maxInFlight: 2 } });
  const inputs = Array.from({ length: 10 }, (_, i) => `Hub&&id&&${i}`);
  const { code, stdout, stderr } = await runCommand(["send", "--url", server.url, ...inputs]);
  assertEquals([code, stdout.trimEnd().split("\n").length], [0, 10]);
  assertMatch(
    stderr,
    /^10 requests: 10 answered, 0 failed, .* s\nretried \d+ times? after a refusal\nlatency/,
  );
});

Deno.test("send exits with 4 when a request is not answered in time", async () => {
  using time = new FakeTime();
  let count = 0;
  await using server = startMockServer({
    onPacket: ({ cancel }) => !cancel && ++count === 2 && time.pass(2000),
  });
  const args = ["send", "--url", server.url, "--timeout", "2", "a", "b"];
  const { code, stdout, stderr } = await runCommand(args);
  assertEquals([code, stdout], [4, ""]);
  assertMatch(stderr, /^"1": timed_out: no answer within 2 s\n"2": timed_out: /);
  assertMatch(stderr, /^2 requests: 0 answered, 2 failed, .*\n {2}2 timed_out\n$/m);
  const cancels = (await server.packets.take(4)).slice(2);
  assertEquals(cancels, ["1", "2"].map((id) => ({ request_id: id, cancel: true })));
});

Deno.test("send exits with 130 and the summary when it is interrupted", async () => {
  await using server = serve(LATE);
  const stdin = openStdin();
  const send = startCommand(["send", "--url", server.url], { stdin: stdin.readable });
  stdin.write("a\nb\n");
  await until("both are in flight", () => server.inFlight === 2);
  send.interrupt();
  assertEquals(await send.exit, 130);
  assertMatch(send.stderr, /^2 requests: 0 answered, 2 failed, .*\n {2}2 aborted\n$/);

  await using mute = startRawServer(async (connection) => void await readToEnd(connection));
  const connecting = startCommand(["send", "--url", mute.url, "x"]);
  connecting.interrupt();
  assertEquals(await connecting.exit, 130);
});

Deno.test("send explains in one line why it cannot read its input, with exit code 2", async () => {
  await using server = serve(AT_ONCE);
  const folder = await Deno.makeTempDir();
  const { code, stdout, stderr } = await runCommand(["send", "--url", server.url, "--file", folder])
    .finally(() => Deno.remove(folder));
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^asyncpkt send: cannot read [^\n]+\n$/);
});

Deno.test("send escapes text from servers", async () => {
  await using server = startMockServer({
    onPacket: ({ request_id, data }, socket) => {
      socket.send(`${EVIL} is not JSON`);
      const unknown = { request_id: EVIL, data: { a: { b: EVIL } } };
      socket.send(JSON.stringify(unknown));
      const error = { code: data === "odd" ? EVIL : "internal", message: EVIL };
      const answer = data === "fine" ? { data: { [EVIL]: { b: EVIL } } } : { error };
      // As JSON.stringify() would not do it: with the characters as they are.
      const bare = JSON.stringify({ request_id, ...answer }).replaceAll("\\u009b", "\x9b")
        .replaceAll("\\u202e", "\u202e");
      socket.send(bare);
    },
  });
  for (const terminals of [["stdout", "stderr"], []] as ("stdout" | "stderr")[][]) {
    const args = ["send", "--url", server.url, "--ordered", "fine", "bad", "odd"];
    const { code, stdout, stderr } = await runCommand(args, { terminals });
    assertEquals(code, 1);
    assertEscaped(stdout + stderr);
    const [fine, bad] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(fine.data, { [EVIL]: { b: EVIL } });
    assertEquals(bad.error.message, EVIL);
    assertMatch(stderr, /^not an answer: \\u001b/m);
    assertMatch(stderr, /^no request waits for /m);
  }
});

Deno.test("send and bench escape the reasons of servers", async () => {
  await using closing = startMockServer({ onPacket: (_, socket) => socket.close(4000, EVIL) });
  await using refusing = startRawServer(async (connection) => {
    await connection.write(new TextEncoder().encode(`HTTP/1.1 403 ${EVIL}${EVIL}\r\n\r\n`));
  });
  await using naming = startMockServer({
    onPacket: ({ request_id }, socket) =>
      socket.send(JSON.stringify({ request_id, error: { code: EVIL, message: EVIL } })),
  });
  for (const { url } of [closing, refusing, naming]) {
    for (const args of [["send", "--url", url, "x"], ["bench", "--url", url, "-n", "1"]]) {
      const { code, stdout, stderr } = await runCommand(args, { terminals: ["stdout"] });
      assert(code === 3 || code === 1, `${code}`);
      assertEscaped(stdout + stderr);
    }
  }
});

Deno.test("send and bench handle the error code __proto__ like any other", async () => {
  await using server = startMockServer({
    onPacket: ({ request_id }, socket) =>
      socket.send(JSON.stringify({ request_id, error: { code: "__proto__", message: "" } })),
  });
  const sent = await runCommand(["send", "--url", server.url, "x"]);
  assertEquals(sent.code, 1);
  assertMatch(sent.stderr, /^ {2}1 __proto__\n/m);
  const args = ["bench", "--url", server.url, "-n", "1", "--output-format", "json"];
  const benched = await runCommand(args);
  assertEquals(Object.entries(JSON.parse(benched.stdout).errors), [["__proto__", 1]]);
});

Deno.test("send shows progress on a terminal only, and erases it at the end", async () => {
  await using server = serve(SOON);
  const inputs = Array.from({ length: 20 }, (_, i) => `Hub&&id&&${i}`);
  const args = ["send", "--url", server.url];
  const shown = await runCommand([...args, ...inputs], { terminals: ["stderr"] });
  assertMatch(shown.stderr, /\] \d+ of 20 requests done, \d+ in flight/);
  // deno-lint-ignore no-control-regex -- it is what takes the line away
  assertMatch(shown.stderr, /\x1b\[1A\r\x1b\[J20 requests: 20 answered/);
  const cases: [args: string[], terminals: ("stdout" | "stderr")[]][] = [
    [inputs, ["stdout"]],
    [inputs.slice(0, 3), ["stderr"]],
    [[...inputs, "--quiet"], ["stderr"]],
  ];
  for (const [more, terminals] of cases) {
    const { stderr } = await runCommand([...args, ...more], { terminals });
    assert(!stderr.includes("\x1b"), stderr);
  }
});

Deno.test("send --chart draws answers on stderr, even without a terminal", async () => {
  await using server = serve({ ...SOON, limits: { maxPacketSize: 60 } });
  const args = ["send", "--url", server.url, "--chart", "--quiet", "--id"];
  const { stdout, stderr } = await runCommand([...args, "first", "a"]);
  assertEquals(stdout, '{"request_id":"first","data":{}}\n');
  assertMatch(stderr, /^Requests\n {2}first {2}[█▌]+ \S+ ms\n +0[^\n]*\n\n$/);
  const none = await runCommand([...args.slice(0, -1)], { stdin: "" });
  assertEquals(none.stderr, "");
});

Deno.test("send --json writes the summary as JSON in the last line of stderr", async () => {
  await using server = serve({ ...AT_ONCE, limits: { maxPacketSize: 60 } });
  await using hostile = startMockServer({
    onPacket: ({ request_id }, socket) =>
      socket.send(JSON.stringify({ request_id, error: { code: "\x9b", message: "" } })),
  });
  const send = async (url: string) => {
    const { stderr } = await runCommand(["send", "--url", url, "--json", "a", "x".repeat(60)]);
    assert(!stderr.includes("\x9b"));
    return JSON.parse(stderr.trimEnd().split("\n").at(-1)!);
  };
  const { counts, errors } = await send(server.url);
  assertEquals(counts, { requests: 2, answered: 1, failed: 1 });
  assertEquals(errors, { packet_too_large: 1 });
  assertEquals((await send(hostile.url)).errors, { "\x9b": 2 });
});
