import { assert, assertEquals, assertLessOrEqual, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import schema from "../docs/recording.schema.json" with { type: "json" };
import { readRecorded, type Recorded } from "../session/recording.ts";
import { serve } from "../server.ts";
import { Ajv2020 } from "../tests/support/npm_packages.ts";
import { openBrowserSocket } from "../tests/support/browser_socket.ts";
import { FULL, runCommand, startCommand } from "../tests/support/fake_streams.ts";
import { listening, startProgram } from "../tests/support/program.ts";
import { until } from "../tests/support/waiting.ts";

const validate = new Ajv2020({ strict: true, strictRequired: false }).compile(schema);

/** Reads a recording, whose lines must agree with the schema and be in the order of their time. */
function readAll(text: string): Recorded[] {
  assert(text.endsWith("\n"), text);
  let last = 0;
  return text.trimEnd().split("\n").map((line) => {
    const recorded = readRecorded(line);
    assert(recorded !== undefined && validate(JSON.parse(line)), `${line}: ${validate.errors}`);
    assertLessOrEqual(last, recorded.time);
    last = recorded.time;
    return recorded;
  });
}

function framesOf(recording: Recorded[], connection: number, event: string): unknown[] {
  return recording.filter((line) => line.connection === connection && line.event === event)
    .map(({ frame, base64, protocol }) => frame ?? base64 ?? protocol);
}

/** Sends valid and invalid frames to a server. */
async function visit(url: string): Promise<void> {
  await using plain = await openBrowserSocket(url);
  plain.send('{"request_id": 1, "data": "a&&b&&c"}');
  await plain.next();
  plain.send("{\u2028");
  await plain.next();
  plain.send(new Uint8Array([0xff, 0xfe]));
  await plain.next();
  plain.send(new TextEncoder().encode('{"request_id":"é","data":""}'));
  await plain.next();
  await using shared = await openBrowserSocket(url, ["asyncpkt.v1"]);
  shared.send([{ request_id: 1, data: "" }, { request_id: 2, data: "" }]);
  await shared.frames.next();
  const body = '{"request_id":3,"data":""}';
  await (await fetch(url.replace("ws", "http"), { method: "POST", body })).text();
}

const ERROR = '"error":{"code":"invalid_json","message":"the frame is not JSON"}}';

function assertVisited(recording: Recorded[]): void {
  assertEquals([1, 2, 3].map((i) => framesOf(recording, i, "open")), [[""], ["asyncpkt.v1"], [""]]);
  assertEquals(framesOf(recording, 1, "in"), [
    '{"request_id": 1, "data": "a&&b&&c"}',
    "{\u2028",
    "//4=",
    '{"request_id":"é","data":""}',
  ]);
  const out = framesOf(recording, 1, "out");
  assertEquals([out[0], out[3]], [
    '{"request_id":1,"data":{"a":{"b":"c"}}}',
    '{"request_id":"é","data":{}}',
  ]);
  assert(String(out[1]).endsWith(ERROR), String(out[1]));
  assertEquals(framesOf(recording, 2, "in"), [
    '[{"request_id":1,"data":""},{"request_id":2,"data":""}]',
  ]);
  assertEquals(framesOf(recording, 2, "out"), [
    '[{"request_id":1,"data":{},"delay":0.01},{"request_id":2,"data":{},"delay":0.01}]',
  ]);
  assertEquals(framesOf(recording, 3, "out"), ['{"request_id":3,"data":{}}']);
  for (const i of [1, 2, 3]) assertEquals(framesOf(recording, i, "close").length, 1);
}

Deno.test("main() serve --record writes all frames to the file", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "of an earlier run");
    const server = startCommand(["serve", "--port", "0", "--delay", "0.01", "--record", file]);
    const [, url] = await server.seen(/^Listening on (\S+)\n/);
    await visit(url!);
    server.interrupt();
    assertEquals([await server.exit, server.stderr], [0, ""]);
    assertVisited(readAll(await Deno.readTextFile(file)));
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("main() serve --record - writes to stdout, and logs to stderr", async () => {
  const server = startCommand(["serve", "--port", "0", "--delay", "0.01", "--record", "-"]);
  const [, url] = await server.said(/^Listening on (\S+)\n/);
  await visit(url!);
  server.interrupt();
  assertEquals(await server.exit, 0);
  assertVisited(readAll(server.stdout));
  assertMatch(server.stderr, /^3: Timeout 0\.0 seconds for this one\.$/m);
});

Deno.test("main() serve --record - escapes control characters on a terminal", async () => {
  const args = ["serve", "--port", "0", "--delay", "0", "--quiet", "--record", "-"];
  const server = startCommand(args, { terminals: ["stdout"] });
  const [, url] = await server.said(/^Listening on (\S+)\n/);
  const body = `{"request_id":"\u009b2J\u202e\u200b","data":""}`;
  await (await fetch(url!.replace("ws", "http"), { method: "POST", body })).text();
  server.interrupt();
  assertEquals(await server.exit, 0);
  // deno-lint-ignore no-control-regex -- they are what is looked for
  assert(!/[\0-\x09\x0b-\x1f\x7f-\x9f\p{Cf}]/u.test(server.stdout), server.stdout);
  assertEquals(framesOf(readAll(server.stdout), 1, "in"), [body]);
});

Deno.test("main() send --replay sends the requests of a recording again", async () => {
  const record = async (use: (url: string) => Promise<unknown>) => {
    const server = startCommand(["serve", "--port", "0", "--delay", "0", "--quiet", "--record=-"]);
    const [, url] = await server.said(/^Listening on (\S+)\n/);
    await use(url!);
    server.interrupt();
    await server.exit;
    return server.stdout;
  };
  const first = await record(visit);
  let stderr = "";
  const second = await record(async (url) => {
    const sent = await runCommand(["send", "--url", url, "--replay", "-", "--speed", "10"], {
      stdin: first,
    });
    assertEquals(sent.code, 0);
    stderr = sent.stderr;
  });
  assertMatch(stderr, /^5 requests: 5 answered, 0 failed/);
  assertMatch(stderr, /^left out: 2 invalid lines or packets$/m);
  const packets = (text: string, connection: number) =>
    framesOf(readAll(text), connection, "in").flatMap((frame) => {
      try {
        return JSON.parse(String(frame));
      } catch {
        return [];
      }
    });
  for (const connection of [1, 2, 3]) {
    assertEquals(packets(second, connection), packets(first, connection));
  }
});

Deno.test("main() serve --record exits with 2 when it cannot create the file", async () => {
  const { code, stdout, stderr } = await runCommand(["serve", "--record", "/nonexistent/file"]);
  assertEquals([code, stdout], [2, ""]);
  assertEquals(
    stderr,
    "asyncpkt serve: cannot write /nonexistent/file: there is no such folder\n",
  );
  await using server = serve({ port: 0 });
  const file = await Deno.makeTempFile();
  const busy = await runCommand(["serve", "--port", `${server.port}`, "--record", file])
    .finally(() => Deno.remove(file));
  assertEquals(busy.code, 3);
});

Deno.test("serve --record, as a process, loses no frame when a second signal ends it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/recording.ndjson`;
    const run = ["run", "--no-prompt", "--allow-net=127.0.0.1", `--allow-write=${file}`];
    await using program = await listening(startProgram(Deno.execPath(), [
      ...[...run, "main.ts", "serve", "--port", "0", "--delay", "600", "--record", file],
    ]));
    await using peer = await openBrowserSocket(program.url);
    peer.send({ request_id: 1, data: "" });
    await program.stdout.next();
    program.kill("SIGTERM");
    assertEquals(await program.stdout.next(), "Draining: 1 in flight");
    peer.send({ request_id: 2, data: "" });
    assertMatch(await peer.frames.next(), /shutting_down/);
    await delay(1100); // a second signal counts one second after the first
    program.kill("SIGTERM");
    assertEquals((await program.result()).code, 143);
    const recording = readAll(await Deno.readTextFile(file));
    assertEquals(recording.map(({ event }) => event), ["open", "in", "in", "out"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("main() serve --record reports a full disk, goes on, and exits with 1", async () => {
  const { writeSync } = Deno.FsFile.prototype;
  const file = await Deno.makeTempFile();
  for (const isDraining of [false, true]) {
    let room = Infinity;
    Deno.FsFile.prototype.writeSync = function (bytes) {
      if (room === 0) throw new Error(FULL);
      const taken = writeSync.call(this, bytes.subarray(0, room));
      room -= taken;
      return taken;
    };
    try {
      const server = startCommand(["serve", "--port", "0", "--delay", "0", "--record", file]);
      const [, url] = await server.seen(/^Listening on (\S+)\n/);
      await using peer = await openBrowserSocket(url!);
      await until("the recording has begun", () => Deno.statSync(file).size > 0);
      const size = Deno.statSync(file).size;
      room = 5;
      if (!isDraining) {
        await visit(url!);
        await server.said(/\n/);
        await visit(url!);
      }
      server.interrupt();
      await peer.closed;
      assertEquals([await server.exit, server.stderr], [
        1,
        `asyncpkt serve: stopped recording to ${file} after ${size + 5} bytes: ${FULL}\n`,
      ]);
      assertEquals(Deno.statSync(file).size, size + 5);
    } finally {
      Deno.FsFile.prototype.writeSync = writeSync;
    }
  }
  await Deno.remove(file);
});

Deno.test({
  name: "serve --record, as a process, exits with 1 when the disk is full",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // Deno demands all permissions for a device.
    const run = ["run", "--no-prompt", "--allow-all", "main.ts", "serve", "--delay", "0"];
    await using server = await listening(
      startProgram(Deno.execPath(), [...run, "--port", "0", "--record", "/dev/full"]),
    );
    const sent = await runCommand(["send", "--url", server.url, "--quiet", "a"]);
    assertEquals(sent.code, 0);
    const { code, stderr } = await server.stop();
    const report = `asyncpkt serve: stopped recording to /dev/full after 0 bytes: ${FULL}\n`;
    assertEquals([code, stderr], [1, report]);
  },
});
