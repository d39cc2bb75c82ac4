import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  echoProtocol,
  jsonProtocol,
  jsonRpcProtocol,
  serve,
  type ServeOptions,
} from "../server.ts";
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
import { until } from "../tests/support/waiting.ts";

const RPC = ["send", "--protocol", "jsonrpc"];
const OCPP = ["send", "--protocol", "json", "--id-at", "/1", "--error-at", "/3"];

Deno.test("send sends messages of other protocols, and prints their answers", async (t) => {
  const cases: [args: string[], options: ServeOptions, lines: string[], answers: string[]][] = [
    [
      RPC,
      { protocol: jsonRpcProtocol({ result: "{{/method}}" }) },
      ['{"jsonrpc":"2.0","id":"x","method":"a"}', '{"jsonrpc": "2.0", "method": "b"}'],
      ['{"jsonrpc":"2.0","id":"x","result":"a"}', '{"jsonrpc":"2.0","id":2,"result":"b"}'],
    ],
    [
      OCPP,
      { protocol: jsonProtocol({ idAt: "/1", answer: "[3,{{id}},{}]" }) },
      ['[2,"a","Heartbeat",{}]', '[2,"b","Heartbeat",{}]'],
      ['[3,"a",{}]', '[3,"b",{}]'],
    ],
    [
      ["send", "--protocol", "echo"],
      { protocol: echoProtocol() },
      ["hello", "", "hello", "ü&&"],
      ["hello", "", "hello", "ü&&"],
    ],
  ];
  for (const [args, options, lines, answers] of cases) {
    await t.step(args.join(" "), async () => {
      await using server = serve({ port: 0, delay: { min: 0.01, max: 0.1 }, ...options });
      const command = [...args, "--url", server.url, "--ordered"];
      const runs = await Promise.all([
        runCommand([...command, "--", ...lines]),
        runCommand([...command, "--chart"], { stdin: lines.join("\n") + "\n" }),
      ]);
      for (const { code, stdout, stderr } of runs) {
        assertEquals([code, stdout], [0, answers.join("\n") + "\n"]);
        assertMatch(stderr, new RegExp(`^${lines.length} requests: ${lines.length} answered`, "m"));
        assertMatch(stderr, /^latency: min 0\.\d+ s/m);
      }
    });
  }
});

Deno.test("send exits with 1 for errors, 4 for requests without an answer", async () => {
  using time = new FakeTime();
  await using server = startMockServer({
    onFrame(frame, socket) {
      const { id } = JSON.parse(frame);
      const send = (answer: unknown) => socket.send(JSON.stringify(answer));
      if (id === 1) return send({ id, error: { code: -32601, message: "no" } });
      if (id === 2) return socket.send(`[{"id":2,\n"result":0},{"id":2,"result":0}]`);
      if (id === 3) return time.pass(5000);
    },
  });
  const message = '{"jsonrpc":"2.0","method":"m"}';
  const url = ["--url", server.url, "--timeout", "5"];
  const failed = await runCommand([...RPC, ...url, "--json", message]);
  assertEquals([failed.code, failed.stdout], [
    1,
    '{"id":1,"error":{"code":-32601,"message":"no"}}\n',
  ]);
  const summary = JSON.parse(failed.stderr);
  assertEquals([summary.counts.failed, summary.errors], [1, { "-32601": 1 }]);
  const { code, stdout, stderr } = await runCommand(
    [...RPC, ...url, "-p", "1", message, message, message],
  );
  assertEquals(code, 4);
  assertEquals(stdout.split("\n").slice(1), ['{"id":2, "result":0}', ""]);
  assertMatch(
    stderr,
    /^no request waits for \{"id":2,"result":0\}\n3: timed_out: no answer within 5 s\n/,
  );
});

Deno.test("send matches answers with the same id in the order sent", async () => {
  const frames: string[] = [];
  await using server = startMockServer({
    onFrame(frame, socket) {
      if (frames.push(frame) < 2) return;
      for (const result of [1, 2]) socket.send(`{"id":"x","result":${result}}`);
    },
  });
  const messages = ["a", "b"].map((method) => `{"id":"x","method":"${method}"}`);
  const { code, stdout } = await runCommand([...RPC, "--url", server.url, ...messages]);
  assertEquals([code, frames], [0, messages]);
  assertEquals(stdout, '{"id":"x","result":1}\n{"id":"x","result":2}\n');
});

Deno.test("send does not send what is no message", async () => {
  await using server = serve({ port: 0, delay: 0, protocol: jsonRpcProtocol() });
  const inputs = [
    "{",
    '[{"id":1}]',
    '{"jsonrpc":"2.0","id":null}',
    '{"jsonrpc":"2.0","method":"m"}',
  ];
  const { code, stdout, stderr } = await runCommand([...RPC, "--url", server.url, ...inputs]);
  assertEquals([code, stdout], [1, '{"jsonrpc":"2.0","id":4,"result":null}\n']);
  assertMatch(
    stderr,
    /^argument 1: \{: not JSON; not sent\nargument 2: .* at \/id, got none; not sent\nargument 3: .* got null; not sent\n4 requests: 1 answered, 3 failed/,
  );
  assertStringIncludes(stderr, "3 invalid_line");
});

Deno.test("send ends with the connection, which it does not open again", async () => {
  let connections = 0;
  await using server = startMockServer({
    onOpen: () => connections++,
    onFrame: (_, socket) => socket.close(4001, EVIL),
  });
  const stdin = openStdin();
  const send = startCommand([...RPC, "--url", server.url], { stdin: stdin.readable });
  stdin.write('{"id":1}\n');
  assertEquals([await send.exit, connections], [3, 1]);
  assertEscaped(send.stderr);
  assertMatch(send.stderr, /^1: connection_lost: the connection was closed with 4001 \\u001b/);
  assertMatch(send.stderr, /the connection was lost before the input ended\n$/);
});

Deno.test("send --wait sends messages when the server starts later", async () => {
  const port = freePort();
  const url = ["--url", `ws://127.0.0.1:${port}`];
  const refused = await runCommand([...RPC, ...url, '{"id":1}']);
  assertEquals(refused.code, 3);
  assertStringIncludes(refused.stderr, "; start the server, or check the port\n");
  const send = startCommand([...RPC, ...url, "--wait", '{"jsonrpc":"2.0","id":1,"method":"m"}']);
  await send.said(/; waiting for the server, for 10 s at most\n/);
  await using _ = serve({ port, delay: 0, protocol: jsonRpcProtocol() });
  assertEquals(await send.exit, 0);
  assertEquals(send.stdout, '{"jsonrpc":"2.0","id":1,"result":null}\n');
});

Deno.test("send of messages can be interrupted", async () => {
  await using server = serve({ port: 0, delay: 600, protocol: echoProtocol() });
  const send = startCommand(["send", "--protocol", "echo", "--url", server.url, "a", "b"]);
  await until("both are in flight", () => server.inFlight === 2);
  send.interrupt();
  assertEquals(await send.exit, 130);
  assertMatch(send.stderr, /^2 requests: 0 answered, 2 failed, .*\n {2}2 aborted\n$/);
});

Deno.test("send offers --subprotocol, and escapes text from servers", async () => {
  await using server = startMockServer({
    protocol: "ocpp1.6",
    onFrame(frame, socket) {
      const [, id] = JSON.parse(frame);
      socket.send(EVIL);
      socket.send(new TextEncoder().encode(JSON.stringify([2, "theirs", "Reset"])));
      socket.send(`[4,"${id}","\u202e","",{}]`);
    },
  });
  const args = [...OCPP, "--url", server.url, "--subprotocol", "ocpp1.6", '[2,"1","Boot",{}]'];
  const { code, stdout, stderr } = await runCommand(args, { terminals: ["stdout"] });
  assertEquals([code, stdout], [1, '[4,"1","\\u202e","",{}]\n']);
  assertEscaped(stderr);
  assertMatch(stderr, /^not an answer: \\u001b.*\nno request waits for \[2,"theirs","Reset"\]\n/);
});

Deno.test("send explains flags that a protocol does not have", async () => {
  const cases: [args: string[], message: string][] = [
    [[...RPC, "--strict", "{}"], "--strict needs --protocol packets, got jsonrpc"],
    [[...RPC, "--id", "1", "{}"], "--id needs --protocol packets, got jsonrpc"],
    [[...RPC, "--replay", "x"], "--replay needs --protocol packets, got jsonrpc"],
    [[...RPC, "--no-retry", "{}"], "--no-retry needs --protocol packets, got jsonrpc"],
    [[...RPC, "--id-at", "/x", "{}"], "--id-at needs --protocol json, got jsonrpc"],
    [["send", "--subprotocol", "x", "y"], "--subprotocol needs --protocol jsonrpc, json, or echo"],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await runCommand(args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, `asyncpkt send: ${message}`);
  }
});
