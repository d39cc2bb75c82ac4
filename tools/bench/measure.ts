/**
 * One measurement of one server under one load.
 *
 * @module
 */

import { freePort, processorTime, residentMemory } from "../../tests/support/machine.ts";
import { delay, here, pinned, start } from "./machine.ts";
import type { Server, Servers } from "./servers.ts";

const SERVER_CORE = 0;
const LOAD_CORE = 1;

/** The load that a server is put under. */
export interface Load {
  readonly connections: number;
  /** The data of every request. */
  readonly data: string;
  /** Requests in flight on each connection, in a closed loop. */
  readonly pipeline?: number;
  /** Requests per second on all connections together, in an open loop. */
  readonly rate?: number;
  /** Requests to a frame. */
  readonly batch?: number;
  readonly subprotocol?: string;
  /** Whether the server delays each request by 1 to 5 s. */
  readonly delays?: boolean;
  /** How long the load runs before it counts, and how long it counts, in seconds. */
  readonly warmUp: number;
  readonly seconds: number;
}

/** What came of it. Times are in milliseconds: lateness where the server delays, latency where not. */
export interface Result {
  readonly perSecond: number;
  readonly inFlight: number;
  readonly errors: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Memory resident under load, in bytes. */
  readonly memory: number;
  /** Processor time of the server while it counted, in seconds per second. */
  readonly processor: number;
}

/** Starts a server afresh, loads it, and measures. */
export async function measure(servers: Servers, server: Server, load: Load): Promise<Result> {
  const { result, during } = await underLoad(servers, server, load, async (pid) => {
    const before = await processorTime(pid);
    const from = performance.now();
    await delay(load.seconds * 1000 - 500);
    const memory = await residentMemory(pid);
    const took = (performance.now() - from) / 1000;
    return { memory, processor: (await processorTime(pid) - before) / took };
  });
  return { ...result, ...during };
}

/** What is told of the answers alone. */
type Answers = Omit<Result, "memory" | "processor">;

/** Starts a server afresh and loads it; `watch` is called once the load is warm. */
export async function underLoad<T>(
  servers: Servers,
  server: Server,
  load: Load,
  watch: (pid: number) => Promise<T>,
): Promise<{ result: Answers; during: T }> {
  const port = freePort();
  const delays = load.delays ?? false;
  await using running = await start(pinned(SERVER_CORE, server.command(port, delays)), port);
  await delay(200);
  const options = {
    port,
    pipeline: 0,
    rate: 0,
    batch: 1,
    subprotocol: "",
    ...load,
    delay: !delays ? "none" : server.isSeeded ? "seed" : "plain",
  };
  const [program, ...args] = pinned(LOAD_CORE, [
    servers.bun,
    here("load/load.js"),
    JSON.stringify(options),
  ]);
  const child = new Deno.Command(program!, { args, stdout: "piped", stderr: "inherit" }).spawn();
  const ended = child.output();

  await delay(load.warmUp * 1000 + 300);
  const during = await watch(running.pid);

  const { success, stdout } = await ended;
  if (!success) throw new Error(`the load on ${server.name} failed`);
  return { result: JSON.parse(new TextDecoder().decode(stdout)), during };
}
