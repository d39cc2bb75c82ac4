/**
 * One measurement of one server under one load.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { freePort, output, residentMemory } from "../../tests/support/machine.ts";
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

/** The options of the load generator. */
export interface LoadOptions extends Load {
  readonly port: number;
  readonly batch: number;
  /** How the server delays: not at all, by its seed, or as the plain program. */
  readonly delay: "none" | "seed" | "plain";
}

/** Results of a measurement. Times are in ms: latency, or lateness if the server delays. */
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
export async function measure(servers: Servers, server: Server, load: Load): Promise<Result> {
  const port = freePort();
  const { delays = false } = load;
  await using running = await start(pinned(SERVER_CORE, server.command(port, delays)), port);
  await delay(200);
  const kind = !delays ? "none" : server.isSeeded ? "seed" : "plain";
  const options: LoadOptions = { batch: 1, ...load, port, delay: kind };
  const [answers, usage] = await Promise.all([
    output(pinned(LOAD_CORE, [servers.bun, here("load.ts"), JSON.stringify(options)])),
    measureUsage(running.pid, load),
  ]);
  return { ...JSON.parse(answers), ...usage };
}

/** Measures memory and processor time of a server during the measurement. */
async function measureUsage(
  pid: number,
  { warmUp, seconds }: Load,
): Promise<Pick<Result, "memory" | "processor">> {
  await delay(warmUp * 1000 + 300);
  const before = await processorTime(pid);
  const from = performance.now();
  await delay(seconds * 1000 - 500);
  const memory = await residentMemory(pid);
  const took = (performance.now() - from) / 1000;
  return { memory, processor: (await processorTime(pid) - before) / took };
}

/** Returns the processor time of a process, in seconds; NaN if the system does not report it. */
async function processorTime(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
