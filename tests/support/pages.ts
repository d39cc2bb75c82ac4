/**
 * Pages of the docs, and the examples in them.
 *
 * @module
 */

import { taskArgs } from "./program.ts";

const ROOT = new URL("../..", import.meta.url);

/** Reads a page, by its path in the repository. */
export function readPage(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

/** A code block. */
export interface CodeBlock {
  /** The words after the fence, such as `ts ignore`. */
  readonly info: string;
  readonly text: string;
}

/** Returns the code blocks of a page or of a part of it. */
export function codeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(/^```(.*)\n([^]*?)^```$/gm)]
    .map(([, info, text]) => ({ info: info!, text: text! }));
}

/** A command line, and the output that a page shows below it. */
export interface ConsoleExample {
  /** The command line after `$ `; lines that end in a backslash go on. */
  readonly line: string;
  readonly output: string;
}

/** Returns the examples of a console: blocks without a language that begin with `$ `. */
export function consoleExamples(text: string): ConsoleExample[] {
  return codeBlocks(text).flatMap(({ info, text }) => {
    const [, line, output] = /^\$ ((?:.*\\\n)*.*)\n([^]*)$/.exec(info === "" ? text : "") ?? [];
    return line === undefined ? [] : [{ line, output: output! }];
  });
}

/** Splits a command line at spaces that are not in single quotes. */
export function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(/'([^']*)'|[^\s'\\]+/g), ([word, quoted]) => quoted ?? word);
}

/** Replaces all numbers and bars, which differ in each run. */
export function shapeOf(text: string): string {
  return text.replace(/[\d.,]*\d/g, "N").replace(/[█▌▐▏▎▍▋▊▉■]+/g, "").replace(/ +/g, " ");
}

/** A shell in a new folder, in which `asyncpkt` and `deno` are on the PATH. */
export interface Shell extends AsyncDisposable {
  readonly cwd: string;
  /** Runs a script, which ends at the first error; returns its output. */
  run(script: string): Promise<{ code: number; stdout: string; stderr: string }>;
}

/** Opens a shell. With a `url`, the clients of `asyncpkt` use it by default. */
export async function openShell(url = ""): Promise<Shell> {
  const cwd = await Deno.makeTempDir();
  const root = ROOT.pathname;
  const args = (await taskArgs("send")).slice(0, -2).join(" ");
  const write = (name: string, script: string) =>
    Deno.writeTextFile(`${cwd}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await write(
    "asyncpkt",
    `command=$1; shift
case "${url}$command" in ws*send|ws*bench|ws*health) set -- --url "${url}" "$@";; esac
exec "${Deno.execPath()}" ${args} --config "${root}deno.json" "${root}main.ts" "$command" "$@"`,
  );
  await write("deno", `exec "${Deno.execPath()}" "$@"`);
  const env = { PATH: `${cwd}:${Deno.env.get("PATH")}`, NO_COLOR: "1" };
  return {
    cwd,
    async run(script) {
      const args = ["-e", "-c", script];
      const { code, stdout, stderr } = await new Deno.Command("sh", { args, cwd, env }).output();
      const decode = (bytes: BufferSource) => new TextDecoder().decode(bytes);
      return { code, stdout: decode(stdout), stderr: decode(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(cwd, { recursive: true }),
  };
}
