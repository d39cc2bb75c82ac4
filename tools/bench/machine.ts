/**
 * Processes under measurement, on cores of their own.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { describeMachine, succeeds } from "../../tests/support/machine.ts";

/** A process under measurement; disposing of it kills it. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
}

const canPin = navigator.hardwareConcurrency > 1 && await succeeds("taskset", ["--version"]);

/** Returns a command that runs on one core, if the machine allows it. */
export function pinned(core: number, command: readonly string[]): string[] {
  return canPin ? ["taskset", "-c", String(core), ...command] : [...command];
}

/** Returns the command that runs a program on Deno. */
export function deno(...args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "--quiet", ...args];
}

/** Returns the path of a file, given relative to this folder. */
export function here(path: string): string {
  return `${import.meta.dirname}/${path}`;
}

/** Starts a process and waits until it accepts connections on `port`. */
export async function start(command: readonly string[], port: number): Promise<Running> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).spawn();
  const status = child.status;
  for (let tries = 0; !await accepts(port); tries++) {
    const ended = await Promise.race([status, delay(50)]);
    if (ended || tries > 200) throw new Error(`${command.join(" ")} does not listen`);
  }
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await status;
    },
  };
}

/** Describes the machine and how it is used, in a line. */
export async function describePlacing(): Promise<string> {
  const placing = canPin ? "server and load each pinned to a core" : "nothing pinned to a core";
  return `${await describeMachine()}; ${placing}`;
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
