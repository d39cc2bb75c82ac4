import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { outOfOrder } from "../examples/browser/recipe.ts";
import { Client } from "../examples/typescript/client.ts";
import * as recipes from "../examples/typescript/recipes.ts";
import * as wrong from "../examples/typescript/wrong_clients.ts";
import { findBrowser, startBrowser } from "./support/browser.ts";
import { findPython, succeeds } from "./support/machine.ts";
import { codeBlocks, readPage } from "./support/pages.ts";
import { startProgram, taskArgs } from "./support/program.ts";

const ROOT = new URL("..", import.meta.url);
const PAGE = await readPage("docs/testing-your-client.md");
const README = await readPage("README.md");

/** The recipes by section of the page, with the clients whose bugs they find. */
const RECIPES = {
  Order: [recipes.outOfOrder, wrong.AssumesOrder],
  Retries: [recipes.retry, wrong.NeverRetries],
  "Time-outs": [recipes.timeout, wrong.NeverTimesOut],
  Duplicates: [recipes.duplicate, wrong.CountsAnswers],
  Reconnects: [recipes.reconnect, wrong.NeverResends],
  Cancellation: [recipes.cancellation, wrong.NeverCancels],
  Backpressure: [recipes.backpressure, wrong.Floods],
} as const;

for (const [section, [recipe, Wrong]] of Object.entries(RECIPES)) {
  Deno.test(`${recipe.name}() passes with a right client`, () => recipe(Client));

  Deno.test(`${recipe.name}() finds the bug of ${Wrong.name}`, async () => {
    const { name, message } = await assertRejects(() => recipe(Wrong), Error);
    const text = textOf(section);
    assertStringIncludes(text, `\`${Wrong.name}\``);
    assertStringIncludes(text, name);
    // links/assert begins its messages in its own words.
    const shown = `${name}: ${message.replace("Contents differ", "Values are not equal")}`;
    for (const block of blocks("text", text)) assertEquals(shown.slice(0, block.length), block);
  });
}

const python = await findPython();
const ignore = python === undefined || !await succeeds(python, ["-c", "import pytest"]);
const why = ignore ? " (ignored: no python3 here has the packages websockets and pytest)" : "";

/** Runs the recipes in Python; returns the exit code and the failed tests with their messages. */
async function pytest(...flags: string[]): Promise<{ code: number; failures: string[][] }> {
  const options = ["-p", "no:cacheprovider", "--confcutdir=examples/python", "--tb=no", ...flags];
  const serve = (await taskArgs("serve")).slice(0, -1).join(" ");
  await using program = startProgram(
    python!,
    ["-m", "pytest", ...options, "examples/python/recipes.py"],
    { ASYNCPKT: `${Deno.execPath()} ${serve}`, COLUMNS: "200", PYTHONDONTWRITEBYTECODE: "1" },
  );
  const { code, stdout } = await program.result(60_000);
  const failures = stdout.flatMap((line) => {
    const found = /^FAILED .*::test_(\w+) - \w+: (.*)/.exec(line);
    return found ? [found.slice(1)] : [];
  });
  return { code, failures };
}

Deno.test({
  name: `the recipes in Python pass with a right client${why}`,
  ignore,
  async fn() {
    assertEquals(await pytest(), { code: 0, failures: [] });
  },
});

Deno.test({
  name: `the recipes in Python find the bugs of wrong clients${why}`,
  ignore,
  async fn() {
    const { failures } = await pytest("--wrong");
    const sections = Object.keys(RECIPES);
    const names = sections.map((section) => section.toLowerCase().replace("-", ""));
    assertEquals(failures.map(([name]) => name), names);
    sections.forEach((section, i) => assertStringIncludes(textOf(section), failures[i]![1]!));
  },
});

const browserPath = findBrowser();

Deno.test({
  name: `the recipe for browsers tells its clients apart${
    browserPath ? "" : " (ignored: Chromium is not installed)"
  }`,
  ignore: browserPath === undefined,
  async fn() {
    await using files = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, pageFile);
    const pages = `http://127.0.0.1:${files.addr.port}/`;
    const browser = await startBrowser(browserPath!);
    try {
      const page = await browser.newPage();
      await outOfOrder(page, pages, "client");
      const { message } = await assertRejects(() => outOfOrder(page, pages, "naive_client"), Error);
      assertStringIncludes(message, "a row shows the answer of another");
    } finally {
      await browser.close();
    }
  },
});

/** Serves examples/browser. */
async function pageFile({ url }: Request): Promise<Response> {
  const name = new URL(url).pathname.slice(1) || "index.html";
  const file = new URL(`examples/browser/${name}`, ROOT);
  const type = name.endsWith(".html") ? "text/html" : "text/javascript";
  return new Response(await Deno.readFile(file), { headers: { "content-type": type } });
}

Deno.test("the code of docs/testing-your-client.md and README.md is in examples/", async () => {
  for (const [language, folder] of [["ts ignore", "typescript"], ["python", "python"]] as const) {
    const url = new URL(`examples/${folder}/`, ROOT);
    const entries = await Array.fromAsync(Deno.readDir(url));
    const files = entries.filter(({ isFile }) => isFile)
      .map(({ name }) => Deno.readTextFile(new URL(name, url)));
    const code = withoutIndentation((await Promise.all(files)).join("\n"));
    for (const block of [...blocks(language, PAGE), ...blocks(language, README)]) {
      assertStringIncludes(code, withoutIndentation(block));
    }
  }
});

/** Returns a section of the page. */
function textOf(section: string): string {
  return PAGE.split(`\n## ${section}\n`)[1]!.split("\n## ")[0]!;
}

/** Returns the code blocks of a language. */
function blocks(language: string, markdown: string): string[] {
  return codeBlocks(markdown).flatMap(({ info, text }) =>
    info === language ? [text.trimEnd()] : []
  );
}

function withoutIndentation(code: string): string {
  return code.replace(/^ +/gm, "");
}
