import { assertEquals } from "@std/assert";
import { findProblems } from "./architecture.ts";

const file = (path: string, ...imports: string[]) => ({
  path,
  text: imports.map((specifier) => `import { x } from "${specifier}";\n`).join(""),
});

Deno.test("findProblems() returns imports from rooms above, circles and long files", () => {
  const table: [files: ReturnType<typeof file>[], problems: string[]][] = [
    [[file("session/a.ts", "../protocol.ts", "./b.ts", "npm:x")], []],
    [[file("session/a_test.ts", "../server.ts", "../tests/support/x.ts")], []],
    [[file("tests/a.ts", "../main.ts", "../tools/x.ts")], []],
    [[file("protocol.ts", "./session/a.ts")], [
      "protocol.ts: imports session/a.ts, a room above its own",
    ]],
    [[file("cluster/nats/a.ts", "../threads/b.ts")], [
      "cluster/nats/a.ts: imports cluster/threads/b.ts, a room above its own",
    ]],
    [[file("cli/a.ts", "../tests/support/x.ts")], [
      "cli/a.ts: imports tests/support/x.ts, a room above its own",
    ]],
    [[file("attic/a.ts")], ['attic/a.ts: is in no known room; add "attic" to this check']],
    [[file("cli/a.ts", "./b.ts"), file("cli/b.ts", "./c.ts"), file("cli/c.ts", "./b.ts")], [
      "cli/b.ts -> cli/c.ts -> cli/b.ts: import each other",
    ]],
    [[{ path: "cli/a.ts", text: "\n".repeat(400) }], []],
    [[{ path: "cli/a.ts", text: "\n".repeat(401) }], [
      "cli/a.ts: has 401 lines; split it, or add a reason to this check",
    ]],
  ];
  for (const [files, problems] of table) assertEquals(findProblems(files), problems);
});

Deno.test("findProblems() reads exports, dynamic and multi-line imports, and ignores comments", () => {
  const text = `/** import { x } from "../server/a.ts"; */
// import { x } from "../server/b.ts";
export { x } from "../server/c.ts";
import {
  x,
} from "../server/d.ts";
const e = await import("../server/e.ts");
`;
  assertEquals(
    findProblems([{ path: "protocol/x.ts", text }]),
    ["c", "d", "e"].map((name) => `protocol/x.ts: imports server/${name}.ts, a room above its own`),
  );
});

Deno.test("findProblems() accepts long files with a reason", () => {
  const long = { path: "cli/a.ts", text: "\n".repeat(401) };
  assertEquals(findProblems([long], { "cli/a.ts": "one table" }), []);
});
