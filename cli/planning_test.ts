import { assertEquals, assertRejects } from "@std/assert";
import { lackingFor } from "../session/faults.ts";
import { runCommand, startCommand } from "../tests/support/fake_streams.ts";
import { listening, startProgram } from "../tests/support/program.ts";
import { UsageError } from "./command.ts";
import { readRules } from "./planning.ts";

/** Calls `run` with a file that holds a text. */
async function withFile(text: string, run: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  try {
    await Deno.writeTextFile(path, text);
    await run(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("readRules() reports where a file is wrong", async (t) => {
  const LONG = `["${"x".repeat(200)}",\n`;
  const wrong: [text: string, isStrict: boolean, message: string][] = [
    ["", true, ":1:1: Unexpected end of JSON input"],
    ["[\n", true, ":2:1: Unexpected end of JSON input"],
    ["[1,,2]", true, ":1:4: Unexpected token ','"],
    ['[\n  {"match": {}},\n]', true, ":3:1: Unexpected token ']'"],
    [`${LONG}  tru]`, true, ":2:6: Unexpected token ']'"],
    [`${LONG}  x]`, true, ":2:3: Unexpected token 'x'"],
    ["// none\n[]", true, ":1:1: Unexpected token '/'"],
    ["[]\n]", true, ":2:1: Unexpected non-whitespace character after JSON"],
    ["[01]", true, ":1:3: Unexpected number"],
    ['[{"match": {},}]', true, ":1:15: Expected double-quoted property name"],
    ['[{"match" {}}]', true, ":1:11: Expected ':' after property name"],
    ["[{} {}]", true, ":1:5: Expected ',' or ']' after array element"],
    ['["a', true, ":1:4: Unterminated string"],
    ['["a\n"]', true, ":1:4: Bad control character in string literal"],
    ['{"rules": []}', true, ": rules: expected an array, got an object"],
    [
      '[{"match": {"nth": 0}}]',
      true,
      ": rules[0].match.nth: expected an integer of at least 1, got 0",
    ],
    [
      '[{"match": {}, "hold": true, "delay": 1}]',
      true,
      ": rules[0].delay: expected none beside hold, got 1",
    ],
    [
      '[{"match": {}, "fault": "stall"}]',
      false,
      ": rules[0].fault: stall needs the strict transport of WebSockets",
    ],
  ];
  for (const [text, isStrict, message] of wrong) {
    await t.step(message, () =>
      withFile(text, async (path) => {
        const error = await assertRejects(() => readRules(path, lackingFor(isStrict)), UsageError);
        assertEquals(error.message, path + message);
      }));
  }
});

Deno.test("readRules() returns the rules of a file", async () => {
  await withFile('\ufeff[{"match":{"\\u0069d":"a"},"fault":"stall"}]', async (path) => {
    assertEquals(await readRules(path), [{ match: { id: "a" }, fault: "stall" }]);
  });
});

Deno.test("serve --rules follows the rules of a file", async () => {
  const rules = [
    { match: { id: "01" }, answer: { here: {} }, delay: "10ms" },
    { match: { entity: "Hub" }, error: { code: "internal", message: "on purpose" } },
  ];
  await withFile(JSON.stringify(rules), async (path) => {
    const server = startCommand(["serve", "--port", "0", "--delay", "60", "--rules", path]);
    const [, url] = await server.seen(/^Listening on (\S+)\n/);
    const packets = ['{"request_id":"01","data":"a"}', '{"request_id":"02","data":"Hub&&a&&b"}'];
    const sent = await runCommand(["send", "--quiet", "--url", url!, ...packets]);
    server.interrupt();
    assertEquals(await server.exit, 0);
    assertEquals(sent.stdout.trimEnd().split("\n").sort(), [
      '{"request_id":"01","data":{"here":{}}}',
      '{"request_id":"02","error":{"code":"internal","message":"on purpose"}}',
    ]);
    assertEquals(server.stdout.split("\n").slice(2, -1), [
      "01: Timeout 0.0 seconds for this one.",
      "02: internal: on purpose",
      "Draining: 0 in flight",
      "Drained: all answered",
    ]);
  });
});

Deno.test("serve does not start with rules that are wrong", async () => {
  await withFile("[{}]", async (path) => {
    const { code, stdout, stderr } = await runCommand(["serve", "--port", "0", "--rules", path]);
    const message = `${path}: rules[0].match: expected an object, got none`;
    assertEquals([code, stdout, stderr], [2, "", `asyncpkt serve: ${message}\n`]);
  });
  const missing = await runCommand(["serve", "--port", "0", "--rules", "missing.json"]);
  const message = "cannot read missing.json: there is no such file";
  assertEquals([missing.code, missing.stderr], [2, `asyncpkt serve: ${message}\n`]);
});

Deno.test("serve reloads its rules on SIGHUP, and keeps the old ones when the new ones are wrong", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const write = (rules: unknown) => Deno.writeTextFile(file, JSON.stringify(rules));
  await write([{ match: { nth: 1 }, answer: "old" }]);
  const run = ["run", "--no-prompt", "--allow-net=127.0.0.1", `--allow-read=${file}`];
  const flags = ["--port", "0", "--delay", "0", "--quiet", "--rules", file];
  await using server = await listening(
    startProgram(Deno.execPath(), [...run, "main.ts", "serve", ...flags]),
  );
  const answer = async () => {
    const url = server.url.replace("ws", "http");
    const response = await fetch(url, { method: "POST", body: '{"request_id":1,"data":""}' });
    return (await response.json()).data;
  };
  assertEquals(await answer(), "old");

  await write([{ match: { nth: 0 }, answer: "new" }]);
  server.kill("SIGHUP");
  assertEquals(
    await server.stdout.next(),
    `Keeping the old rules: ${file}: ` +
      "rules[0].match.nth: expected an integer of at least 1, got 0",
  );
  assertEquals(await answer(), "old");

  await write([{ match: {}, answer: "new" }]);
  server.kill("SIGHUP");
  assertEquals(await server.stdout.next(), "Reloaded the rules");
  assertEquals(await answer(), "new");
  const result = await server.stop();
  assertEquals([result.code, result.stderr], [0, ""]);
  await Deno.remove(file);
});

Deno.test("serve refuses --rules with --workers", async () => {
  const { code, stderr } = await runCommand(["serve", "--workers", "2", "--rules", "x.json"]);
  const reason = "counts, held requests and the clock are those of one thread";
  const message = `--rules needs one worker: ${reason}`;
  assertEquals([code, stderr], [2, `asyncpkt serve: ${message}\n`]);
});
