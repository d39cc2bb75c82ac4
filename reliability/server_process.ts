/**
 * The server under trial: the real program, in a process of its own, looked at from outside.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { openFiles, residentMemory } from "../testing/machine.ts";
import { type Program, type ProgramResult, startProgram, taskArgs } from "../testing/program.ts";
import { exchange } from "../testing/raw_tcp.ts";
import { PATIENCE } from "../testing/until.ts";

/** How long until it is looked again whether anything is left, in milliseconds. */
const LOOK_AGAIN = 50;

/** What `/healthz` says. */
export interface Health {
  readonly status: string;
  readonly connections: number;
  readonly in_flight: number;
}

/** A server that can be looked at from outside. */
export interface Target extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Whether its process is gone. */
  readonly hasEnded: boolean;
  health(): Promise<Health>;
  /** How many files it has open; NaN where the system does not say. */
  files(): Promise<number>;
}

/** A server in a process of its own. */
export interface ServerProcess extends Target {
  /** The memory it has resident, in bytes; NaN where the system does not say. */
  memory(): Promise<number>;
  kill(signal: Deno.Signal): void;
  /** Ends it with SIGTERM, and waits until it has drained. */
  stop(): Promise<ProgramResult>;
}

/** Starts a server on a free port; `maxFiles` limits how many files it may have open. */
export async function startServer(flags: string[], maxFiles?: number): Promise<ServerProcess> {
  const args = [...await taskArgs("serve"), "--port", "0", ...flags];
  const program = maxFiles === undefined
    ? startProgram(Deno.execPath(), args)
    : startProgram("sh", [
      "-c",
      `ulimit -n ${maxFiles} && exec "$0" "$@"`,
      Deno.execPath(),
      ...args,
    ]);
  try {
    const [, url, port] = /on (ws:.*:(\d+))$/.exec(await program.stdout.next())!;
    return asTarget(program, url!, Number(port));
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

function asTarget(program: Program, url: string, port: number): ServerProcess {
  return {
    url,
    port,
    get hasEnded() {
      return program.hasEnded;
    },
    health: () => healthOf(port),
    files: () => openFiles(program.pid),
    memory: () => residentMemory(program.pid),
    kill: (signal) => program.kill(signal),
    stop: () => {
      if (!program.hasEnded) program.kill("SIGTERM");
      return program.result();
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Asks a server how it is, on a connection that is closed at once. */
export async function healthOf(port: number): Promise<Health> {
  const answer = await exchange(
    port,
    `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
  );
  return JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
}

/**
 * Waits until nothing of what was done to a server is left: no connection, no request in flight, no more
 * files open than `files`. Returns what is left for all the waiting, a sentence each.
 */
export async function leftBehind(
  target: Target,
  files: number,
  patience: number = PATIENCE,
): Promise<string[]> {
  const end = performance.now() + patience;
  while (true) {
    const left = await look(target, files);
    if (left.length === 0 || target.hasEnded || performance.now() > end) return left;
    await delay(LOOK_AGAIN);
  }
}

async function look(target: Target, files: number): Promise<string[]> {
  if (target.hasEnded) return ["the server's process has ended"];
  const { connections, in_flight } = await target.health();
  const open = await target.files();
  return [
    connections > 0 ? [`${connections} connections are left`] : [],
    in_flight > 0 ? [`${in_flight} requests are left in flight`] : [],
    open > files ? [`${open} files are open, ${files} were before`] : [],
  ].flat();
}
