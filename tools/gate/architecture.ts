/**
 * The architecture check: no room imports from a room above it, no modules import each other in a
 * circle, no file is too long. Prints each problem, and exits with 1 if there is one.
 *
 * Usage: deno run --allow-read tools/gate/architecture.ts FILES
 *
 * @module
 */

/** The rooms that ship, and the rooms from which each may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  websocket: [],
  session: ["protocol"],
  client: ["protocol"],
  server: ["protocol", "session", "websocket"],
  "cluster/nats": ["protocol", "session"],
  "cluster/threads": ["protocol", "session", "server"],
  load: ["protocol", "client", "websocket"],
  console: ["protocol", "client"],
  cli: [
    "protocol",
    "session",
    "client",
    "server",
    "cluster/nats",
    "cluster/threads",
    "load",
    "websocket",
  ],
  main: ["cli", "session"],
  npm: ["protocol", "session", "server"],
};

/** The rooms that do not ship. Outside of them, only tests may import from them. */
const UNSHIPPED = ["examples", "tests", "tools"];

/** The most lines of a file. */
const MAX_LINES = 400;

/** Files that may be longer, and why. */
const LONG_FILES: Readonly<Record<string, string>> = {
  "client.ts": "the whole public class, most of it documentation",
  "server/console_assets.ts": "generated",
  "client/reconnecting_socket_test.ts": "one behavior: connecting again",
  "client_test.ts": "the behavior of the public class",
  "cluster/nats/nats_responder_test.ts":
    "the behavior of gateways and workers, with one NATS server",
  "session/session_test.ts": "the behavior of a session",
  "tests/support/server_suite.ts":
    "the behavior of a server, which runs over several kinds of them",
};

/** A TypeScript file, with its path from the root. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Returns a line for each problem of some files. `longFiles` maps files that may be long to a
 * reason.
 */
export function findProblems(
  files: readonly SourceFile[],
  longFiles: Readonly<Record<string, string>> = {},
): string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  return [
    ...[...imports].flatMap(([path, targets]) => findForbidden(path, targets)),
    ...findCycles(imports),
    ...files.flatMap((file) => findLong(file, longFiles)),
  ];
}

function importsOf({ path, text }: SourceFile): string[] {
  const code = text.replace(/\/\*[^]*?\*\//g, "");
  const specifiers = code.matchAll(/^(?:import|export)[^;"]*"(\.[^"]+)"|\bimport\("(\.[^"]+)"/gm);
  const base = new URL(path, "file:///");
  return [...specifiers]
    .map(([, literal, dynamic]) => new URL((literal ?? dynamic)!, base).pathname.slice(1))
    .filter((target) => target.endsWith(".ts"));
}

/** Returns the room of a file: its folder, or the name of a file at the root. */
function roomOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  if (first === "cluster") return `cluster/${second}`;
  return first.replace(/(_test)?\.ts$/, "");
}

function findForbidden(path: string, targets: readonly string[]): string[] {
  const room = roomOf(path);
  if (path.endsWith("_test.ts") || UNSHIPPED.includes(room) || room === "links") return [];
  const allowed = MAY_IMPORT[room];
  if (allowed === undefined) return [`${path}: is in no known room; add "${room}" to this check`];
  return targets
    .filter((target) => roomOf(target) !== room && !allowed.includes(roomOf(target)))
    .map((target) => `${path}: imports ${target}, a room above its own`);
}

/** Finds circles of imports, including types, by a walk that keeps the trail to each file. */
function findCycles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const problems: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      problems.push(`${[...trail.slice(start), path].join(" -> ")}: import each other`);
    }
    if (start >= 0 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return problems;
}

function findLong(
  { path, text }: SourceFile,
  longFiles: Readonly<Record<string, string>>,
): string[] {
  const lines = text.split("\n").length - 1;
  if (lines <= MAX_LINES || longFiles[path] !== undefined) return [];
  return [`${path}: has ${lines} lines; split it, or add a reason to this check`];
}

if (import.meta.main) {
  const paths = Deno.args;
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  const files = paths.map((path, i) => ({ path, text: texts[i]! }));
  const stale = Object.keys(LONG_FILES)
    .filter((path) => !paths.includes(path))
    .map((path) => `${path}: is in the list of long files and does not exist`);
  const problems = [...findProblems(files, LONG_FILES), ...stale];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
}
