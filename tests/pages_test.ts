import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Exit } from "../cli/command.ts";
import recordingSchema from "../docs/recording.schema.json" with { type: "json" };
import type { ErrorCode } from "../protocol.ts";
import { jsonRpcProtocol } from "../server.ts";
import { STATUS } from "../server/post.ts";
import { FAULT_KINDS } from "../session/faults.ts";
import { runCommand, startCommand } from "./support/fake_streams.ts";
import { succeeds } from "./support/machine.ts";
import { Ajv2020 } from "./support/npm_packages.ts";
import {
  codeBlocks,
  consoleExamples,
  openShell,
  readPage,
  shapeOf,
  wordsOf,
} from "./support/pages.ts";
import { listening, startTask } from "./support/program.ts";

const ROOT = new URL("..", import.meta.url).pathname;

const hasTools = await succeeds("curl", ["--version"]) && await succeeds("sh", ["-c", ":"]);
const why = hasTools ? "" : " (ignored: no curl)";

/** Returns the Markdown pages of the project for its users and contributors. */
async function pageNames(): Promise<string[]> {
  const docs = await Array.fromAsync(Deno.readDir(`${ROOT}docs`), ({ name }) => `docs/${name}`);
  const pages = docs.filter((name) => name.endsWith(".md")).sort();
  return ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...pages];
}

/** Starts a server in this process; returns it with its URL. */
async function serve(...flags: string[]) {
  const command = startCommand(["serve", "--port", "0", ...flags]);
  const [, url] = await command.seen(/^Listening on (\S+)\n/);
  return Object.assign(command, {
    url: url!,
    async [Symbol.asyncDispose]() {
      command.interrupt();
      await command.exit;
    },
  });
}

/** Pages whose examples for a shell run here, or in a test of their own. */
const TESTED = ["benchmarking", "control", "recording", "sending", "troubleshooting", "tutorial"];

Deno.test("all scripts in the docs run in a test, or are marked with `ignore`", async () => {
  for (const name of await pageNames()) {
    if (TESTED.includes(name.slice("docs/".length, -".md".length))) continue;
    const scripts = codeBlocks(await readPage(name)).filter(({ info }) => info === "sh");
    assertEquals(scripts, [], name);
  }
});

Deno.test("all tasks in the docs are in deno.json", async () => {
  const { tasks } = JSON.parse(await readPage("deno.json"));
  for (const name of await pageNames()) {
    for (const [, task] of (await readPage(name)).matchAll(/\bdeno(?:@\S+)? task (\w[\w:]*)/g)) {
      assert(task! in tasks, `${name}: deno task ${task}`);
    }
  }
});

Deno.test("all flags of command lines in the docs are flags of their command", async () => {
  const help = new Map(
    (await readPage("docs/cli.md")).split("\n## asyncpkt ").slice(1)
      .map((section) => [/^\w+/.exec(section)![0], section]),
  );
  const commandLine = /\b(?:asyncpkt|deno task) (\w+)((?:[^\n`|#]|\\\n)*)/g;
  const written = (await pageNames()).filter((name) => name !== "docs/cli.md");
  for (const name of written) {
    for (const [line, command, args] of (await readPage(name)).matchAll(commandLine)) {
      for (const [flag] of help.has(command!) ? args!.matchAll(/(?<= )--[a-z-]+/g) : []) {
        assert(new RegExp(`${flag}\\b`).test(help.get(command!)!), `${name}: ${flag} in ${line}`);
      }
    }
  }
});

Deno.test("docs/command-line.md lists all exit codes, and those of signals", async () => {
  const [, section] = (await readPage("docs/command-line.md")).split("## Exit codes");
  const listed = [...section!.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  assertEquals(listed, Object.values(Exit).sort((a, b) => a - b));
  const help = await readPage("docs/cli.md");
  const codes = [...help.matchAll(/^Exit codes: [^]*?\.\n\n/gm)]
    .flatMap(([text]) =>
      [...text.matchAll(/(?:^Exit codes:|,)\s(\d+) /g)].map(([, c]) => Number(c))
    );
  for (const code of codes) assert(listed.includes(code), `${code}`);
});

Deno.test("docs/command-line.md lists the environment variables that the program reads", async () => {
  const [, section] = (await readPage("docs/command-line.md")).split("## Environment variables");
  const listed = [...section!.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name!);
  const { tasks } = JSON.parse(await readPage("deno.json"));
  const allowed = /--allow-env=(\S+)/.exec(tasks.serve.command)![1]!.split(",");
  // Deno handles NO_COLOR itself, without a permission.
  assertEquals(listed.sort(), [...allowed, "NO_COLOR"].sort());
});

Deno.test("docs/faults.md lists all kinds of faults", async () => {
  const listed = [...(await readPage("docs/faults.md")).matchAll(/^\| `(\w+)` +\|/gm)];
  assertEquals(listed.map(([, kind]) => kind!), [...FAULT_KINDS]);
});

Deno.test("docs/protocols.md lists the codes of all errors of JSON-RPC", async () => {
  const page = await readPage("docs/protocols.md");
  const protocol = jsonRpcProtocol();
  for (const code of Object.keys(STATUS) as ErrorCode[]) {
    const frame = protocol.error(1, { code, message: "" }) as string;
    const number = JSON.parse(frame).error.code;
    const meanings: Partial<Record<ErrorCode, string>> = {
      invalid_json: "not JSON",
      invalid_packet: "not a request",
    };
    const meaning = meanings[code] ?? `\`${code}\``;
    assertMatch(page, new RegExp(`\\| ${number} +\\| ${meaning} +\\|`));
  }
});

Deno.test({
  name: `docs/tutorial.md shows what its examples print${why}`,
  ignore: !hasTools,
  async fn() {
    const page = await readPage("docs/tutorial.md");
    const blocks = codeBlocks(page);
    const [demo, start] = blocks.filter(({ info }) => info === "sh").map(({ text }) => text.trim());
    assertEquals(demo, "deno task demo");
    const flags = wordsOf(start!).slice(3);
    await using server = await listening(await startTask("serve", "--port", "0", ...flags));
    await using shell = await openShell();
    const here = (text: string) => text.replaceAll("127.0.0.1:2707", `127.0.0.1:${server.port}`);
    const [client, fix, withLibrary] = blocks.filter(({ info }) => info.endsWith("ignore"))
      .map(({ text }) => here(text));
    const fixed = client!.replace(/^ *console\.log.*\n/m, fix!);
    await Deno.writeTextFile(`${shell.cwd}/my_client.mjs`, client!);
    await Deno.writeTextFile(`${shell.cwd}/fixed.mjs`, fixed);
    await Deno.writeTextFile(`${shell.cwd}/with_library.ts`, withLibrary!);
    const [send, post, buggy, right, library, metrics] = consoleExamples(page);
    const run = async ({ line, output }: { line: string; output: string }, script = line) => {
      const task = `deno task --quiet --cwd ${ROOT} send --url ${server.url} `;
      const config = `deno run --frozen --config ${ROOT}deno.json `;
      const command = here(script).replace("deno task send ", task).replace("deno run ", config);
      const { stdout, stderr } = await shell.run(`${command} 2>&1`);
      const shape = (text: string) => text.replace(/\d+\.\d{2,} s/g, "N s");
      assertEquals(shape(stdout), shape(output), line + stderr);
    };
    await Promise.all([
      run(send!),
      run(post!, post!.line.replace("curl", "curl -s")),
      run(buggy!),
      run(right!, right!.line.replace("my_client", "fixed")),
      run(library!),
    ]);
    await run(metrics!);
    const log = (await server.stop()).stdout;
    const shown = blocks.find(({ text }) => text.startsWith("1: "))!.text.trim().split("\n");
    for (const line of [...shown, "bob: cancelled: cancelled by the client"]) {
      assert(log.includes(line), `${line} is not in the log: ${log.join("\n")}`);
    }
  },
});

Deno.test({
  name: `the scripts of docs/sending.md work${why}`,
  ignore: !hasTools,
  async fn() {
    const [send, convert] = codeBlocks(await readPage("docs/sending.md"))
      .filter(({ info }) => info === "sh").map(({ text }) => text);
    await using server = await serve("--delay", "0");
    await using shell = await openShell(server.url);
    await Deno.writeTextFile(`${shell.cwd}/packets.txt`, "Device&&id&&1\nDevice&&id&&2\n");
    assertEquals((await shell.run(send!)).stdout.trim().split("\n"), [
      '{"request_id":"1","data":{"Hub":{"name":"qwe","id":"123"}}}',
      '{"request_id":"01","data":{"a":{"b":"c"}}}',
      '{"request_id":"1","data":{"Device":{"id":"1"}}}',
      '{"request_id":"2","data":{"Device":{"id":"2"}}}',
    ]);
    const comments = [...convert!.matchAll(/ # (.*\n)/g)].map(([, comment]) => comment);
    assertEquals((await shell.run(convert!)).stdout, comments.join(""));
  },
});

Deno.test("docs/sending.md shows a chart as send draws it", async () => {
  const { line, output } = consoleExamples(await readPage("docs/sending.md"))[0]!;
  assertMatch(line, /^seq 9 \| asyncpkt send --chart --concurrency 4 > /);
  await using server = await serve("--delay", "0.1..0.2", "--quiet");
  const args = ["send", "--chart", "--concurrency", "4", "--url", server.url];
  const stdin = Array.from({ length: 9 }, (_, i) => `${i + 1}\n`).join("");
  const { stderr } = await runCommand(args, { stdin });
  const headings = ["Requests", "Latency"];
  const linesOf = (text: string) => text.trimEnd().split("\n");
  for (const text of [output, stderr]) {
    const lines = linesOf(text);
    assertEquals(lines.filter((line) => headings.includes(line)), headings);
    for (let i = 1; i <= 9; i++) assertMatch(lines[i]!, new RegExp(`^ +${i} +[█-▐]+ [\\d.]+ m?s$`));
  }
  assertEquals(linesOf(shapeOf(stderr)).slice(-2), linesOf(shapeOf(output)).slice(-2));
});

Deno.test("docs/benchmarking.md shows the report of bench", async () => {
  const { line, output } = consoleExamples(await readPage("docs/benchmarking.md"))[0]!;
  await using server = await serve("--delay", "0.1..0.2", "--quiet");
  const short = ["-z", "0.5", "--url", server.url];
  const { stdout } = await runCommand([...wordsOf(line).slice(1), ...short]);
  const labels = [...output.matchAll(/^(?: {2})?(\w+( \w+)*)(?= {2}|$)/gm)].map(([label]) => label)
    .filter((label) => label !== "  kept");
  assertEquals(labels.length, 13);
  for (const label of labels) assertMatch(stdout, new RegExp(`^${label}\\b`, "m"));
  assertMatch(stdout, /^Thresholds\n {2}(kept|FAILED) +overhead\.p99<20ms: [\d.]+$/m);
});

Deno.test({
  name: `the examples of docs/recording.md work${why}`,
  ignore: !hasTools,
  async fn() {
    const page = await readPage("docs/recording.md");
    const lines = codeBlocks(page).find(({ info }) => info === "json")!.text.trim().split("\n");
    const isValid = new Ajv2020().compile(recordingSchema);
    for (const line of lines) assert(isValid(JSON.parse(line)), line);
    await using server = await serve("--delay", "0");
    await using shell = await openShell(server.url);
    await Deno.writeTextFile(`${shell.cwd}/FILE`, `${lines.join("\n")}\n`);
    const { line, output } = consoleExamples(page)[0]!;
    const { code, stdout, stderr } = await shell.run(line);
    assertEquals([code, stdout], [0, '{"request_id":"37","data":{"Device":{"id":"36"}}}\n']);
    const [shown, printed] = [output, stderr].map((text) =>
      shapeOf(text).trim().replace("N requests", "N request").split("\n").slice(-2)
    );
    assertEquals(printed, shown);
    const frames = `jq -r 'select(.event == "in").frame' FILE`;
    assertStringIncludes(page, frames);
  },
});

Deno.test("docs/running.md shows the command line with permissions", async () => {
  const { line, output } = consoleExamples(await readPage("docs/running.md"))[0]!;
  const [, , task, ...flags] = wordsOf(line);
  await using program = await startTask(task!, ...flags);
  const { code, stderr } = await program.result();
  assertEquals(code, Exit.noConnection);
  const printed = stderr.replace(ROOT, "/home/ada/asyncpkt/").replace(/^npx -y deno@\S+/m, "deno");
  assertEquals(printed, output);
});

Deno.test("docs/testing-your-client.md shows the faults of its seed", async () => {
  const [, section] = (await readPage("docs/testing-your-client.md")).split("## Random faults");
  const { line, output } = consoleExamples(section!)[0]!;
  await using server = await serve(...wordsOf(line).slice(2), "--clock", "skip");
  const body = JSON.stringify(
    Array.from({ length: 8 }, (_, i) => ({ request_id: `${i + 1}`, data: "" })),
  );
  await (await fetch(server.url.replace("ws", "http"), { method: "POST", body })).text();
  server.interrupt();
  await server.exit;
  const faults = (text: string) => text.split("\n").filter((line) => line.includes("fault:"));
  assertEquals(faults(server.stdout), faults(output));
});
