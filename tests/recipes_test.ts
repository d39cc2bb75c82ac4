import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Client } from "../examples/typescript/client.ts";
import * as recipes from "../examples/typescript/recipes.ts";
import * as wrong from "../examples/typescript/wrong_clients.ts";

const ROOT = new URL("..", import.meta.url);
const PAGE = await Deno.readTextFile(new URL("docs/testing-your-client.md", ROOT));
const README = await Deno.readTextFile(new URL("README.md", ROOT));

/** The recipes, with the sections of the page and the clients whose bugs they find. */
const RECIPES = [
  ["Order", recipes.outOfOrder, wrong.AssumesOrder],
  ["Retries", recipes.retry, wrong.NeverRetries],
  ["Time-outs", recipes.timeout, wrong.NeverTimesOut],
  ["Duplicates", recipes.duplicate, wrong.CountsAnswers],
  ["Reconnects", recipes.reconnect, wrong.NeverResends],
  ["Cancellation", recipes.cancellation, wrong.NeverCancels],
  ["Backpressure", recipes.backpressure, wrong.Floods],
] as const;

for (const [section, recipe, Wrong] of RECIPES) {
  Deno.test(`${recipe.name}() passes with a right client`, () => recipe(Client));

  Deno.test(`${recipe.name}() finds the bug of ${Wrong.name}`, async () => {
    const { name, message } = await assertRejects(() => recipe(Wrong), Error);
    const text = PAGE.split(`\n## ${section}\n`)[1]!.split("\n## ")[0]!;
    assertStringIncludes(text, `\`${Wrong.name}\``);
    assertStringIncludes(text, name);
    // links/assert begins its messages in its own words.
    const shown = `${name}: ${message.replace("Contents differ", "Values are not equal")}`;
    for (const block of blocks("text", text)) assertEquals(shown.slice(0, block.length), block);
  });
}

Deno.test("the code of docs/testing-your-client.md and README.md is in examples/", async () => {
  for (const [language, folder] of [["ts ignore", "typescript"]] as const) {
    const url = new URL(`examples/${folder}/`, ROOT);
    const names = await Array.fromAsync(Deno.readDir(url), ({ name }) => name);
    const files = names.map((name) => Deno.readTextFile(new URL(name, url)));
    const code = withoutIndentation((await Promise.all(files)).join("\n"));
    for (const block of [...blocks(language, PAGE), ...blocks(language, README)]) {
      assertStringIncludes(code, withoutIndentation(block));
    }
  }
});

/** Returns the code blocks of a language. */
function blocks(language: string, markdown: string): string[] {
  return markdown.split("\n```" + language + "\n").slice(1).map((rest) => rest.split("\n```")[0]!);
}

function withoutIndentation(code: string): string {
  return code.replace(/^ +/gm, "");
}
