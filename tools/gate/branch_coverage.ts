/**
 * The coverage check: the tests of the core modules reach at least 95 % of the branches of each. Runs
 * them, and on a failure names every branch that they miss, one line each.
 *
 * Usage: deno run --allow-read --allow-write --allow-run tools/gate/branch_coverage.ts
 *
 * @module
 */

/** How many of a module's branches are to be reached. */
const LEAST = 0.95;

/** The core: what has neither I/O nor a clock, and so no excuse. */
const CORE = ["protocol.ts", "protocol", "session", "websocket"];

/** What the tests reach of one module. */
export interface Coverage {
  readonly file: string;
  readonly branches: number;
  /** The lines that have a branch which was not taken, one for each. */
  readonly missed: readonly number[];
}

/**
 * Reads a report in the form of lcov, as `deno coverage --lcov` writes it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { readLcov } from "./branch_coverage.ts";
 *
 * assertEquals(
 *   readLcov("SF:a.ts\nBRDA:3,0,0,7\nBRDA:5,1,0,0\nBRDA:5,1,1,-\nend_of_record\n"),
 *   [{ file: "a.ts", branches: 3, missed: [5, 5] }],
 * );
 * ```
 */
export function readLcov(lcov: string): Coverage[] {
  return lcov.split("end_of_record\n").filter((record) => record.includes("SF:")).map((record) => {
    const branches = [...record.matchAll(/^BRDA:(\d+),\d+,\d+,(\d+|-)$/gm)];
    return {
      file: /^SF:(.*)$/m.exec(record)![1]!,
      branches: branches.length,
      missed: branches.filter(([, , taken]) => !(Number(taken) > 0)).map(([, line]) =>
        Number(line)
      ),
    };
  });
}

/** The complaints: of each module too little of which is reached, its share and what is missed. */
export function uncovered(modules: readonly Coverage[]): string[] {
  return modules.flatMap(({ file, branches, missed }) => {
    const share = branches === 0 ? 1 : 1 - missed.length / branches;
    if (share >= LEAST) return [];
    return [
      `${file}: ${(100 * share).toFixed(1)} % of the branches reached: want ${100 * LEAST} %`,
      ...missed.map((line) => `${file}:${line}: a branch that no test takes`),
    ];
  });
}

/** Measures the core; `folder` is for what the tests write. */
async function measure(folder: string): Promise<Coverage[]> {
  const flags = ["--quiet", "--coverage=" + folder, "--allow-read", "--allow-env"];
  await deno(["test", ...flags, ...CORE]);
  const root = decodeURIComponent(new URL("../../", import.meta.url).pathname);
  const modules = readLcov(await deno(["coverage", "--lcov", folder]))
    .map((module) => ({ ...module, file: module.file.replace(root, "") }));
  return modules.filter(({ file }) => CORE.some((name) => isIn(file, name)));
}

function isIn(file: string, name: string): boolean {
  return file === name || file.startsWith(`${name}/`);
}

async function deno(args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args, stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  if (code === 0) return new TextDecoder().decode(stdout);
  await Deno.stdout.write(stdout);
  await Deno.stderr.write(stderr);
  Deno.exit(code);
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir();
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const modules = await measure(folder);
  const names = modules.map(({ file }) => file);
  const absent = CORE.filter((name) => !names.some((file) => isIn(file, name)));
  const complaints = [...absent.map((name) => `${name}: not measured`), ...uncovered(modules)];
  for (const complaint of complaints) console.log(complaint);
  if (complaints.length > 0) Deno.exitCode = 1;
  const all = modules.reduce((sum, { branches }) => sum + branches, 0);
  const missed = modules.reduce((sum, module) => sum + module.missed.length, 0);
  console.log(`${all - missed} of ${all} branches of ${modules.length} core modules reached`);
}
