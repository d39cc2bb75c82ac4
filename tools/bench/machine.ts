/**
 * Processes under measurement, on cores of their own.
 *
 * @module
 */

import { describeMachine, succeeds } from "../../tests/support/machine.ts";

/** A process under measurement. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
}

const hasTaskset = await succeeds("taskset", ["--version"]);
const cores = navigator.hardwareConcurrency;

/** The command, on a core of its own where that is possible. */
export function pinned(core: number, command: readonly string[]): string[] {
  return hasTaskset && cores > 1 ? ["taskset", "-c", String(core), ...command] : [...command];
}

/** Starts a process and waits until it accepts connections on `port`. */
export async function start(command: readonly string[], port: number): Promise<Running> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, { args, stdout: "null", stderr: "null" }).spawn();
  const status = child.status;
  for (let tries = 0; !await accepts(port); tries++) {
    const ended = await Promise.race([status, delay(50)]);
    if (ended !== undefined || tries > 200) throw new Error(`${command.join(" ")} does not listen`);
  }
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await status;
    },
  };
}

/** A path in this folder. */
export function here(path: string): string {
  return decodeURIComponent(new URL(path, import.meta.url).pathname);
}

/** A line that says what the machine is, and how it is used. */
export async function describePlacing(): Promise<string> {
  const placing = hasTaskset && cores > 1
    ? "server and load each pinned to a core"
    : "nothing pinned to a core";
  return `${await describeMachine()}; ${placing}`;
}

/** Resolves after a time in milliseconds. */
export function delay(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, undefined));
}

async function accepts(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}
