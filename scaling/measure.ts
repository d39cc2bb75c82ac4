/**
 * `deno task scaling:measure`: measures what the model of docs/scaling.md goes by, and writes it into
 * measurements.json. It takes about five minutes, and wants a machine that does nothing else meanwhile.
 *
 * @module
 */

import { SMALL } from "../bench/conversion.ts";
import { pinned, start } from "../bench/machine.ts";
import { freePort } from "../testing/free_port.ts";
import { type Load, measure, type Result } from "../bench/measure.ts";
import { findServers, type Server, type Servers } from "../bench/servers.ts";
import { median } from "../bench/statistics.ts";
import { describeMachine, output } from "../testing/machine.ts";
import { configure, findProxy, PROXIES, type ProxyKind } from "../testing/proxies.ts";
import { type LoadMeasured, MEASUREMENTS, type Measurements } from "./measurements.ts";

/** How often each is measured; what is written are medians. */
const ROUNDS = 3;

/** A round in which less than this part of the answers came says nothing of its load. */
const KEPT_UP = 0.8;

/** Until as many requests are answered as come: 5 s, and a little. */
const OPEN = { delays: true, data: SMALL, warmUp: 7, seconds: 4 };
const V1 = { subprotocol: "asyncpkt.v1" };

/** Connections that are many, so that no two answers share a frame. */
const MANY = 5_000;

/** What is measured without a proxy: what docs/performance.md does not say. */
const LOADS: readonly Load[] = [1_000, 5_000, 10_000].map((rate) => ({
  ...OPEN,
  ...V1,
  connections: MANY,
  rate,
}));

/** What each proxy passes on. */
const THROUGH_PROXY: readonly Load[] = [100, 1_000].map((connections) => ({
  ...OPEN,
  ...V1,
  connections,
  rate: 5_000,
}));

const folder = await Deno.makeTempDir({ prefix: "asyncpkt" });
try {
  const servers = await findServers(folder);
  const measured: Measurements = {
    machine: await describeMachine(),
    deno: Deno.version.deno,
    date: new Date().toISOString().slice(0, 10),
    rounds: ROUNDS,
    loads: await measureAll(servers, servers.asyncpkt, LOADS),
    proxies: {},
  };
  for (const kind of PROXIES) {
    measured.proxies[kind.name] = await measureProxy(servers, kind);
  }
  await Deno.writeTextFile(MEASUREMENTS, JSON.stringify(measured, null, 2) + "\n");
  await output([Deno.execPath(), "fmt", "--quiet", MEASUREMENTS.pathname]);
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Measures loads in rounds, so that what drifts, drifts for all. */
async function measureAll(
  servers: Servers,
  server: Server,
  loads: readonly Load[],
): Promise<LoadMeasured[]> {
  const results = loads.map((): Result[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, load] of loads.entries()) {
      const result = await measure(servers, server, load);
      console.error(server.name, load.subprotocol ?? "plain", load.connections, load.rate, result);
      if (result.perSecond >= KEPT_UP * load.rate!) results[i]!.push(result);
    }
  }
  if (results.some(({ length }) => length === 0)) {
    throw new Error(`${server.name} never kept up: is the machine busy with something else?`);
  }
  return loads.map((load, i) => {
    const of = (value: (result: Result) => number, digits = 2) =>
      Number(median(results[i]!.map(value)).toFixed(digits));
    return {
      protocol: load.subprotocol ?? "plain",
      connections: load.connections,
      rate: load.rate!,
      answered: of(({ perSecond }) => perSecond, 0),
      p50: of(({ p50 }) => p50),
      p99: of(({ p99 }) => p99),
      max: of(({ max }) => max),
      processor: of(({ processor }) => processor, 3),
      memory: of(({ memory }) => memory, 0),
      segments: of(({ segments }) => segments),
    };
  });
}

/** What is measured is the proxy; the server behind it shares its core. Without TLS, which the load lacks. */
async function measureProxy(servers: Servers, kind: ProxyKind): Promise<LoadMeasured[]> {
  const behind = freePort();
  await using _server = await start(
    pinned(0, servers.asyncpkt.command(behind, true)),
    behind,
  );
  const { withoutTls: changes } = kind;
  const proxy: Server = {
    name: kind.name,
    isSeeded: true,
    command: (port) => [
      findProxy(kind)!,
      ...configure(kind, { folder, port, servers: [behind, behind], changes }),
    ],
  };
  return await measureAll(servers, proxy, THROUGH_PROXY);
}
