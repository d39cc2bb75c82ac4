import { assert, assertEquals, assertMatch } from "@std/assert";
import { canReset } from "../server/resettable_listener.ts";
import { serve } from "../server.ts";
import { assertEscaped, EVIL, runCommand, startCommand } from "../tests/support/fake_streams.ts";
import { until } from "../tests/support/waiting.ts";

const EXAMPLE_RESPONSE =
  '{"request_id":"01","data":{"Hub":{"name":"qwe","id":"123"},"Device":{"name":"wqe","id":"234"}}}\n';
const EXAMPLE = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";
const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };

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
    `Console: ${url!.replace("ws", "http")}`,
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
      JSON.stringify({ request_id: EVIL, data: "" }).replaceAll("\\u009b", "\x9b"),
      JSON.stringify([{ request_id: EVIL, data: 1 }, { request_id: [EVIL], data: "" }]),
      EVIL,
      `{"request_id":"${"\u202e".repeat(300)}","data":""}`,
    ];
    for (const body of bodies) {
      const response = await fetch(url!.replace("ws", "http"), { method: "POST", body });
      await response.body?.cancel();
    }
    server.interrupt();
    assertEquals(await server.exit, 0);
    assertEscaped(server.stdout + server.stderr);
    const lines = server.stdout.split("\n").filter((line) => !line.startsWith("Console: "));
    assertEquals(lines.length, 9, server.stdout);
  }
});

Deno.test("serve --log both logs when requests are accepted and when they are answered", async () => {
  const server = startCommand(["serve", "--port", "0", "--delay", "0.06", "--log", "both"]);
  const [, url] = await server.seen(/^Listening on (\S+)\n/);
  await runCommand(["send", "--quiet", "--url", url!, "--id", "01", EXAMPLE]);
  server.interrupt();
  await server.exit;
  assertEquals(server.stdout.split("\n").slice(2, 4), [
    "01: Timeout 0.1 seconds for this one.",
    "01: Answered after 0.1 seconds.",
  ]);
});

Deno.test("serve --quiet logs no requests", async () => {
  const server = startCommand(["serve", "--port", "0", "--delay", "0", "--quiet"]);
  const [, url] = await server.seen(/^Listening on (\S+)\n/);
  await runCommand(["send", "--url", url!, "a", "b"]);
  server.interrupt();
  await server.exit;
  const end = "Draining: 0 in flight\nDrained: all answered\n";
  assertMatch(server.stdout, new RegExp(`^Listening on \\S+\nConsole: \\S+\n${end}$`));
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
  const cases: [flags: string[], status: number][] = [
    [[], 200],
    [["--no-console"], 426],
    [["--protocol", "echo"], 426],
  ];
  for (const [flags, status] of cases) {
    const server = startCommand(["serve", "--port", "0", ...flags]);
    const [, url] = await server.seen(/^Listening on (\S+)\n/);
    const line = `Console: ${url!.replace("ws", "http")}`;
    assertEquals(server.stdout.split("\n").includes(line), status === 200);
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

Deno.test("serve --control reports the URL of the control API, and who may use it", async () => {
  const flags = ["serve", "--port", "0", "--hostname", "0.0.0.0", "--control"];
  const text = startCommand([...flags, "--journal", "1"]);
  const lines = /^Listening on (\S+)\nConsole: (\S+)\nControl API: (\S+)\nAnyone.*\n/;
  const [, url, console, control] = await text.seen(lines);
  assertEquals(console, url!.replace("ws://0.0.0.0", "http://127.0.0.1"));
  assertEquals(control, `${url!.replace("ws", "http")}/control`);
  const warning =
    "Anyone who can reach this server may use and steer it; --token-file requires a token";
  assertEquals(text.stdout.split("\n")[3], warning);
  const packets = [1, 2].map((request_id) => ({ request_id: request_id, data: 7 }));
  const posted = { method: "POST", body: JSON.stringify(packets) };
  await (await fetch(url!.replace("ws", "http"), posted)).body?.cancel();
  const journal = await (await fetch(`${control}/requests`)).json();
  assertEquals(journal.map(({ number }: { number: number }) => number), [2]);
  text.interrupt();
  assertEquals(await text.exit, 0);

  const json = startCommand([...flags, "--log-format", "json"]);
  const record = JSON.parse((await json.seen(/^.*\n/))[0]);
  assertEquals([record.event, record.console, record.control], [
    "listening",
    record.url.replace("ws://0.0.0.0", "http://127.0.0.1"),
    `${record.url.replace("ws", "http")}/control`,
  ]);
  json.interrupt();
  assertEquals(await json.exit, 0);
});

Deno.test("serve --clock skips delays, or makes them shorter", async () => {
  for (const clock of ["skip", "x10000"]) {
    const server = startCommand(["serve", "--port", "0", "--delay", "1h", "--clock", clock]);
    const [, url] = await server.seen(/^Listening on (\S+)\n/);
    const { code, stdout } = await runCommand(["send", "--id", "01", "--url", url!, EXAMPLE]);
    assertEquals([code, stdout], [0, EXAMPLE_RESPONSE]);
    server.interrupt();
    assertEquals(await server.exit, 0);
  }
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

const ignore = Deno.build.os !== "linux";

Deno.test("serve explains a wrong number of --workers", async () => {
  for (const value of ["0", "-1", "1.5", "all", "1025", "1e1"]) {
    const { code, stderr } = await runCommand(["serve", `--workers=${value}`]);
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /^asyncpkt serve: --workers: expected auto or an integer from 1 to 1024, got ".*"\n$/,
    );
  }
});

Deno.test("serve refuses --log beside --quiet", async () => {
  const { code, stderr } = await runCommand(["serve", "--log", "accepted", "--quiet"]);
  const message = "--log and --quiet exclude each other; leave out all but one";
  assertEquals([code, stderr], [2, `asyncpkt serve: ${message}\n`]);
});

Deno.test({ name: "serve refuses flags that --workers excludes", ignore }, async () => {
  const { code, stderr } = await runCommand(["serve", "--workers", "2", "--record", "-"]);
  assertEquals(code, 2);
  assertEquals(
    stderr,
    "asyncpkt serve: --record and --workers exclude each other; leave out all but one\n",
  );
});

Deno.test({ name: "serve --workers reports that its port is in use", ignore }, async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const { code, stderr } = await runCommand(["serve", "--workers", "2", "--port", `${port}`]);
  assertEquals(code, 3);
  assertMatch(stderr, /: the port is in use; --port 0 picks a free one\n$/);
});

Deno.test("serve refuses flags of the strict transport that it cannot carry out", async () => {
  const table: [args: string[], message: string][] = [
    [["--fault", "stall=1"], "--fault stall needs --websocket strict"],
    [["--fault", "reset=1"], "--fault reset needs --websocket strict"],
    [["--handshake-delay", "1"], "--handshake-delay needs --websocket strict"],
    [["--refuse", "1"], "--refuse needs --websocket strict"],
  ];
  if (canReset()) {
    const flags = ["--websocket", "strict", "--workers", "2", "--fault", "reset=1"];
    table.push([flags, "--fault reset and --workers exclude each other; leave out all but one"]);
  } else {
    const flags = ["--websocket", "strict", "--fault", "reset=1"];
    table.push([flags, "--fault reset needs Deno 2.8 or later"]);
  }
  for (const [args, message] of table) {
    const { code, stderr } = await runCommand(["serve", "--port", "0", ...args]);
    assertEquals([code, stderr], [2, `asyncpkt serve: ${message}\n`]);
  }
});

if (canReset()) {
  Deno.test("serve --fault reset resets connections, and send tries again", async () => {
    const flags = ["--websocket", "strict", "--delay", "0", "--fault", "reset=1"];
    const server = startCommand(["serve", "--port", "0", ...flags]);
    const [, url] = await server.seen(/^Listening on (\S+)\n/);
    const { code, stdout, stderr } = await runCommand(["send", "--url", url!, "a&&b&&c"]);
    assertEquals([code, stdout], [0, '{"request_id":"1","data":{"a":{"b":"c"}}}\n']);
    assertMatch(stderr, /^the connection broke: .*reset.*; trying again in [^]*\nreconnected\n/);
    server.interrupt();
    assertEquals(await server.exit, 0);
    const left = "1 left unanswered by injected faults";
    assert(server.stdout.includes(`\nDrained: 1 answered, ${left}\n`), server.stdout);
  });
}
