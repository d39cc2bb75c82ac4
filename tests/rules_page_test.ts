import { assert, assertEquals } from "@std/assert";
import { RULES_SCHEMA } from "../session/rules_schema.ts";
import { runCommand } from "./support/fake_streams.ts";
import { Ajv2020 } from "./support/npm_packages.ts";

const PAGE = await Deno.readTextFile(new URL("../docs/rules.md", import.meta.url));

/** The blocks of the page in order: rules, and commands with their output. */
const BLOCKS = [...PAGE.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)]
  .map(([, language, text]) => ({ language, text: text! }));

/** Splits a command line at spaces that are not in single quotes. */
function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/'([^']*)'|\S+/g), ([word, quoted]) => quoted ?? word);
}

Deno.test("docs/rules.md shows what plan writes for its rules", async () => {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const isValid = new Ajv2020().compile(RULES_SCHEMA);
  let commands = 0;
  for (const { language, text } of BLOCKS) {
    if (language === "json") {
      assert(isValid(JSON.parse(text)), text);
      await Deno.writeTextFile(file, text);
    } else if (language === "") {
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
  const shown = BLOCKS.find(({ language }) => language === "text")!.text;
  assertEquals([code, stderr.replace(file, "rules.json")], [2, shown]);
  await Deno.remove(file);
});

async function printed([command, ...args]: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command!, { args }).output();
  return new TextDecoder().decode(stdout);
}
