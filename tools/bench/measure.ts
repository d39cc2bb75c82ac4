/**
 * One measurement of one server under one load.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { freePort, residentMemory } from "../../tests/support/machine.ts";
import { here, pinned, start } from "./machine.ts";
import type { Server, Servers } from "./servers.ts";

const SERVER_CORE = 0;
const LOAD_CORE = 1;

/** The load on a server. */
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

/** Results of the load generator. Times are in ms: latency, or lateness if the server delays. */
export interface Answers {
  readonly perSecond: number;
  readonly inFlight: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Results of a measurement. */
export interface Result extends Answers {
  /** Resident memory of the server under load, in bytes. */
  readonly memory: number;
  /** Processor time of the server, in seconds per second. */
  readonly processor: number;
}

/** Starts a server, loads it, and measures. */
export async function measure(servers: Servers, server: Server, load: Load): Promise<Result> {
  const [answers, usage] = await underLoad(servers, server, load, async (pid) => {
    const before = await processorTime(pid);
    const from = performance.now();
    await delay(load.seconds * 1000 - 500);
    const memory = await residentMemory(pid);
    const took = (performance.now() - from) / 1000;
    return { memory, processor: (await processorTime(pid) - before) / took };
  });
  return { ...answers, ...usage };
}

/** Starts a server and loads it; calls `watch` after the warm-up. Returns the results of both. */
export async function underLoad<T>(
  servers: Servers,
  server: Server,
  load: Load,
  watch: (pid: number) => Promise<T>,
): Promise<[answers: Answers, watched: T]> {
  const port = freePort();
  const { delays = false } = load;
  await using running = await start(pinned(SERVER_CORE, server.command(port, delays)), port);
  await delay(200);
  const delayKind = !delays ? "none" : server.isSeeded ? "seed" : "plain";
  const options = JSON.stringify({ batch: 1, ...load, port, delay: delayKind });
  const [program, ...args] = pinned(LOAD_CORE, [servers.bun, here("load/load.js"), options]);
  const child = new Deno.Command(program!, { args, stdout: "piped", stderr: "inherit" }).spawn();
  const ended = child.output();

  await delay(load.warmUp * 1000 + 300);
  const watched = await watch(running.pid);

  const { success, stdout } = await ended;
  if (!success) throw new Error(`the load on ${server.name} failed`);
  return [JSON.parse(new TextDecoder().decode(stdout)), watched];
}

/**
 * Returns the processor time that a process has used, in seconds; NaN where the system does not
 * report it.
 */
async function processorTime(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
