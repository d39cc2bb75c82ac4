import { assert, assertEquals, assertMatch } from "@std/assert";
import schema from "../docs/send.schema.json" with { type: "json" };
import { serve } from "../server.ts";
import { Ajv2020 } from "../tests/support/npm_packages.ts";
import { runCommand } from "../tests/support/fake_streams.ts";
import { randomIntegers } from "../tests/support/random.ts";

const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };

/** Returns valid lines, a line that is too long, and a line that is not UTF-8. */
function oddInput(): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const mebibyte = new Uint8Array(2 ** 20).fill(0x78);
  return ReadableStream.from([
    encoder.encode("a&&b&&1\n"),
    ...Array(64).fill(mebibyte),
    encoder.encode("x\na&&b&&"),
    Uint8Array.of(0xff),
    encoder.encode("\na&&b&&2"),
  ]);
}

const REFUSALS = "line 2: longer than 64 MiB\nline 3: not valid UTF-8\n";

Deno.test("main() convert reports lines that are too long or not UTF-8, and goes on", async () => {
  const { code, stdout, stderr } = await runCommand(["convert"], { stdin: oddInput() });
  assertEquals([code, stderr], [1, REFUSALS]);
  assertEquals(stdout, '{"a":{"b":"1"}}\n{"a":{"b":"2"}}\n');
});

Deno.test("main() send reports lines that are too long or not UTF-8, and sends the others", async () => {
  await using server = serve(AT_ONCE);
  const send = ["send", "--url", server.url, "--ordered"];
  const { code, stdout, stderr } = await runCommand([...send, "--json"], { stdin: oddInput() });
  assertEquals(code, 1);
  assertEquals(stdout.split("\n").length, 3);
  assert(stderr.startsWith(REFUSALS), stderr);
  const summary = JSON.parse(stderr.slice(REFUSALS.length));
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);
  assert(validate(summary), JSON.stringify(validate.errors));
  assertEquals(summary.counts, { requests: 4, answered: 2, failed: 2 });
  assertEquals(summary.errors, { invalid_line: 2 });

  const invalid = new Blob(["a\n", Uint8Array.of(0xff), "\n"]).stream();
  const text = await runCommand(send, { stdin: invalid });
  assertEquals(text.code, 1);
  assertMatch(text.stderr, /^line 2: .*\n2 requests: 1 answered, 1 failed.*\n {2}1 invalid_line\n/);
});

Deno.test("main() send --replay reports the number of an invalid line", async () => {
  await using server = serve(AT_ONCE);
  const line = (id: number) => {
    const frame = JSON.stringify({ request_id: id, data: "" });
    return JSON.stringify({ time: 0, connection: 1, event: "in", frame }) + "\n";
  };
  const stdin = new Blob([line(1), Uint8Array.of(0xff), "\n", line(2)]).stream();
  const args = ["send", "--url", server.url, "--replay", "-"];
  const { code, stdout, stderr } = await runCommand(args, { stdin });
  assertEquals([code, stdout.split("\n").length], [1, 3]);
  assertMatch(stderr, /^line 2: not valid UTF-8\n3 requests: 2 answered, 1 failed/);
});

Deno.test("main() bench exits with 2 when a line of the file is invalid", async () => {
  const stdin = new Blob(["a\n", Uint8Array.of(0xff), "\n"]).stream();
  const { code, stdout, stderr } = await runCommand(["bench", "--file", "-"], { stdin });
  assertEquals([code, stdout], [2, ""]);
  assertEquals(stderr, "asyncpkt bench: -, line 2: not valid UTF-8\n");
  const folder = await runCommand(["bench", "--file", "."]);
  assertEquals(folder.code, 2);
  assertMatch(folder.stderr, /^asyncpkt bench: cannot read [^\n]*\n$/);
});

Deno.test("main() convert --back reports data that does not fit in a line, with the reason", async () => {
  const cases: [value: string, reason: string][] = [
    ["c\\nd", "it contains a line feed"],
    ["\\n", "it contains a line feed"],
    ["c\\r", "it ends in a carriage return"],
    ["c\\u000d", "it ends in a carriage return"],
    ["\\ud800", "it contains a lone surrogate, which UTF-8 cannot encode"],
    ["\\ude00\\ud83d", "it contains a lone surrogate, which UTF-8 cannot encode"],
  ];
  const inputs = cases.map(([value]) => `{"a":{"b":"${value}"}}\n`);
  inputs.push('{"\\ufeffa":{"b":"c"}}\n', '{"a":{"\\r":"c\\rd\\ud83d\\ude00\\ufeff"}}\n');
  const reasons = [...cases.map(([, reason]) => reason), "it begins with a byte order mark"];
  const { code, stdout, stderr } = await runCommand(["convert", "--back"], {
    stdin: inputs.join(""),
  });
  assertEquals([code, stdout], [1, "a&&\r&&c\rd😀\ufeff\n"]);
  const lines = reasons.map((reason, i) =>
    `line ${i + 1}: Cannot write the data as a line: ${reason}\n`
  );
  assertEquals(stderr, lines.join(""));
});

Deno.test("main() convert reverses convert --back line by line", async () => {
  const seed = 20260;
  const random = randomIntegers(seed);
  const tokens = ["a", "\\n", "\\r", "\\ufeff", "\\ud83d", "\\ude00", "é", "\\u0000", " ", "\\\\"];
  const token = () =>
    Array.from({ length: 1 + random(3) }, () => tokens[random(tokens.length)])
      .join("");
  const given = Array.from({ length: 2000 }, () => {
    const object = `{"${token()}":{"${token()}":"${token()}"}}`;
    return JSON.stringify(JSON.parse(object));
  });
  const back = await runCommand(["convert", "--back"], { stdin: given.join("\n") });
  const refused = back.stderr.match(/^line \d+/gm)!.map((line) => Number(line.slice(5)) - 1);
  const kept = given.filter((_, i) => !refused.includes(i));
  assert(kept.length > 100 && refused.length > 100, `seed ${seed}`);
  const { code, stdout } = await runCommand(["convert"], { stdin: back.stdout });
  assertEquals([code, stdout.trimEnd().split("\n")], [0, kept], `seed ${seed}`);
});
