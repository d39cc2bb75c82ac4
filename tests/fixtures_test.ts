import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { packProgram, run, TYPESCRIPT } from "../tools/npm/pack.ts";
import { listening, type Program, startProgram } from "./support/program.ts";
import { until } from "./support/waiting.ts";

const EXAMPLES = new URL("../examples", import.meta.url).pathname;
const PYTHON = "/usr/bin/python3";

/** The oldest Node that the package supports. */
const NODE = "node@22";

const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const executable = `${folder}/node_modules/.bin/asyncpkt`;

const noNpm = await install();
const noPytest = noNpm ??
  await whyNot("pytest or websockets is not installed", PYTHON, "-c", "import pytest, websockets");
const noGo = noNpm ?? await whyNot("go is not installed", "go", "version");
const gorilla = "/usr/share/gocode/src/github.com/gorilla/websocket";
const noGorilla = noGo ??
  await whyNot("golang-github-gorilla-websocket-dev is not installed", "ls", gorilla);
const node = noNpm ? "" : (await run(folder, "npx", "-y", NODE, "-p", "process.execPath")).trim();

/** Installs the package beside the examples; returns the reason if that is not possible. */
async function install(): Promise<string | undefined> {
  try {
    await run(
      folder,
      "cp",
      "-r",
      `${EXAMPLES}/node/.`,
      `${EXAMPLES}/python`,
      `${EXAMPLES}/go`,
      ".",
    );
    const tarball = await packProgram(folder);
    await run(folder, "npm", "install", "--silent", "--no-audit", "--prefer-offline", tarball);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "npm is not installed";
    throw error;
  }
  return undefined;
}

async function whyNot(reason: string, ...command: string[]): Promise<string | undefined> {
  try {
    await run(folder, ...command);
    return undefined;
  } catch {
    return reason;
  }
}

function testUnless(missing: string | undefined, name: string, fn: () => Promise<void>): void {
  const why = missing ? ` (ignored: ${missing})` : "";
  Deno.test({ name: `${name}${why}`, ignore: missing !== undefined, fn });
}

/** Starts the command of the package. */
function asyncpkt(...args: string[]): Program {
  return startProgram(executable, args);
}

async function post(url: string): Promise<unknown> {
  const body = '{"request_id":1,"data":"a&&b&&c"}';
  return await (await fetch(url.replace("ws", "http"), { method: "POST", body })).json();
}

testUnless(noNpm, "npx asyncpkt runs commands of the program", async () => {
  await using version = startProgram("env", ["-C", folder, "npx", "asyncpkt", "--version"]);
  const { code, stdout } = await version.result();
  assertMatch(`${code} ${stdout}`, /^0 asyncpkt \S+ \(Deno 2\.9\.6, V8 \S+\)$/);
  await using convert = asyncpkt("convert");
  await convert.write("a&&b&&c\n");
  await convert.endInput();
  assertEquals((await convert.result()).stdout, ['{"a":{"b":"c"}}']);
  await using wrong = asyncpkt("serve", "--port", "x");
  const { code: wrongCode, stderr } = await wrong.result();
  const expected = '--port: expected an integer from 0 to 65535, got "x"';
  assertEquals([wrongCode, stderr], [2, `asyncpkt serve: ${expected}\n`]);
});

testUnless(noNpm, "the npm package has the licenses of its dependencies", async () => {
  const licenses = await Deno.readTextFile(`${folder}/node_modules/asyncpkt/program/LICENSES`);
  assertStringIncludes(licenses, "pako 1.0.11: (MIT AND Zlib)\n\n(The MIT License)");
  assertStringIncludes(licenses, "@nats-io/nats-core 3.4.0: Apache-2.0\n\n");
});

testUnless(
  noNpm,
  "the npm package serves until SIGTERM, and no longer if it is killed",
  async () => {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await using server = await listening(asyncpkt("serve", "--port", "0", "--delay", "0"));
      assertEquals(await post(server.url), { request_id: 1, data: { a: { b: "c" } } });
      server.kill(signal);
      // A process that is left would hold stdout open, and the result would not come.
      const ended = await server.result();
      assertEquals(ended.signal, signal === "SIGKILL" ? signal : null);
      assertEquals(ended.stdout.slice(1), ["Draining: 0 in flight", "Drained: all answered"]);
    }
  },
);

const notOnLinux = Deno.build.os === "linux" ? undefined : "--workers needs Linux";
testUnless(noNpm ?? notOnLinux, "the npm package has workers", async () => {
  await using server = await listening(asyncpkt("serve", "--port", "0", "--workers", "2"));
  const health = await fetch(server.url.replace("ws", "http") + "/healthz");
  assertEquals((await health.json()).workers, 2);
});

const SCRIPT = `
import assert from "node:assert/strict";
import { start } from "asyncpkt/testing";

await assert.rejects(start({ delay: "x" }), /^Error: asyncpkt serve: --delay: expected/);

const other = await start();
await other.close();
await other.close(); // does nothing

const rules = [{ match: { id: "z" }, hold: true }];
const flags = { clock: "x100", seed: 7, fault: "drop=0.5", args: ["--hostname", "localhost"] };
const server = await start({ rules, token: "s3cret", ...flags });
assert.equal(new URL(server.url).hostname, "localhost");
const settings = { delay: "1..5", fault: "drop=0.5", seed: 7 };
assert.deepEqual(await server.settings(), settings);
assert.deepEqual(await server.change({ delay: "0", fault: null }), {
  ...settings,
  delay: "0",
  fault: null,
});
assert.equal((await server.clock.state()).mode, "x100");
await assert.rejects(server.clock.advance(1), /^Error: expected a manual clock, got x100/);
await assert.rejects(server.received(1, { timeout: 1 }), /^Error: expected 1 requests within 0.001 s/);

const rule = await server.rules.add({ match: { id: "b*" }, delay: "never" });
const [{ enabled }] = await server.rules.enable(rule, false);
assert.equal(enabled, false);
assert.equal((await server.rules.remove(rule)).length, 1);
assert.deepEqual(await server.rules.replace([]), []);
await assert.rejects(server.rules.add({ match: { nth: 0 } }), /^Error: rule.match.nth: expected/);

const others = await server.hold();
const held = await server.hold({ connection: 1 });
const socket = new WebSocket(server.url, ["asyncpkt.v1", "asyncpkt.token.s3cret"]);
socket.onopen = () => socket.send('{"request_id":"a","data":"Hub&&id&&1"}');
const [{ data, outcome }] = await held.arrived();
assert.deepEqual([data, outcome], ["Hub&&id&&1", "held"]);
assert.deepEqual((await server.connections()).map(({ number }) => number), [1]);
const body = '{"request_id":"a","data":""}';
const headers = { authorization: "Bearer s3cret" };
void fetch(server.url.replace("ws", "http"), { method: "POST", headers, body });
await others.arrived();
assert.deepEqual((await held.release()).map(({ connection }) => connection), [1]);
const outcomes = (await server.requests()).map(({ outcome }) => outcome);
assert.deepEqual(outcomes, ["answered", "held"]);
assert.equal((await others.release("a")).length, 1);
const closed = new Promise((resolve) => socket.onclose = resolve);
await server.closeConnection(1, 4000);
assert.equal((await closed).code, 4000);
await server.reset();
assert.deepEqual((await server.rules.list()).map(({ rule }) => rule), rules);
assert.deepEqual(await server.requests(), []);
console.log("done"); // without close(): the process ends, and the server with it
`;

testUnless(noNpm, "start() starts a server that a test can steer", async () => {
  assertEquals(await run(folder, node, "--input-type=module", "--eval", SCRIPT), "done\n");
});

/** A program that compiles, but for the last line. */
const TYPED = `
import { type Rule, start } from "asyncpkt/testing";
const rules: Rule[] = [{ match: { id: "a" }, then: [{ fault: { late: 1 } }, {}] }];
await using server = await start({ rules, clock: "manual", delay: "1..2", websocket: "strict" });
const [entry] = await server.clock.advanceToNext();
const due: number | null | undefined = entry?.due;
await server.clock.advance("1");
`;

testUnless(noNpm, "start() has types", async () => {
  await Deno.writeTextFile(`${folder}/typed.ts`, TYPED);
  const options = "--noEmit --strict --module nodenext --target esnext".split(" ");
  const lines = await failure(folder, ...TYPESCRIPT, ...options, "typed.ts");
  const errors = lines.filter((line) => line.includes("error TS"));
  const expected =
    "TS2345: Argument of type 'string' is not assignable to parameter of type 'number'.";
  assertEquals(errors, [`typed.ts(7,28): error ${expected}`]);
});

testUnless(noNpm, "the examples for node:test and vitest pass", async () => {
  assertMatch(await run(folder, node, "--test", "node.test.js"), /^. pass 5$/m);
  const vitest = await run(folder, node, "node_modules/vitest/vitest.mjs", "run", "vitest.test.js");
  assertMatch(vitest, /Tests .*1 passed/);
});

testUnless(noNpm, "the example for node:test finds the bugs of wrong clients", async () => {
  const lines = await failure(
    folder,
    "env",
    "WRONG=1",
    node,
    "--test",
    "--test-reporter=tap",
    "node.test.js",
  );
  assertEquals(lines.filter((line) => /^ok /.test(line)).length, 1);
  assertEquals(lines.filter((line) => /^not ok /.test(line)), [
    "not ok 1 - the client assigns answers that arrive in another order",
    "not ok 2 - the client asks again if no answer arrives",
    "not ok 3 - the client gives up in the end",
    "not ok 4 - the client ignores the second copy of an answer",
  ]);
  const errors = lines.flatMap((line, i) => {
    const [, error] = /^ {2}error: (.*)/.exec(line) ?? [];
    return error === "|-" ? [lines[i + 1]!.trim()] : error ?? [];
  });
  assertEquals(errors, [
    "a request got the answer of another",
    "'no answer in time'",
    "'test timed out after 2000ms'",
    "more requests in flight than the window",
  ]);
});

testUnless(noPytest, "the example for pytest passes", async () => {
  const pytest = [PYTHON, "-m", "pytest", "-q", "python"];
  assertMatch(await run(folder, "env", `ASYNCPKT=${executable}`, ...pytest), /^3 passed/m);
});

/** Returns a command that tests a package of the example for Go. */
function goTest(...args: string[]): string[] {
  return ["env", `ASYNCPKT=${executable}`, "GOPROXY=off", "go", "test", "-count=1", ...args];
}

testUnless(noGo, "the example for Go passes", async () => {
  assertMatch(await run(`${folder}/go`, ...goTest(".")), /^ok/);
});

testUnless(noGorilla, "the example for Go finds the bug of a naive client", async () => {
  const cwd = `${folder}/go`;
  await run(cwd, "go", "mod", "edit", "-replace", `github.com/gorilla/websocket=${gorilla}`);
  assertMatch(await run(cwd, ...goTest("./websocket")), /^ok/);
  const lines = await failure(cwd, ...goTest("./websocket", "-naive"));
  const errors = lines.flatMap((line) => / client_test.go:\d+: (.*)/.exec(line)?.slice(1) ?? []);
  assertEquals(errors, [
    'a request got the answer of another: got {"Hub":{"id":"2"}}, want {"Door":{"id":"1"}}',
    'a request got the answer of another: got {"Door":{"id":"1"}}, want {"Hub":{"id":"2"}}',
    'a request got the second copy of an answer: got {"Door":{"id":"1"}}, want {"Hub":{"id":"2"}}',
  ]);
});

/** Runs a command that fails, and returns the lines of its output. */
async function failure(cwd: string, ...command: string[]): Promise<string[]> {
  return (await assertRejects(() => run(cwd, ...command), Error)).message.split("\n");
}

/** Tests that start a server, print its URL, and do not end. */
const ENDLESS: [string, string | undefined, string[]][] = [
  ["node:test", noNpm, [
    node,
    "--input-type=module",
    "--eval",
    `import test from "node:test";
     import { start } from "asyncpkt/testing";
     test("endless", async () => {
       const { url } = await start();
       console.log(url);
       await new Promise((resolve) => setTimeout(resolve, 1e9));
     });`,
  ]],
  ["Python", noPytest, [
    PYTHON,
    "-c",
    `import sys, time
sys.path.append("python")
from asyncpkt_fixture import Server
server = Server()
print(server.url, flush=True)
time.sleep(1e6)`,
  ]],
];

for (const [name, missing, command] of ENDLESS) {
  testUnless(missing, `a killed test in ${name} leaves no server`, async () => {
    const args = ["-C", folder, `ASYNCPKT=${executable}`, ...command];
    await using runner = startProgram("env", args);
    let line;
    do line = await runner.stdout.next(); while (!line.startsWith("ws:"));
    const url = line.replace("ws", "http");
    await (await fetch(url + "/healthz")).body?.cancel();
    runner.kill("SIGKILL");
    await until("the server has ended", () =>
      fetch(url + "/healthz").then(async ({ body }) => {
        await body?.cancel();
        return false;
      }, () => true));
  });
}
