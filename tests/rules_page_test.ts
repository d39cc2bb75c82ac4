import { assert, assertEquals } from "@std/assert";
import { RULES_SCHEMA } from "../session/rules_schema.ts";
import { runCommand } from "./support/fake_streams.ts";
import { codeBlocks, readPage, wordsOf } from "./support/pages.ts";
import { Ajv2020 } from "./support/npm_packages.ts";

const BLOCKS = codeBlocks(await readPage("docs/rules.md"));

Deno.test("docs/rules.md shows what plan writes for its rules", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const isValid = new Ajv2020().compile(RULES_SCHEMA);
  let commands = 0;
  for (const { info, text } of BLOCKS) {
    if (info === "json") {
      assert(isValid(JSON.parse(text)), text);
      await Deno.writeTextFile(file, text);
    } else if (info === "") {
      const [line = "", ...output] = text.replaceAll("rules.json", file).split("\n");
      const [, print, args] = /^\$ (?:(printf .*) \| )?asyncpkt (.*)$/.exec(line)!;
      const stdin = print === undefined ? "" : await printed(wordsOf(print));
      const { code, stdout, stderr } = await runCommand(wordsOf(args!), { stdin });
      assertEquals([code, stdout, stderr], [0, output.join("\n"), ""], line);
      commands++;
    }
  }
  assertEquals(commands, 4);
  await Deno.remove(file);
});

Deno.test("docs/rules.md shows the error of a file that is wrong", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(file, '[{ "match": { "nth": 0 } }]');
  const { code, stderr } = await runCommand(["serve", "--port", "0", "--rules", file]);
  const shown = BLOCKS.find(({ info }) => info === "text")!.text;
  assertEquals([code, stderr.replace(file, "rules.json")], [2, shown]);
  await Deno.remove(file);
});

async function printed([command, ...args]: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command!, { args }).output();
  return new TextDecoder().decode(stdout);
}
