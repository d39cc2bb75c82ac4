#!/usr/bin/env node
/**
 * The command `asyncpkt` of the npm package: runs the program, passes signals on to it, and ends as
 * it does.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { programCommand } from "./program.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const given = process.argv.slice(2);

/** Servers run until a signal. No process can pass SIGKILL on, but its end closes the pipe. */
const needsPipe = /^(?:serve|work)$/.test(given[0] ?? "") && !given.includes("--exit-with-stdin");

const { command, args, env } = programCommand(
  needsPipe ? given.toSpliced(1, 0, "--exit-with-stdin") : given,
);
const child = spawn(command, args, {
  env,
  stdio: [needsPipe ? "pipe" : "inherit", "inherit", "inherit"],
});
for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`asyncpkt: cannot run ${command}: ${error.message}`);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  for (const name of SIGNALS) process.removeAllListeners(name);
  if (signal === null) process.exit(code);
  process.kill(process.pid, signal);
});
