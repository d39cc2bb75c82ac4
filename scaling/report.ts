/**
 * The parts of docs/scaling.md that are reckoned.
 *
 * @module
 */

import { formatCount } from "../cli/figures.ts";
import { markdownTable } from "../testing/markdown.ts";
import { costsOf } from "./costs.ts";
import { MEAN_DELAY, type Measurements, type Reported } from "./measurements.ts";
import {
  CONNECTIONS_MEASURED,
  costs,
  type Demand,
  FILL,
  MACHINE,
  type Plan,
  plan,
  PORTS,
  proxyCosts,
  served,
} from "./plan.ts";
import { simulate } from "./simulation.ts";

const MILLION = 1_000_000;

/** The worked example: a million of each, in three ways. */
const DEMANDS: readonly Demand[] = [
  {
    name: "services: a million in flight on 200 connections",
    connections: 200,
    rate: MILLION / MEAN_DELAY,
  },
  {
    name: "people at work: a million connections, one in flight on each",
    connections: MILLION,
    rate: MILLION / MEAN_DELAY,
  },
  {
    name: "people who look: a million connections, one request a minute on each",
    connections: MILLION,
    rate: MILLION / 60,
  },
];

/** How full a process is, in the table of what comes of that. */
const FILLS = [0.1, 0.3, 0.6, 0.8, 0.9, 0.95];

/** All parts, by the names of their markers. */
export function partsOf(measured: Measurements, reported: Reported): Record<string, string> {
  return {
    constants: constants(measured, reported),
    check: check(measured, reported),
    fill: fill(measured, reported),
    example: example(DEMANDS.map((demand) => plan(demand, measured, reported))),
  };
}

/** Puts each part between its markers. */
export function fillIn(text: string, parts: Record<string, string>): string {
  for (const [name, part] of Object.entries(parts)) {
    const [begin, end] = [`<!-- reckoned: ${name} -->`, "<!-- end -->"];
    const from = text.indexOf(begin);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`docs/scaling.md has no ${begin} … ${end}`);
    text = `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`;
  }
  return text;
}

function constants(measured: Measurements, reported: Reported): string {
  const { few, many } = costs(measured, reported);
  const source = `measured on ${measured.date}`;
  const microseconds = (milliseconds: number) => `${(1000 * milliseconds).toFixed(1)} µs`;
  return markdownTable(["what", "takes", "from"], [
    ["an idle connection", kib(reported.connection), "reliability.md"],
    [
      "a connection with its first request in flight",
      kib(reported.connectionWithRequest),
      "reliability.md",
    ],
    [
      "each further request in flight",
      `${reported.request} bytes and its own text`,
      "performance.md",
    ],
    [
      "a request, in and out, few connections",
      microseconds(few.perRequest),
      "performance.md, Delays",
    ],
    [
      `a request, in and out, ${formatCount(measured.loads[0]!.connections)} connections`,
      microseconds(many.perRequest),
      source,
    ],
    [
      "a turn of the event loop, few and many connections",
      `${microseconds(few.perTurn)}, ${microseconds(many.perTurn)}`,
      "the same",
    ],
    ["a request, in TCP segments", measured.loads.at(-1)!.segments.toFixed(1), source],
    ...Object.entries(measured.proxies).flatMap(([name, loads]) => {
      const { perRequest, perConnection } = proxyCosts(loads);
      return [
        [`${name}: a request, in and out`, microseconds(1000 * perRequest), source],
        [`${name}: a connection`, kib(perConnection), source],
      ];
    }),
  ]);
}

function check(measured: Measurements, reported: Reported): string {
  const { few, many } = costs(measured, reported);
  const least = reported.loads[0]!;
  const share = (part: number) => `${Math.round(100 * part)} %`;
  return markdownTable(
    ["load", "of a core", "modelled", "lateness p50", "modelled", "p99", "modelled"],
    [
      ...reported.loads.map((load) => {
        const { protocol, rate, processor, p50, p99 } = load;
        // Without shared frames a request costs more; its turns cost the same.
        const cost = protocol === "plain"
          ? { ...few, perRequest: costsOf(least, load).perRequest }
          : few;
        const simulated = simulate({ ...cost, rate, inBursts: true });
        return [
          `${protocol === "plain" ? "plain mode" : protocol}, 50 connections, ${
            formatCount(rate)
          }/s`,
          share(processor),
          share(simulated.utilisation),
          milliseconds(p50),
          milliseconds(simulated.p50),
          milliseconds(p99),
          milliseconds(simulated.p99),
        ];
      }),
      ...measured.loads.map(served).map(({ protocol, connections, rate, processor }) => {
        const { utilisation } = simulate({ ...many, rate, inBursts: true });
        const load = `${protocol}, ${formatCount(connections)} connections, ${formatCount(rate)}/s`;
        return [load, share(processor), share(utilisation), "", "", "", ""];
      }),
    ],
  );
}

function fill(measured: Measurements, reported: Reported): string {
  const { few, many } = costs(measured, reported);
  return markdownTable(
    ["how full", "few connections", "p50", "p99", "many connections", "p50", "p99"],
    FILLS.map((part) => [
      `${Math.round(100 * part)} %`,
      ...[few, many].flatMap((cost) => {
        const rate = 1000 * part / cost.perRequest;
        const { p50, p99 } = simulate({ ...cost, rate, inBursts: false });
        return [`${round(rate)}/s`, milliseconds(p50), milliseconds(p99)];
      }),
    ]),
  );
}

function example(plans: readonly Plan[]): string {
  const row = (what: string, of: (plan: Plan) => string) => [what, ...plans.map(of)];
  return markdownTable(
    ["", ...plans.map(({ demand }) => demand.name)],
    [
      row("requests a second", ({ demand }) => formatCount(demand.rate)),
      row("in flight", ({ inFlight }) => formatCount(inFlight)),
      row("pings a second", ({ pings }) => formatCount(pings)),
      row(
        `processes for the connections, ${formatCount(CONNECTIONS_MEASURED)} each`,
        (plan) => formatCount(plan.processesByConnections),
      ),
      row(
        `processes for the requests, ${100 * FILL} % full`,
        (plan) => formatCount(plan.processesByRequests),
      ),
      row("**processes**", ({ processes }) => `**${formatCount(processes)}**`),
      row(
        "connections to a process, and so files",
        ({ demand, processes }) => formatCount(Math.ceil(demand.connections / processes)),
      ),
      row("memory of all processes", ({ memory }) => gib(memory)),
      row("cores at work", ({ cores }) => cores.toFixed(1)),
      row(
        `**machines** of ${MACHINE.cores} cores and ${gib(MACHINE.memory)}, ${100 * FILL} % full`,
        ({ machines }) => `**${machines}**`,
      ),
      row(
        "lateness p50 and p99, modelled",
        ({ p50, p99 }) => `${milliseconds(p50)}, ${milliseconds(p99)}`,
      ),
      row("TCP segments a second", ({ segments }) => round(segments)),
      ...Object.keys(plans[0]!.proxies).map((name) =>
        row(`${name}, without TLS: cores, memory`, ({ proxies }) => {
          const { cores, memory } = proxies[name]!;
          return `${cores.toFixed(1)}, ${gib(memory)}`;
        })
      ),
      row(
        "files of all proxies",
        ({ demand }) => formatCount(2 * demand.connections),
      ),
      row(
        `addresses towards a port that a machine's processes share, ${
          formatCount(PORTS)
        } ports each`,
        ({ proxyAddresses }) => formatCount(proxyAddresses),
      ),
    ],
  );
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(bytes < 10 * 2 ** 30 ? 1 : 0)} GiB`;
}

function milliseconds(time: number): string {
  return `${time < 100 ? time.toPrecision(2) : round(time)} ms`;
}

/** Two digits are all that a model is good for. */
function round(count: number): string {
  return formatCount(Number(count.toPrecision(2)));
}
