/**
 * The program in a process, with the permissions of its tasks, and the server observed from outside.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { readLines } from "../../cli/input.ts";
import { openFiles, residentMemory } from "./machine.ts";
import { exchange } from "./raw_tcp.ts";
import { Inbox, PATIENCE } from "./waiting.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Returns the command of a task of deno.json. */
export async function taskCommand(name: string): Promise<string> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  return tasks[name].command;
}

/** Returns the arguments of `deno` in the command of a task. */
export async function taskArgs(name: string): Promise<string[]> {
  return (await taskCommand(name)).split(" ").slice(1);
}

/** The end of a process. */
export interface ProgramResult {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  /** Lines of stdout that were not taken. */
  readonly stdout: string[];
  readonly stderr: string;
}

/** A running process. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  readonly hasEnded: boolean;
  /** Lines of stdout as they arrive. */
  readonly stdout: Inbox<string>;
  kill(signal: Deno.Signal): void;
  /** Writes to its stdin. */
  write(text: string): Promise<void>;
  /** Ends its stdin. */
  endInput(): Promise<void>;
  /** Waits for its end, for at most `patience` milliseconds. @default {20 s} */
  result(patience?: number): Promise<ProgramResult>;
}

/** Starts an executable. Its disposal kills it if it still runs. */
export function startProgram(
  executable: string,
  args: string[],
  env: Record<string, string> = {},
): Program {
  const child = new Deno.Command(executable, {
    args,
    cwd: ROOT,
    // Deno loads more certificates when it first needs them, and warns if no file can be opened then.
    env: { NO_COLOR: "1", NODE_EXTRA_CA_CERTS: "", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = new Inbox<string>();
  const stdin = child.stdin.getWriter();
  const read = (async () => {
    for await (const { text, problem } of readLines(child.stdout)) stdout.put(text ?? problem);
  })();
  const stderr = new Response(child.stderr).text();
  let isEnded = false;
  const ended = (async () => {
    const [{ code, signal }, text] = await Promise.all([child.status, stderr, read]);
    isEnded = true;
    await stdin.close().catch(() => {}); // it is closed or broken already
    return { code, signal, stderr: text };
  })();
  return {
    pid: child.pid,
    get hasEnded() {
      return isEnded;
    },
    stdout,
    kill: (signal) => child.kill(signal),
    write: (text) => stdin.write(new TextEncoder().encode(text)),
    endInput: () => stdin.close(),
    async result(patience = PATIENCE) {
      const { code, signal, stderr } = await deadline(ended, patience);
      return { code, signal, stderr, stdout: await stdout.take(stdout.size) };
    },
    async [Symbol.asyncDispose]() {
      if (!isEnded) child.kill("SIGKILL");
      await deadline(ended, PATIENCE); // a child of it may hold its streams open
    },
  };
}

/** Starts a command of the program, as the task of that name does. */
export async function startTask(name: string, ...more: string[]): Promise<Program> {
  return startProgram(Deno.execPath(), [...await taskArgs(name), ...more]);
}

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

/** Waits until a server reports its URL and that of its console. */
export async function listening(program: Program): Promise<ServerProcess> {
  try {
    const [, url, port] = /^Listening on (wss?:.*:(\d+))$/.exec(await program.stdout.next())!;
    assertEquals(await program.stdout.next(), `Console: ${url!.replace("ws", "http")}`);
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
