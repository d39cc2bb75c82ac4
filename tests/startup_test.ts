import { assertEquals } from "@std/assert";

/** The parts of the output of `deno info --json` that the test needs. */
interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly code?: { readonly specifier: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

const ROOT = new URL("..", import.meta.url);

/** Returns all modules that a module imports, also through others, before any code runs. */
async function importsOf(entry: string): Promise<string[]> {
  const args = ["info", "--json", entry];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT.pathname }).output();
  const { modules }: Info = JSON.parse(new TextDecoder().decode(stdout));
  const found = new Set([new URL(entry, ROOT).href]);
  for (const specifier of found) {
    const module = modules.find((each) => each.specifier === specifier);
    for (const { code, isDynamic } of module?.dependencies ?? []) {
      if (code !== undefined && !isDynamic) found.add(code.specifier);
    }
  }
  return [...found];
}

Deno.test("commands start without packages, and without modules of Node but small ones of servers", async () => {
  const cases = [
    ...["main", "cli/send", "cli/convert", "cli/work"].map((name) => [name, []] as const),
    ...["cli/serve", "cli/demo"].map((name) => [name, ["node:buffer", "node:timers"]] as const),
  ];
  for (const [name, expected] of cases) {
    const imports = await importsOf(`${name}.ts`);
    const slow = imports.filter((specifier) => /^(?:npm|node):/.test(specifier)).sort();
    assertEquals(slow, [...expected], name);
  }
});

Deno.test("send starts without the conversion, which only servers need", async () => {
  const imports = await importsOf("cli/send.ts");
  assertEquals(imports.filter((specifier) => specifier.endsWith("/conversion.ts")), []);
});
