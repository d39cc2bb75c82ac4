import { assert, assertEquals } from "@std/assert";
import { openStdin, runCommand, startCommand } from "../tests/support/fake_streams.ts";
import { convertVectors } from "../tests/support/vectors.ts";

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
  const convert = startCommand(["convert"], { stdin: stdin.readable });
  stdin.write("a&&b&&c\n");
  await convert.seen(/\n/);
  convert.interrupt();
  assertEquals(await convert.exit, 130);
  assertEquals(convert.stdout, '{"a":{"b":"c"}}\n');
});
