/**
 * Processes on cores of their own, and one measurement of one server under one load.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { describeMachine, freePort, output, succeeds } from "../../tests/support/machine.ts";

const SERVER_CORE = 0;
const LOAD_CORE = 1;

const canPin = navigator.hardwareConcurrency > 1 && await succeeds("taskset", ["--version"]);

/** A server that can be started. */
export interface Server {
  readonly name: string;
  /** Whether its delays are those of asyncpkt's seed 1, not those of the plain program. */
  readonly isSeeded?: true;
  /** Returns the command that starts it, either with delays of 1 to 5 s or with none. */
  command(port: number, delays: boolean): string[];
}

/** The load on a server. Without `pipeline` and `rate`, connections stay idle. */
export interface Load {
  readonly connections: number;
  /** The data of every request. */
  readonly data: string;
  /** Requests in flight on each connection, in a closed loop. */
  readonly pipeline?: number;
  /** Requests per second on all connections together, in an open loop. */
  readonly rate?: number;
  /** Requests in a frame; default 1. */
  readonly batch?: number;
  readonly subprotocol?: string;
  /** Whether the server delays each request by 1 to 5 s. */
  readonly delays?: boolean;
  /** How long the load runs before the measurement, in seconds. */
  readonly warmUp: number;
  /** How long the measurement takes, in seconds. */
  readonly seconds: number;
}

/** The options of the load generator. */
export interface LoadOptions extends Load {
  readonly port: number;
  /** The server's process. */
  readonly pid: number;
  /** Whether delays are those of asyncpkt's seed 1, not those of the plain program. */
  readonly isSeeded: boolean;
}

/**
 * Results of a measurement. Times are in milliseconds: latency, or lateness if the server delays.
 * Only an open loop has times.
 */
export interface Result {
  readonly perSecond: number;
  readonly inFlight: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Resident memory of the server under load, in bytes. */
  readonly memory: number;
  /** Processor time of the server, in seconds per second. */
  readonly processor: number;
}

/** Starts a server, loads it, and measures. */
export async function measure(server: Server, load: Load): Promise<Result> {
  const port = freePort();
  const { delays = false } = load;
  await using running = await start(pinned(SERVER_CORE, server.command(port, delays)), port);
  await delay(200);
  const { isSeeded = false } = server;
  const options: LoadOptions = { ...load, port, pid: running.pid, isSeeded };
  const program = deno("--allow-all", here("load.ts"), JSON.stringify(options));
  return JSON.parse(await output(pinned(LOAD_CORE, program)));
}

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

/** Starts a process and waits until it accepts connections on `port`. Disposing of it kills it. */
export async function start(
  command: readonly string[],
  port: number,
): Promise<AsyncDisposable & { readonly pid: number }> {
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
