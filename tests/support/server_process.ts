/**
 * The server: the real program, in a process of its own, looked at from outside.
 *
 * @module
 */

import { openFiles, residentMemory } from "./machine.ts";
import { type Program, type ProgramResult, startProgram, taskArgs } from "./program.ts";
import { exchange } from "./raw_tcp.ts";

/** What `/healthz` says. */
export interface Health {
  /** The status of the response. */
  readonly code: number;
  readonly status: string;
  readonly connections: number;
  readonly in_flight: number;
  readonly abandoned: number;
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
export interface ServerProcess extends Target, Program {
  readonly hasEnded: boolean;
  /** The memory it has resident, in bytes; NaN where the system does not say. */
  memory(): Promise<number>;
  /** Ends it with SIGTERM, and waits until it has drained. */
  stop(): Promise<ProgramResult>;
}

/** What a server is started in. */
export interface Surroundings {
  /** How many files it may have open. @default {what the system says} */
  maxFiles?: number;
  /** More flags of `deno run`. */
  runFlags?: readonly string[];
  /** Where it is told of its token. */
  env?: Record<string, string>;
}

/** Starts a server on a free port. */
export async function startServerProcess(
  flags: string[],
  { maxFiles, runFlags = [], env }: Surroundings = {},
): Promise<ServerProcess> {
  const [run, ...rest] = await taskArgs("serve") as [string, ...string[]];
  const args = [run, ...runFlags, ...rest, "--port", "0", ...flags];
  const limited = ["-c", `ulimit -n ${maxFiles} && exec "$0" "$@"`, Deno.execPath()];
  return await listening(
    maxFiles === undefined
      ? startProgram(Deno.execPath(), args, env)
      : startProgram("sh", [...limited, ...args], env),
  );
}

/** Waits until a program that is a server says where it listens. */
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

/** Asks a server how it is, on a connection that is closed at once. */
export async function healthOf(port: number): Promise<Health> {
  const answer = await exchange(
    port,
    `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
  );
  const code = Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
  return { code, ...JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))) };
}
