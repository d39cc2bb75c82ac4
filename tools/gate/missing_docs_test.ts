import { assertEquals } from "@std/assert";
import { missingDocs } from "./missing_docs.ts";

const BARE = "export const bare = 1;";
const DOCUMENTED = "/** Two. */ export const documented = 2;";
const SHOWN = "/**\n * Three.\n * @example\n * ```ts\n * 3;\n * ```\n */\nexport const shown = 3;";
const IGNORED = SHOWN.replace("shown", "ignored").replace("ts", "ts ignore");
const OVERLOADED = "/** Four. */ export function four(a: 1): 4;\nexport function four(a: 2): 4;\n" +
  "export function four(_: number): 4 { return 4; }";
const INTERNAL = "/**\n * Five.\n * @internal\n */\nexport const internal = 5;";
const TYPE = "/** Six. */ export type Six = 6;";

async function check(modules: Record<string, string>, exposed: string[]): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    const paths = Object.keys(modules);
    for (const path of paths) await Deno.writeTextFile(`${folder}/${path}`, modules[path]!);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["doc", "--json", ...paths],
      cwd: folder,
    });
    const { stdout } = await command.output();
    const docs = JSON.parse(new TextDecoder().decode(stdout));
    const modulesThere = Object.keys(docs.nodes);
    const root = modulesThere[0]!.replace(/[^/]*$/, "");
    return missingDocs(docs, exposed.map((path) => root + path))
      .map((problem) => problem.replace(root, ""));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("missingDocs() reports exports without JSDoc, not without an example", async () => {
  const modules = { "a.ts": `${DOCUMENTED}\nconst hidden = 1;\n${BARE}\nhidden;` };
  assertEquals(await check(modules, []), ["a.ts:3 bare: no JSDoc"]);
});

Deno.test("missingDocs() ignores tests", async () => {
  assertEquals(await check({ "a_test.ts": BARE }, []), []);
});

Deno.test("missingDocs() reports exposed functions and constants without an example that runs", async () => {
  const modules = { "a.ts": [DOCUMENTED, TYPE, INTERNAL, SHOWN, IGNORED].join("\n") };
  assertEquals(await check(modules, ["a.ts"]), [
    "a.ts:1 documented: no @example that runs",
    "a.ts:23 ignored: no @example that runs",
  ]);
});

Deno.test("missingDocs() accepts one documented overload", async () => {
  assertEquals(await check({ "a.ts": OVERLOADED }, []), []);
});

Deno.test("missingDocs() reports a re-exported declaration once, at its place", async () => {
  const modules = {
    "a.ts": 'export * from "./b.ts"; export { shown as again, type Six } from "./c.ts";',
    "b.ts": `${BARE}\n${DOCUMENTED}`,
    "c.ts": `${TYPE}\n${SHOWN}`,
  };
  assertEquals(await check(modules, ["a.ts"]), [
    "b.ts:1 bare: no @example that runs",
    "b.ts:1 bare: no JSDoc",
    "b.ts:2 documented: no @example that runs",
  ]);
});
