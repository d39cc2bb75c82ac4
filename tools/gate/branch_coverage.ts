/**
 * The coverage check: the tests of each core module take at least 95 % of its branches. Runs the
 * tests, and prints each branch that they miss in modules below that.
 *
 * Usage: deno run --allow-read --allow-write --allow-run tools/gate/branch_coverage.ts
 *
 * @module
 */

/** The least share of the branches of a module that the tests must take. */
const MIN_SHARE = 0.95;

/** The core: modules that hold the protocols and the rules. */
const CORE = ["protocol.ts", "protocol", "session", "websocket"];

/** Coverage of a module. */
export interface Coverage {
  readonly file: string;
  readonly branches: number;
  /** The lines of the branches that no test takes; a line can repeat. */
  readonly missed: readonly number[];
}

/** Reads a report that `deno coverage --lcov` writes. */
export function readLcov(lcov: string): Coverage[] {
  return lcov.split("end_of_record\n").filter((record) => record.includes("SF:")).map((record) => {
    const branches = [...record.matchAll(/^BRDA:(\d+),\d+,\d+,(\d+|-)$/gm)];
    return {
      file: /^SF:(.*)$/m.exec(record)![1]!,
      branches: branches.length,
      missed: branches.filter(([, , taken]) => !(Number(taken) > 0))
        .map(([, line]) => Number(line)),
    };
  });
}

/** Returns the share and the missed branches of each module below the limit, a line each. */
export function uncovered(modules: readonly Coverage[]): string[] {
  return modules.flatMap(({ file, branches, missed }) => {
    const share = branches === 0 ? 1 : 1 - missed.length / branches;
    if (share >= MIN_SHARE) return [];
    return [
      `${file}: expected tests of ${100 * MIN_SHARE} % of the branches, got ${
        (100 * share).toFixed(1)
      } %`,
      ...missed.map((line) => `${file}:${line}: no test takes this branch`),
    ];
  });
}

/** Measures the core; the tests write their coverage into `folder`. */
async function measure(folder: string): Promise<Coverage[]> {
  const flags = [
    "--quiet",
    "--coverage=" + folder,
    "--allow-read",
    "--allow-env",
    "--allow-net",
    "--allow-run",
  ];
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
  const problems = [...absent.map((name) => `${name}: not measured`), ...uncovered(modules)];
  for (const problem of problems) console.log(problem);
  if (problems.length > 0) Deno.exitCode = 1;
  const all = modules.reduce((sum, { branches }) => sum + branches, 0);
  const missed = modules.reduce((sum, module) => sum + module.missed.length, 0);
  console.log(`${all - missed} of ${all} branches of ${modules.length} core modules tested`);
}
