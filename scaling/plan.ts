/**
 * What a number of connections and of requests in flight takes: processes, machines, memory, ports.
 *
 * @module
 */

import { type Costs, costsOf } from "./costs.ts";
import { type LoadMeasured, MEAN_DELAY, type Measurements, type Reported } from "./measurements.ts";
import { simulate } from "./simulation.ts";

/** What is asked of all servers together. */
export interface Demand {
  readonly name: string;
  readonly connections: number;
  /** Requests a second, on all connections. */
  readonly rate: number;
}

/** A machine to be counted with. */
export const MACHINE = { cores: 8, memory: 32 * 2 ** 30 } as const;

/**
 * How full processes and machines may be: the rest is for the kernel, for peaks, for those that fail, and
 * for what the model does not know.
 */
export const FILL = 0.6;

/** So many connections to a process were measured; more were not. */
export const CONNECTIONS_MEASURED = 10_000;

/** With fewer than so many requests a second on a connection, one a millisecond, few answers share a frame. */
const SHARING = 1000;

/** Idle connections get a ping after so many seconds, or a little later: half of `server/idle.ts`'s time. */
export const PING = 15;

/** How many ports Linux connects from where nothing else is said: 32768 to 60999. */
export const PORTS = 60_999 - 32_768 + 1;

/** What the text of a small request takes, with its id, in bytes. */
const OWN_TEXT = 65;

/** What a process takes before anybody is connected, in bytes. */
const PROCESS = 70e6;

/** What a demand takes. */
export interface Plan {
  readonly demand: Demand;
  readonly inFlight: number;
  /** What is sent to idle connections, a second. */
  readonly pings: number;
  /** Processes that the connections take, and that the requests take; the greater is needed. */
  readonly processesByConnections: number;
  readonly processesByRequests: number;
  readonly processes: number;
  /** Of all processes, as they find their work at random. */
  readonly cores: number;
  /** Of all together, in bytes. */
  readonly memory: number;
  readonly machines: number;
  /** Modelled lateness, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** TCP segments a second, of both ends. */
  readonly segments: number;
  /** What each kind of proxy takes of a core, without TLS, and of memory, in bytes. */
  readonly proxies: Readonly<Record<string, { cores: number; memory: number }>>;
  /** Addresses that a proxy has to connect from if all processes of a machine share a port. */
  readonly proxyAddresses: number;
}

/** The costs of few connections, on which answers share frames, and of many. */
export function costs({ loads }: Measurements, reported: Reported): { few: Costs; many: Costs } {
  const shared = reported.loads.filter(({ protocol }) => protocol === "asyncpkt.v1");
  return {
    few: costsOf(shared[0]!, shared.at(-1)!),
    // On a busy machine, not all that was offered is answered.
    many: costsOf(served(loads[0]!), served(loads.at(-1)!)),
  };
}

/** A load by what came of it. */
export function served(load: LoadMeasured): LoadMeasured {
  return { ...load, rate: load.answered };
}

/** Plans for a demand. */
export function plan(demand: Demand, measured: Measurements, reported: Reported): Plan {
  const { connections, rate } = demand;
  const inFlight = rate * MEAN_DELAY;
  const pings = rate / connections < 1 / PING ? connections / PING : 0;
  // A ping and its answer were not measured; they are counted as much as a request.
  const work = rate + pings;
  const { few, many } = costs(measured, reported);
  const each = rate / connections < SHARING ? many : few;
  const processesByConnections = Math.ceil(connections / CONNECTIONS_MEASURED);
  const processesByRequests = Math.ceil(work * each.perRequest / 1000 / FILL);
  const processes = Math.max(processesByConnections, processesByRequests);
  const { utilisation, p50, p99 } = simulate({ ...each, rate: work / processes, inBursts: false });
  const memory = processes * PROCESS + connections * reported.connection +
    Math.min(inFlight, connections) * (reported.connectionWithRequest - reported.connection) +
    Math.max(inFlight - connections, 0) * (reported.request + OWN_TEXT);
  const cores = processes * utilisation;
  const machines = Math.ceil(
    Math.max(cores / MACHINE.cores, memory / MACHINE.memory) / FILL,
  );
  return {
    demand,
    inFlight,
    pings,
    processesByConnections,
    processesByRequests,
    processes,
    cores,
    memory,
    machines,
    p50,
    p99,
    segments: work * measured.loads.at(-1)!.segments,
    proxies: Object.fromEntries(
      Object.entries(measured.proxies).map(([name, loads]) => {
        const { perRequest, perConnection } = proxyCosts(loads);
        return [name, { cores: work * perRequest, memory: connections * perConnection }];
      }),
    ),
    proxyAddresses: Math.ceil(connections / machines / PORTS),
  };
}

/** What a proxy takes for each request, in seconds of a core, and for each connection, in bytes. */
export function proxyCosts(loads: readonly LoadMeasured[]) {
  const [few, many] = [loads[0]!, loads.at(-1)!];
  return {
    perRequest: many.processor / many.answered,
    perConnection: (many.memory - few.memory) / (many.connections - few.connections),
  };
}
