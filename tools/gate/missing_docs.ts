/**
 * Checks that every export has JSDoc, and that every function, class and constant of the entry
 * points, except internal ones, has an example that `deno test --doc` runs. Prints each problem, and
 * exits with 1 if there is any.
 *
 * Usage: deno doc --json FILE... | deno run --allow-read=deno.json tools/gate/missing_docs.ts
 *
 * @module
 */

/**
 * The output of `deno doc --json`, as far as it is used: the exports of each module, by its URL.
 */
export interface Docs {
  nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
}

/** A declaration, or a `reference` to a declaration in another module. */
export interface Declaration {
  kind: string;
  declarationKind: string;
  location: Location;
  def?: { target?: Location };
  jsDoc?: { doc?: string; tags?: { kind: string; doc?: string }[] };
}

/** A place in a file; the first line is 0. */
export interface Location {
  filename: string;
  line: number;
  col: number;
}

const NEEDS_EXAMPLE = ["class", "function", "variable"];

/** The start of a block that `deno test --doc` runs; after more words, it might not. */
const RUNS = /^```ts$/m;

/** Returns a line for each problem, sorted. `exposed` are the URLs of the entry points. */
export function missingDocs(docs: Docs, exposed: readonly string[]): string[] {
  const exports = Object.entries(docs.nodes)
    .flatMap(([module, { symbols }]) => symbols.map((symbol) => ({ module, ...symbol })));
  const byPlace = new Map(
    exports.flatMap(({ declarations }) =>
      declarations.map(({ location }) => [placeOf(location), declarations])
    ),
  );
  const resolve = (declaration: Declaration): Declaration[] => {
    const target = declaration.def?.target;
    const declarations = target === undefined ? undefined : byPlace.get(placeOf(target));
    return declarations === undefined ? [declaration] : declarations.flatMap(resolve);
  };

  const problems = new Set<string>();
  for (const { module, name, declarations } of exports) {
    const found = declarations.filter((each) => each.declarationKind === "export").flatMap(resolve);
    const location = found[0]?.location;
    if (location === undefined || location.filename.endsWith("_test.ts")) continue;
    if (location.filename.endsWith(".d.ts")) continue; // re-exported from another package
    const report = (problem: string) =>
      problems.add(`${location.filename}:${location.line + 1} ${name}: ${problem}`);

    if (!found.some(({ jsDoc }) => jsDoc?.doc)) report("no JSDoc");
    if (!exposed.includes(module)) continue;
    if (!found.some(({ kind }) => NEEDS_EXAMPLE.includes(kind))) continue;
    const tags = found.flatMap(({ jsDoc }) => jsDoc?.tags ?? []);
    if (tags.some(({ kind }) => kind === "internal")) continue;
    const hasExample = tags.some(({ kind, doc }) => kind === "example" && RUNS.test(doc ?? ""));
    if (!hasExample) report("no @example that runs");
  }
  return [...problems].sort();
}

function placeOf({ filename, line, col }: Location): string {
  return `${filename}:${line}:${col}`;
}

if (import.meta.main) {
  const root = new URL("../../", import.meta.url);
  const docs: Docs = await new Response(Deno.stdin.readable).json();
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const exposed = new Set(Object.values<string>(exports).map((path) => new URL(path, root).href));
  const absent = [...exposed].filter((module) => docs.nodes[module] === undefined);
  const problems = [
    ...absent.map((module) => `${module}: exported by deno.json, but not documented`),
    ...missingDocs(docs, [...exposed]),
  ];
  for (const problem of problems) console.log(problem.replaceAll(root.href, ""));
  if (problems.length > 0) Deno.exit(1);
}
