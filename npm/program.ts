/**
 * The program on Deno, for Node: where npm has put Deno, and the arguments with which it runs.
 *
 * @module
 */

import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath } from "node:url";
import project from "../deno.json" with { type: "json" };

/** Finds the executable for this system, also if npm has not run the package's install script. */
const deno: { runInstall(): string } = createRequire(import.meta.url)("deno/install_api.cjs");

/** The permissions of the compiled executable. */
const permissions = project.tasks.compile.command.split(" ")
  .filter((word) => word.startsWith("--allow-"));

/** Uses only the files of this package: no configuration around them, no cache, no network. */
const RUN =
  "run --no-config --no-lock --no-npm --no-remote --no-code-cache --no-prompt --unstable-net";

/** A command line for `spawn()`. */
export interface CommandLine {
  readonly command: string;
  readonly args: string[];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Returns the command line that runs the program with some arguments.
 *
 * @throws {Error} if there is no Deno for this system.
 */
export function programCommand(args: readonly string[]): CommandLine {
  const main = fileURLToPath(new URL("./program/main.js", import.meta.url));
  return {
    command: deno.runInstall(),
    args: [...RUN.split(" "), ...permissions, main, ...args],
    env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
  };
}
