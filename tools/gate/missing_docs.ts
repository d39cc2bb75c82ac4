/**
 * The docs check: every export has JSDoc, and every function, class and constant that the package exposes
 * has an example that `deno test --doc` runs. Prints what is missing, one line each, and then fails.
 *
 * Usage: deno doc --json FILE... | deno run --allow-read=deno.json tools/gate/missing_docs.ts
 *
 * @module
 */

/** The part of what `deno doc --json` says that is used here. */
export interface Docs {
  /** What each module exports, by the module's URL. */
  nodes: Record<string, { symbols: Exported[] }>;
}

/** What a module exports under one name; overloads and merged declarations make it several. */
export interface Exported {
  name: string;
  declarations: Declaration[];
}

/** A declaration, or a `reference` to one: an export of what another module declares. */
export interface Declaration {
  kind: string;
  declarationKind: string;
  location: Location;
  def?: { target?: Location };
  jsDoc?: { doc?: string; tags?: { kind: string; doc?: string }[] };
}

/** A place in a file; lines count from 0. */
export interface Location {
  filename: string;
  line: number;
  col: number;
}

const NEEDS_EXAMPLE = ["class", "function", "variable"];

/** The start of a block that `deno test --doc` runs; with more words behind `ts`, it might not. */
const RUNS = /^```ts$/m;

/** The complaints, in order, none twice; `exposed` are the URLs of the modules that users import. */
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

  const complaints = new Set<string>();
  for (const { module, name, declarations } of exports) {
    const found = declarations.filter((each) => each.declarationKind === "export").flatMap(resolve);
    const location = found[0]?.location;
    if (location === undefined || location.filename.endsWith("_test.ts")) continue;
    if (location.filename.endsWith(".d.ts")) continue; // another package's, passed on
    const complain = (what: string) =>
      complaints.add(`${location.filename}:${location.line + 1} ${name}: ${what}`);

    if (!found.some(({ jsDoc }) => jsDoc?.doc)) complain("no JSDoc");
    if (!exposed.includes(module)) continue;
    if (!found.some(({ kind }) => NEEDS_EXAMPLE.includes(kind))) continue;
    const tags = found.flatMap(({ jsDoc }) => jsDoc?.tags ?? []);
    const hasExample = tags.some(({ kind, doc }) => kind === "example" && RUNS.test(doc ?? ""));
    if (!hasExample) complain("no @example that runs");
  }
  return [...complaints].sort();
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
  const complaints = [
    ...absent.map((module) => `${module}: exported by deno.json, but not there`),
    ...missingDocs(docs, [...exposed]),
  ];
  for (const complaint of complaints) console.log(complaint.replaceAll(root.href, ""));
  if (complaints.length > 0) Deno.exit(1);
}
