import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve } from "../server.ts";
import { runCommand } from "../tests/support/fake_streams.ts";
import { startMockServer } from "../tests/support/mock_server.ts";
import { Inbox } from "../tests/support/waiting.ts";

const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };

const NOT_PACKETS = ['{"data":"a"', '{"request_id":"1"}', '[{"data":"a"}]', '{"data":"\x1b[2J"'];

Deno.test("main() send sends input that looks like JSON as data, with a warning", async () => {
  await using server = serve(AT_ONCE);
  const send = ["send", "--url", server.url, "--ordered"];
  const inputs = ["a&&b&&c", ...NOT_PACKETS];
  const asLines = await runCommand(send, { stdin: inputs.join("\n") });
  const asArguments = await runCommand([...send, "--quiet", ...inputs]);
  for (const { code, stdout } of [asLines, asArguments]) {
    assertEquals(code, 0);
    const answers = stdout.trimEnd().split("\n").map((line) => JSON.parse(line).data);
    assertEquals(answers, [{ a: { b: "c" } }, {}, {}, {}, {}]);
  }
  const warnings = [
    `2: {"data":"a" is not a packet: Expected ',' or '}' after property value in JSON at position 11`,
    '3: {"request_id":"1"} is not a packet: data is missing',
    '4: [{"data":"a"}] is not a packet: expected a JSON object, got an array',
    '5: {"data":"\\u001b[2J" is not a packet: Bad control character in string literal in JSON at position 9',
  ].map((warning) => `${warning}; sent as plain data, which --strict refuses\n`);
  const shown = warnings.map((warning) => `line ${warning}`).join("");
  assert(asLines.stderr.startsWith(`${shown}5 requests: 5 answered`), asLines.stderr);
  assertEquals(asArguments.stderr, warnings.map((warning) => `argument ${warning}`).join(""));
});

Deno.test("main() send --strict refuses input that looks like JSON, and sends the rest", async () => {
  const posted = new Inbox<string>();
  await using server = startMockServer({
    onPacket: ({ request_id, data }, socket) => {
      posted.put(data!);
      socket.send(JSON.stringify({ request_id, data: {} }));
    },
  });
  const send = ["send", "--url", server.url, "--ordered", "--strict"];
  const inputs = ["a", ...NOT_PACKETS, '{"data":"b"}', "c"];
  const runs = await Promise.all([
    runCommand(send, { stdin: inputs.join("\n") }),
    runCommand([...send, ...inputs]),
  ]);
  for (const [i, { code, stdout, stderr }] of runs.entries()) {
    assertEquals([code, stdout.split("\n").length], [1, 4]);
    const said = new RegExp(`^${["line", "argument"][i]} 3: .*: data is missing; not sent, `, "m");
    assertMatch(stderr, said);
    assertMatch(stderr, /^7 requests: 3 answered, 4 failed, .*\n {2}4 invalid_line\n/m);
  }
  assertEquals((await posted.take(6)).sort(), ["a", "a", "b", "b", "c", "c"]);
  const fine = await runCommand([...send, "a", '{"data":"b"}']);
  assertEquals(fine.code, 0);
});

Deno.test("main() send reports only the first five faulty inputs", async () => {
  await using server = serve(AT_ONCE);
  for (const [count, more] of [[5, ""], [6, "1 more such line"], [2005, "2,000 more such lines"]]) {
    for (const strict of [[], ["--strict"]]) {
      const stdin = "{}\n".repeat(count as number);
      const args = ["send", "--url", server.url, "--quiet", ...strict];
      const { code, stderr } = await runCommand(args, { stdin });
      assertEquals(code, strict.length);
      const lines = stderr.trimEnd().split("\n");
      assertEquals(lines.slice(5), more === "" ? [] : [`not shown: ${more}`]);
      assertMatch(lines[4]!, /^line 5: \{\} is not a packet/);
    }
  }
});
