/**
 * The server in a process, observed from outside.
 *
 * @module
 */

import { openFiles, residentMemory } from "./machine.ts";
import { type Program, type ProgramResult, startProgram, taskArgs } from "./program.ts";
import { exchange } from "./raw_tcp.ts";

/** Response of `/healthz`. */
export interface Health {
  /** Its status. */
  readonly code: number;
  readonly status: string;
  readonly connections: number;
  readonly in_flight: number;
  readonly abandoned: number;
}

/** A server that can be observed from outside. */
export interface Target extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Whether its process has ended. */
  readonly hasEnded: boolean;
  health(): Promise<Health>;
  /** Returns how many files it has open; NaN where the system does not report it. */
  files(): Promise<number>;
}

/** A server in a process. */
export interface ServerProcess extends Target, Program {
  readonly hasEnded: boolean;
  /** Returns its resident memory, in bytes; NaN where the system does not report it. */
  memory(): Promise<number>;
  /** Drains it by SIGTERM, and waits for its end. */
  stop(): Promise<ProgramResult>;
}

/** Starts a server on a free port, with more flags of `deno run`, and at most `maxFiles` open files. */
export async function startServerProcess(
  flags: string[],
  { maxFiles, runFlags = [] }: { maxFiles?: number; runFlags?: readonly string[] } = {},
): Promise<ServerProcess> {
  const [run, ...rest] = await taskArgs("serve") as [string, ...string[]];
  const args = [run, ...runFlags, ...rest, "--port", "0", ...flags];
  const limited = ["-c", `ulimit -n ${maxFiles} && exec "$0" "$@"`, Deno.execPath()];
  return await listening(
    maxFiles === undefined
      ? startProgram(Deno.execPath(), args)
      : startProgram("sh", [...limited, ...args]),
  );
}

/** Waits until a server reports its URL. */
export async function listening(program: Program): Promise<ServerProcess> {
  try {
    const [, url, port] = /^Listening on (ws:.*:(\d+))$/.exec(await program.stdout.next())!;
    return Object.assign(program, {
      url: url!,
      port: Number(port),
      health: () => healthOf(Number(port)),
      files: () => openFiles(program.pid),
      memory: () => residentMemory(program.pid),
      stop: () => {
        if (!program.hasEnded) program.kill("SIGTERM");
        return program.result();
      },
    });
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

async function healthOf(port: number): Promise<Health> {
  const answer = await exchange(
    port,
    `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
  );
  const code = Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
  return { code, ...JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) };
}
