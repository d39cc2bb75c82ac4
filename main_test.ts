import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve } from "./server.ts";
import { awaitedLater, until } from "./tests/support/waiting.ts";
import { runCommand, startCommand } from "./tests/support/fake_streams.ts";
import { freePort } from "./tests/support/machine.ts";
import { startMockServer } from "./tests/support/mock_server.ts";
import { readToEnd, startRawServer } from "./tests/support/raw_tcp.ts";
import { convertVectors } from "./tests/support/vectors.ts";

const EXAMPLE = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";
const EXAMPLE_RESPONSE =
  '{"request_id":"01","data":{"Hub":{"name":"qwe","id":"123"},"Device":{"name":"wqe","id":"234"}}}\n';
const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };
const SOON = { port: 0, delay: { min: 0.005, max: 0.05 } };
const LATE = { port: 0, delay: { min: 600, max: 600 } };
const COMMANDS = ["serve", "work", "send", "convert", "bench", "demo", "completions"];
const LISTS_ALL = '"asyncpkt help" lists all commands';

/** A stdin that stays open; `write` puts text into it. */
function openStdin(): {
  stream: ReadableStream<Uint8Array>;
  write(text: string): void;
  end(): void;
} {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
  return {
    stream,
    write: (text) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
  };
}

// The command line.

Deno.test("main() shows the help of the program and of each command", async () => {
  for (const args of [["--help"], ["-h"], ["help"]]) {
    const { code, stdout, stderr } = await runCommand(args);
    assertEquals([code, stderr], [0, ""]);
    for (const name of COMMANDS) assertMatch(stdout, new RegExp(`^  ${name} `, "m"));
  }
  for (const name of COMMANDS) {
    for (const args of [[name, "--help"], [name, "-h"], [name, "--x", "--help"], ["help", name]]) {
      const { code, stdout, stderr } = await runCommand(args);
      assertEquals([code, stderr], [0, ""]);
      assertMatch(stdout, new RegExp(`^Usage: asyncpkt ${name}\\b`, "m"));
      assertMatch(stdout, new RegExp(`^Examples:\n  .*asyncpkt ${name}\\b`, "m"));
      assertMatch(stdout, /^ {2}-h, --help +shows this help$/m);
      assert(stdout.split("\n").every((line) => line.length <= 100));
    }
  }
});

Deno.test("main() shows the version", async () => {
  const { code, stdout } = await runCommand(["--version"]);
  const project = JSON.parse(await Deno.readTextFile(new URL("./deno.json", import.meta.url)));
  assertEquals(code, 0);
  assert(stdout.startsWith(`asyncpkt ${project.version} (Deno ${Deno.version.deno},`), stdout);
});

Deno.test("main() shows the help on stderr without arguments", async () => {
  const { code, stdout, stderr } = await runCommand([]);
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^Usage: asyncpkt COMMAND/m);
});

Deno.test("main() suggests the closest command for an unknown one", async () => {
  const cases = [
    ["srve", "did you mean serve?"],
    ["sned", "did you mean send?"],
    ["toString", LISTS_ALL],
    ["__proto__", LISTS_ALL],
    ["--nonsense", LISTS_ALL],
    ["\x1b[2J", LISTS_ALL],
    ["", LISTS_ALL],
  ];
  for (const [name, hint] of cases) {
    const { code, stdout, stderr } = await runCommand([name!]);
    assertEquals([code, stdout], [2, ""]);
    assertEquals(stderr, `asyncpkt: unknown command ${JSON.stringify(name)}; ${hint}\n`);
    const help = await runCommand(["help", name!]);
    assertEquals([help.code, help.stdout], [2, ""]);
    assertEquals(help.stderr, `asyncpkt help: unknown command ${JSON.stringify(name)}; ${hint}\n`);
  }
});

const WRONG: [args: string[], ...named: (string | RegExp)[]][] = [
  [["serve", "--nonsense"], "--nonsense"],
  [["serve", "--nonsense=1"], "--nonsense"],
  [["serve", "-x"], "-x"],
  [["serve", "--__proto__", "x"], "--__proto__"],
  [["send", "--constructor=1", "x"], "--constructor"],
  [["serve", "here"], '"here"'],
  [["serve", "--port", "http"], "--port", '"http"', "from 0 to 65535"],
  [["serve", "--port", "65536"], "--port", '"65536"', "65535"],
  [["serve", "--port", "-1"], "--port", '"-1"'],
  [["serve", "--port", "80.5"], "--port", '"80.5"'],
  [["serve", "--port"], "--port", "expected a value, as in --port N"],
  [["serve", "--port="], "--port", "expected a value, as in --port N"],
  [["serve", "--port", ""], "--port", "expected a value, as in --port N"],
  [["serve", "--delay", "5..1"], "--delay", '"5..1"', "such as 1..5"],
  [["serve", "--delay", "-1"], "--delay", '"-1"'],
  [["serve", "--delay", "soon"], "--delay", '"soon"'],
  [["serve", "--delay", "1..1e9"], "--delay", '"1..1e9"'],
  [["serve", "--delay", "normal:3"], "--delay", '"normal:3"', "normal:3,0.5"],
  [["serve", "--fault", "drop"], "--fault", '"drop"', "drop=0.01"],
  [["serve", "--fault", "dorp=0.1"], "--fault", '"dorp"', "drop, error"],
  [["serve", "--fault", "drop=0.6,error=0.6"], "--fault", "1.2", "at most 1"],
  [["serve", "--fault", "drop=0.1,stall=0.1"], "--fault stall needs --websocket strict"],
  [["serve", "--refuse", "1"], "--refuse needs --websocket strict"],
  [["serve", "--handshake-delay", "1s"], "--handshake-delay needs --websocket strict"],
  [["serve", "--websocket", "none"], "--websocket", '"none"', "deno or strict"],
  [["serve", "--seed", "x"], "--seed", '"x"', "integer"],
  [["serve", "--seed", "9007199254740993"], "--seed", "9007199254740993"],
  [["serve", "--log-format", "xml"], "--log-format", '"xml"', "text or json"],
  [["serve", "--max-packet-size", "1MB"], "--max-packet-size", '"1MB"', "1MiB"],
  [["serve", "--max-packet-size", "0"], "--max-packet-size", '"0"'],
  [["serve", "--max-in-flight", "0"], "--max-in-flight", '"0"', "at least 1"],
  [["serve", "--max-in-flight-total", "0"], "--max-in-flight-total", '"0"', "at least 1"],
  [["serve", "--max-connections", "-1"], "--max-connections", '"-1"', "at least 1"],
  [["serve", "--max-connections-per-address", "x"], "--max-connections-per-address", '"x"'],
  [["serve", "--max-wrong", "1.5"], "--max-wrong", '"1.5"', "at least 1"],
  [["serve", "--max-buffered", "16MB"], "--max-buffered", '"16MB"', "1MiB"],
  [["serve", "--drain-timeout", "0"], "--drain-timeout", '"0"', "such as 10"],
  [["serve", "--quiet=no"], "--quiet"],
  [["serve", "--token", "s3cret"], "unknown flag --token"],
  [["serve", "--token-file", "/nonexistent"], "/nonexistent", "no such file"],
  [["serve", "--token-file", "/dev/null"], "/dev/null", "letters, digits", "got an empty text"],
  [["serve", "--token-file", "README.md"], "README.md", "got other characters"],
  [["serve", "--allow-origin", "*"], "--allow-origin", '"*"', "such as https://"],
  [["serve", "--cert", "README.md"], "expected --cert and --key, got only --cert"],
  [["serve", "--key", "README.md"], "expected --cert and --key, got only --key"],
  [["serve", "--workers", "2", "--nats", "nats://x"], "--nats and --workers exclude each other"],
  [["serve", "--cert", "/nonexistent", "--key", "README.md"], "/nonexistent", "no such file"],
  [["serve", "--cert", "LICENSE", "--key", "README.md"], "cannot use LICENSE with README.md"],
  [["send", "--token-file", "/nonexistent", "x"], "/nonexistent", "no such file"],
  [["send", "--ca", "/nonexistent", "x"], "/nonexistent", "no such file"],
  [["send", "--ca", "README.md", "x"], "--ca README.md", "expected a certificate"],
  [["bench", "--token-file", "/dev/null"], "/dev/null", "got an empty text"],
  [["send", "--concurrency", "none", "x"], "--concurrency", '"none"', "at least 1"],
  [["send", "--timeout", "0", "x"], "--timeout", '"0"', "such as 10"],
  [["send", "--timeout", "10x", "x"], "--timeout", '"10x"'],
  [["send", "--id", "1", "x", "y"], "--id", "2"],
  [["send", "--id", "1"], "--id"],
  [["send", "--file", "x", "y"], "--file"],
  [["send", "--strict", "--replay", "x"], "--strict", "--replay"],
  [["send", "--file", "/nonexistent"], "/nonexistent", "no such file"],
  [["send", "--url", "nonsense", "x"], "--url", "nonsense"],
  [["send", "--url", "ftp://x", "x"], "--url", "ftp"],
  [["convert", "file"], '"file"', "stdin"],
  [["convert", "--forth"], "--forth"],
  [["demo", "more"], '"more"'],
  [["help", "serve", "more"], "expected one command", '"more"'],
  [["completions"], '""', "bash, zsh, or fish"],
  [["completions", "csh"], '"csh"', "bash, zsh, or fish"],
  [["completions", "toString"], '"toString"'],
  [["completions", "bash", "zsh"], '"bash zsh"'],
];

Deno.test("main() explains a wrong command line in one line of stderr, with exit code 2", async () => {
  for (const [args, ...named] of WRONG) {
    const { code, stdout, stderr } = await runCommand(args, { terminals: [] });
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, new RegExp(`^asyncpkt ${args[0]}: [^\n]+\n$`), args.join(" "));
    for (const text of named) assert(stderr.includes(String(text)), `${args}: ${stderr}`);
  }
});

Deno.test("send and convert show the help instead of waiting when stdin is a terminal", async () => {
  for (const name of ["send", "convert"]) {
    const { code, stdout, stderr } = await runCommand([name], {
      stdin: openStdin().stream,
      terminals: ["stdin"],
    });
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, new RegExp(`^Usage: asyncpkt ${name}`, "m"));
  }
});

// serve

Deno.test("serve answers the example of send, and logs it", async () => {
  const server = startCommand(["serve", "--port", "0", "--delay", "0.03..0.04"]);
  const [, url] = await server.seen(/^Listening on (ws:\/\/127\.0\.0\.1:\d+)\n/);
  const { code, stdout, stderr } = await runCommand(["send", "--id", "01", "--url", url!, EXAMPLE]);
  assertEquals([code, stdout], [0, EXAMPLE_RESPONSE]);
  assertMatch(stderr, /^1 request: 1 answered, 0 failed, in \d+\.\d\d s\nlatency: min 0\.\d{3} s,/);
  server.interrupt();
  assertEquals(await server.exit, 0);
  assertEquals(server.stderr, "");
  assertEquals(server.stdout.split("\n").slice(1), [
    "01: Timeout 0.0 seconds for this one.",
    "Draining: 0 in flight",
    "Drained: all answered",
    "",
  ]);
});

Deno.test("serve --log-format json logs one object per line, with each delay", async () => {
  const server = startCommand([
    ...["serve", "--port", "0", "--delay", "0.03..0.2", "--seed", "5", "--log-format=json"],
  ]);
  const [, url] = await server.seen(/"url":"(ws:[^"]+)"/);
  const packets = ['{"request_id":7,"data":"a&&b&&c"}', '{"request_id":"x\\u001b","data":""}'];
  const sent = await runCommand(["send", "--url", url!, "--quiet", ...packets, "--", "}"]);
  assertEquals([sent.code, sent.stderr], [0, ""]);
  const posted = await fetch(url!.replace("ws", "http"), { method: "POST", body: "{" });
  assertEquals(posted.status, 400);
  await posted.body?.cancel();
  server.interrupt();
  assertEquals(await server.exit, 0);

  const records = server.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(records.map(({ event }) => event), [
    ...["listening", "accepted", "accepted", "accepted", "refused", "draining", "drained"],
  ]);
  for (const { time, level } of records) {
    assertEquals(new Date(time).toISOString(), time);
    assertMatch(level, /^(info|warning)$/);
  }
  const accepted = records.slice(1, 4);
  assertEquals(accepted.slice(0, 2).map(({ request_id }) => request_id), [7, "x\x1b"]);
  for (const { delay, message } of accepted) {
    assert(delay >= 0.03 && delay <= 0.2);
    assertEquals(message, `Timeout ${delay.toFixed(1)} seconds for this one.`);
  }
  assertEquals([records[4].request_id, records[4].code], [null, "invalid_json"]);
  assertEquals(records[5].in_flight ?? records[5].inFlight, 0);
});

Deno.test("serve escapes text from clients", async () => {
  for (const format of ["text", "json"]) {
    const server = startCommand(["serve", "--port", "0", "--delay", "0", "--log-format", format]);
    const [, url] = await server.seen(/(ws:\/\/127[^" \n]+)/);
    const bodies = [
      JSON.stringify({ request_id: evil, data: "" }).replaceAll("\\u009b", "\x9b"),
      JSON.stringify([{ request_id: evil, data: 1 }, { request_id: [evil], data: "" }]),
      evil,
      `{"request_id":"${"\u202e".repeat(300)}","data":""}`,
    ];
    for (const body of bodies) {
      const response = await fetch(url!.replace("ws", "http"), { method: "POST", body });
      await response.body?.cancel();
    }
    server.interrupt();
    assertEquals(await server.exit, 0);
    assertTame(server.stdout + server.stderr);
    assertEquals(server.stdout.trimEnd().split("\n").length, 8, server.stdout);
  }
});

Deno.test("serve --quiet logs no requests", async () => {
  const server = startCommand(["serve", "--port", "0", "--delay", "0", "--quiet"]);
  const [, url] = await server.seen(/^Listening on (\S+)\n/);
  await runCommand(["send", "--url", url!, "a", "b"]);
  server.interrupt();
  await server.exit;
  assertMatch(server.stdout, /^Listening on \S+\nDraining: 0 in flight\nDrained: all answered\n$/);
});

Deno.test("serve shows a status line below the log on a terminal only", async () => {
  const seen = [];
  for (const terminal of [true, false]) {
    for (const format of ["text", "json"]) {
      const server = startCommand(
        ["serve", "--port", "0", "--delay", "0.01", "--log-format", format],
        { terminals: terminal ? ["stdout"] : [] },
      );
      const [url] = await server.seen(/ws:[\d./]+:\d+/);
      await runCommand(["send", "--url", url, "a"]);
      if (terminal && format === "text") {
        await server.seen(/0 requests in flight, 1 answered, \d+ answers?\/s/);
      }
      server.interrupt();
      assertEquals(await server.exit, 0);
      // deno-lint-ignore no-control-regex -- it is what draws in place
      seen.push([server.stdout.includes("answered, "), /\x1b\[\d+A/.test(server.stdout)]);
    }
  }
  assertEquals(seen, [[true, true], [false, false], [false, false], [false, false]]);
});

Deno.test("serve applies the limits of its flags", async () => {
  const server = startCommand([
    ...["serve", "--port", "0", "--delay", "60", "--max-in-flight", "2"],
    ...["--max-packet-size", "1KiB"],
  ]);
  const [, url] = await server.seen(/^Listening on (\S+)\n/);
  const send = startCommand([
    ...["send", "--url", url!, "--no-retry", "a", "b", "c", "x".repeat(1024)],
  ]);
  await until("two are refused", () => send.stdout.split("\n").length === 3);
  const codes = send.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).error.code);
  assertEquals(codes.sort(), ["overloaded", "packet_too_large"]);
  send.interrupt();
  assertEquals(await send.exit, 130);
  server.interrupt();
  assertEquals(await server.exit, 0);
});

Deno.test("serve serves the console to browsers, except with --no-console", async () => {
  for (const [flags, status] of [[[], 200], [["--no-console"], 426]] as const) {
    const server = startCommand(["serve", "--port", "0", ...flags]);
    const [, url] = await server.seen(/^Listening on (\S+)\n/);
    const headers = { accept: "text/html" };
    const response = await fetch(url!.replace("ws", "http"), { headers });
    assertEquals(response.status, status);
    await response.body?.cancel();
    server.interrupt();
    assertEquals(await server.exit, 0);
  }
});

Deno.test("serve explains in one line why it cannot listen, with exit code 3", async () => {
  await using server = serve(AT_ONCE);
  const noAddress = "this machine has no such address; --hostname 0.0.0.0 listens on all addresses";
  const unknown = "the host name cannot be resolved";
  const name = "x".repeat(64); // a label that no server of names is asked about
  const table: [hostname: string, port: number, where: string, reason: string][] = [
    [
      "127.0.0.1",
      server.port,
      `127.0.0.1:${server.port}`,
      "the port is in use; --port 0 picks a free one",
    ],
    ["192.0.2.1", 0, "192.0.2.1:0", noAddress],
    ["2001:db8::1", 0, "[2001:db8::1]:0", noAddress],
    [name, 0, `${name}:0`, unknown],
  ];
  for (const [hostname, port, where, reason] of table) {
    for (const workers of ["1", "2"]) {
      const args = ["--hostname", hostname, "--port", `${port}`, "--workers", workers];
      // Workers share a port, so that it is not in use.
      if (port > 0 && workers === "2") continue;
      const { code, stdout, stderr } = await runCommand(["serve", ...args]);
      assertEquals([code, stdout], [3, ""]);
      assertEquals(stderr, `asyncpkt serve: cannot listen on ${where}: ${reason}\n`);
    }
  }
});

Deno.test("serve accepts clients with the token, and never logs the token", async () => {
  const folder = await Deno.makeTempDir();
  const [right, wrong] = [`${folder}/right`, `${folder}/wrong`];
  await Deno.writeTextFile(right, "s3cret\n");
  await Deno.writeTextFile(wrong, "gu3ss\r\n");
  const server = startCommand(["serve", "--port", "0", "--delay", "0", "--token-file", right]);
  const [, url] = await server.seen(/^Listening on (\S+)\n/);
  const send = ["send", "--url", url!, "--id", "01", EXAMPLE];
  const bench = ["bench", "--url", url!, "-n", "10", "--output-format", "json"];
  const run = (args: string[], file: string) => runCommand([...args, "--token-file", file]);
  const admitted = await Promise.all([run(send, right), run(bench, right)]);
  const refused = await Promise.all([
    ...[run(send, wrong), run(bench, wrong), runCommand(send), runCommand(bench)],
  ]);
  await Deno.remove(folder, { recursive: true });
  server.interrupt();
  assertEquals(await server.exit, 0);
  assertEquals(admitted.map(({ code }) => code), [0, 0]);
  assertEquals(admitted[0]!.stdout, EXAMPLE_RESPONSE);
  for (const { code, stdout, stderr } of refused) {
    assertEquals([code, stdout], [3, ""]);
    assertMatch(stderr, /^asyncpkt \w+: cannot connect to [^\n]*401[^\n]*\n$/);
  }
  const said = [server, ...admitted, ...refused].map(({ stdout, stderr }) => stdout + stderr);
  for (const text of said) assert(!/s3cret|gu3ss/.test(text), text);
});

Deno.test("serve warns when anyone can connect", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "s3cret");
  const warning = "Anyone who can reach this server may use it; --token-file requires a token";
  const table: [flags: string[], warns: boolean][] = [
    [["--hostname", "0.0.0.0"], true],
    [["--hostname", "0.0.0.0", "--quiet"], true],
    [["--hostname", "0.0.0.0", "--token-file", file], false],
    [["--hostname", "localhost"], false],
    [[], false],
  ];
  for (const [flags, warns] of table) {
    const server = startCommand(["serve", "--port", "0", ...flags]);
    await server.seen(/^Listening on \S+\n/);
    server.interrupt();
    assertEquals(await server.exit, 0);
    assertEquals(server.stdout.split("\n").includes(warning), warns, flags.join(" "));
  }
  await Deno.remove(file);
});

Deno.test("serve accepts pages of allowed origins", async () => {
  const origins = ["https://a.example", "http://localhost:3000"];
  const flags = origins.flatMap((origin) => ["--allow-origin", origin]);
  const server = startCommand(["serve", "--port", "0", "--delay", "0", ...flags]);
  const [, url] = await server.seen(/^Listening on (\S+)\n/);
  const statuses = [...origins, "https://b.example"].map(async (origin) => {
    const init = { method: "POST", body: '{"request_id":1,"data":""}', headers: { origin } };
    const response = await fetch(url!.replace("ws", "http"), init);
    await response.body?.cancel();
    return response.status;
  });
  assertEquals(await Promise.all(statuses), [200, 200, 403]);
  server.interrupt();
  assertEquals(await server.exit, 0);
});

// send

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
  const send = startCommand(["send", "--url", server.url, "--quiet"], { stdin: stdin.stream });
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
      stdin: stdin.stream,
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
  const send = startCommand(args, { stdin: stdin.stream });
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
  await using server = serve(LATE);
  // It is for connecting as well, which takes a busy machine a while.
  const args = ["send", "--url", server.url, "--timeout", "2", "a", "b"];
  const { code, stdout, stderr } = await runCommand(args);
  assertEquals([code, stdout], [4, ""]);
  assertMatch(stderr, /^"1": timed_out: no answer within 2 s\n"2": timed_out: /);
  assertMatch(stderr, /^2 requests: 0 answered, 2 failed, .*\n {2}2 timed_out\n$/m);
  await until("they were cancelled", () => server.inFlight === 0);
});

Deno.test("send exits with 130 and the summary when it is interrupted", async () => {
  await using server = serve(LATE);
  const stdin = openStdin();
  const send = startCommand(["send", "--url", server.url], { stdin: stdin.stream });
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

/** What a terminal obeys, and what turns text around. */
const evil = "\x1b[2J\x07\x9b\u202e\r\b";

function assertTame(text: string): void {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  assert(!/[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(text), text);
}

Deno.test("send escapes text from servers", async () => {
  await using server = startMockServer({
    onPacket: ({ request_id, data }, socket) => {
      socket.send(`${evil} is not JSON`);
      const unknown = { request_id: evil, data: { a: { b: evil } } };
      socket.send(JSON.stringify(unknown));
      const error = { code: data === "odd" ? evil : "internal", message: evil };
      const answer = data === "fine" ? { data: { [evil]: { b: evil } } } : { error };
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
    assertTame(stdout + stderr);
    const [fine, bad] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
    assertEquals(fine.data, { [evil]: { b: evil } });
    assertEquals(bad.error.message, evil);
    assertMatch(stderr, /^not an answer: \\u001b/m);
    assertMatch(stderr, /^no request waits for /m);
  }
});

Deno.test("send and bench escape the reasons of servers", async () => {
  await using closing = startMockServer({ onPacket: (_, socket) => socket.close(4000, evil) });
  await using refusing = startRawServer(async (connection) => {
    await connection.write(new TextEncoder().encode(`HTTP/1.1 403 ${evil}${evil}\r\n\r\n`));
  });
  await using naming = startMockServer({
    onPacket: ({ request_id }, socket) =>
      socket.send(JSON.stringify({ request_id, error: { code: evil, message: evil } })),
  });
  for (const { url } of [closing, refusing, naming]) {
    for (const args of [["send", "--url", url, "x"], ["bench", "--url", url, "-n", "1"]]) {
      const { code, stdout, stderr } = await runCommand(args, { terminals: ["stdout"] });
      assert(code === 3 || code === 1, `${code}`);
      assertTame(stdout + stderr);
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
  await using evil = startMockServer({
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
  assertEquals((await send(evil.url)).errors, { "\x9b": 2 });
});

// convert

Deno.test("convert converts line by line, and --back returns data that converts to the same", async () => {
  const vectors = convertVectors().filter(({ data }) => !/[\n\r]/.test(data));
  const stdin = vectors.map(({ data }) => data + "\n").join("");
  const { code, stdout, stderr } = await runCommand(["convert"], { stdin });
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout, vectors.map(({ expected }) => expected + "\n").join(""));

  const back = await runCommand(["convert", "--back"], { stdin: stdout });
  const failed = back.stderr.trimEnd().split("\n").filter((line) => line !== "");
  assertEquals(back.code, failed.length > 0 ? 1 : 0);
  const again = await runCommand(["convert"], { stdin: back.stdout });
  const numbers = failed.map((line) => Number(/^line (\d+): ./.exec(line)?.[1]) - 1);
  const expected = vectors.filter((_, i) => !numbers.includes(i));
  assertEquals(again.stdout, expected.map(({ expected }) => expected + "\n").join(""));
  assert(expected.length > vectors.length / 2);
});

Deno.test("convert --back continues after lines that it cannot convert", async () => {
  const stdin = '{"a":{"b":"c"}}\n{\n{"a":{"b":"&&"}}\n{"a":{"b":""}}\n7\n{"d":{"e":"f"}}\n';
  const { code, stdout, stderr } = await runCommand(["convert", "--back"], { stdin });
  assertEquals(code, 1);
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.length, 2);
  assertEquals((await runCommand(["convert"], { stdin: stdout })).stdout.split("\n"), [
    '{"a":{"b":"c"}}',
    '{"d":{"e":"f"}}',
    "",
  ]);
  assertEquals(stderr.match(/^line \d/gm), ["line 2", "line 3", "line 4", "line 5"]);
});

Deno.test("convert ends when it is interrupted, even while it waits for stdin", async () => {
  const stdin = openStdin();
  const convert = startCommand(["convert"], { stdin: stdin.stream });
  stdin.write("a&&b&&c\n");
  await convert.seen(/\n/);
  convert.interrupt();
  assertEquals(await convert.exit, 130);
  assertEquals(convert.stdout, '{"a":{"b":"c"}}\n');
});

// demo

Deno.test("demo ends at once when it is interrupted", async () => {
  const demo = startCommand(["demo"]);
  await demo.seen(/→/);
  demo.interrupt();
  assertEquals(await awaitedLater(demo.exit), 130);
  assertEquals(demo.stderr, "");
});
