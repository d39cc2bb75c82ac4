import { assertEquals, assertMatch } from "@std/assert";
import { serve } from "../server.ts";
import { FULL, runCommand, startCommand } from "../tests/support/fake_streams.ts";
import { startMockServer } from "../tests/support/mock_server.ts";
import { startProgram, taskArgs } from "../tests/support/program.ts";
import { until } from "../tests/support/waiting.ts";

const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };

/** Returns an input of `a&&b&&c` lines without end, and whether it was cancelled. */
function endlessInput() {
  const lines = new TextEncoder().encode("a&&b&&c\n".repeat(100));
  const input = { isCancelled: false, lines: 0 };
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve));
      input.lines += 100;
      controller.enqueue(lines);
    },
    cancel: () => void (input.isCancelled = true),
  });
  return Object.assign(input, { stream });
}

/** Returns an input that stays open after one line. */
function openInput(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("a&&b&&c\n")),
  });
}

Deno.test("main() exits with 1 after one line on stderr when stdout cannot be written", async () => {
  await using server = serve(AT_ONCE);
  const cases: [args: string[], room: number][] = [
    [["--help"], 0],
    [["--help"], 100],
    [["help"], 0],
    [["--version"], 0],
    [["completions", "bash"], 1000],
    [["convert", "--help"], 0],
    [["convert"], 3],
    [["plan", "--seed", "1", "a"], 3],
    [["demo"], 0],
    [["send", "--url", server.url], 0],
    [["send", "--url", server.url, "--quiet"], 10],
    [["send", "--url", server.url, "--json", "--chart"], 10],
    [["bench", "--url", server.url, "-n", "1", "--json"], 0],
    [["bench", "--url", server.url, "-n", "1"], 20],
  ];
  for (const [args, room] of cases) {
    const options = { room: { stdout: room }, stdin: openInput() };
    const { code, stdout, stderr } = await runCommand(args, options);
    const program = args[0]!.startsWith("-") ? "asyncpkt" : `asyncpkt ${args[0]}`;
    assertEquals([code, stdout.length, stderr], [
      1,
      room,
      `${program}: cannot write to stdout: ${FULL}\n`,
    ]);
  }
});

Deno.test("main() ends quietly when the reader of stdout has left", async () => {
  await using server = serve(AT_ONCE);
  const gone = { room: { stdout: 3 }, error: new Deno.errors.BrokenPipe("Broken pipe") };
  const commands = [["--help"], ["convert"], ["demo"], ["send", "--url", server.url, "--quiet"]];
  for (const args of commands) {
    const input = endlessInput();
    const { code, stderr } = await runCommand(args, { ...gone, stdin: input.stream });
    assertEquals([code, stderr], [0, ""], args.join(" "));
  }
});

Deno.test("main() exits with 1 when stderr cannot be written, unless another exit code applies", async () => {
  const room = { stderr: 0 };
  const bad = await runCommand(["convert", "--back"], { room, stdin: "7\n" });
  assertEquals([bad.code, bad.stdout], [1, ""]);
  await using server = serve(AT_ONCE);
  const sent = await runCommand(["send", "--url", server.url, "x"], { room });
  assertEquals([sent.code, sent.stdout], [1, '{"request_id":"1","data":{}}\n']);
  const wrong = await runCommand(["send", "--nonsense"], { room: { stderr: 0, stdout: 0 } });
  assertEquals(wrong.code, 2);
});

Deno.test("main() convert and send stop reading when stdout cannot be written", async () => {
  await using server = serve(AT_ONCE);
  for (const args of [["convert"], ["send", "--url", server.url]]) {
    const input = endlessInput();
    const { code, stderr } = await runCommand(args, {
      stdin: input.stream,
      room: { stdout: 5000 },
    });
    assertEquals(code, 1);
    assertMatch(stderr, /^asyncpkt \w+: cannot write to stdout: [^\n]*\n$/);
    await until("the input is given up", () => input.isCancelled);
  }
});

Deno.test("main() send gives up the requests in flight when stdout cannot be written", async () => {
  await using server = startMockServer({
    onPacket({ request_id, data }, socket) {
      if (data === "a") socket.send(JSON.stringify({ request_id, data: {} }));
    },
  });
  const args = ["send", "--url", server.url, "--timeout", "600", "a", "b", "c"];
  const { code, stderr } = await runCommand(args, { room: { stdout: 0 } });
  assertEquals(code, 1);
  assertMatch(stderr, /^asyncpkt send: cannot write to stdout: [^\n]*\n$/);
});

Deno.test("main() serve goes on when its log cannot be written, and exits with 1", async () => {
  const server = startCommand(["serve", "--port", "0", "--delay", "0"], { room: { stdout: 40 } });
  const [, url] = await server.seen(/^Listening on (\S+)\n/);
  for (let i = 0; i < 2; i++) {
    assertEquals((await runCommand(["send", "--url", url!, "--quiet", "a"])).code, 0);
    await server.said(/\n/);
  }
  server.interrupt();
  assertEquals([await server.exit, server.stderr], [
    1,
    `asyncpkt serve: cannot write to stdout: ${FULL}\n`,
  ]);
});

Deno.test("main() serve --record - goes on when stdout cannot be written, and exits with 1", async () => {
  const args = ["serve", "--port", "0", "--delay", "0", "--quiet", "--record", "-"];
  for (const isLast of [false, true]) {
    // The recording ends with the connection that the drain closes.
    const room = { stdout: isLast ? 300 : 0 };
    const server = startCommand(args, { room });
    const [, url] = await server.said(/^Listening on (\S+)\n/);
    assertEquals((await runCommand(["send", "--url", url!, "--quiet", "a"])).code, 0);
    server.interrupt();
    assertEquals(await server.exit, 1);
    const reports = server.stderr.split("\n").filter((line) => line.startsWith("asyncpkt"));
    const report = `asyncpkt serve: cannot write to stdout: ${FULL}`;
    assertEquals(reports, [report]);
  }
});

// As processes, on a device that is always full.

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os !== "linux", fn });
}

test("the program, as a process, exits with 1 after one line when stdout is a full disk", async () => {
  await using server = serve(AT_ONCE);
  const url = ["--url", server.url];
  const commands: [task: string, ...more: string[]][] = [
    ["convert"],
    ["convert", "--help"],
    ["plan", "--seed", "1"],
    ["demo"],
    ["send", ...url],
    ["bench", ...url, "-n", "1", "--json"],
  ];
  await Promise.all(commands.map(async ([task, ...more]) => {
    const command = [Deno.execPath(), ...await taskArgs(task), ...more];
    const script = `yes 'a&&b&&c' | exec "$@" > /dev/full`;
    await using program = startProgram("bash", ["-c", script, "bash", ...command]);
    const { code, stderr } = await program.result();
    const line = `asyncpkt ${task}: cannot write to stdout: ${FULL}\n`;
    assertEquals([code, stderr], [1, line]);
  }));
});
