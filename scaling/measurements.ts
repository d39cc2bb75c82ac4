/**
 * What the model goes by: what `deno task scaling:measure` has measured, and what two reports in docs say.
 *
 * @module
 */

/** Where `deno task scaling:measure` writes. */
export const MEASUREMENTS: URL = new URL("./measurements.json", import.meta.url);

/** The mean of a delay of 1 to 5 s. */
export const MEAN_DELAY = 3;

/** What was measured under one load; medians of rounds. */
export interface LoadMeasured {
  readonly protocol: string;
  readonly connections: number;
  /** Requests a second. */
  readonly rate: number;
  /** Answers a second. */
  readonly answered: number;
  /** Lateness, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Seconds of a core in each second. */
  readonly processor: number;
  /** Bytes resident. */
  readonly memory: number;
  /** TCP segments for each answer, of both ends. */
  readonly segments: number;
}

/** All that was measured. */
export interface Measurements {
  readonly machine: string;
  readonly deno: string;
  readonly date: string;
  readonly rounds: number;
  /** Without a proxy, on very many connections. */
  readonly loads: readonly LoadMeasured[];
  readonly proxies: Record<string, readonly LoadMeasured[]>;
}

/** A load of docs/performance.md: 50 connections, on which answers share frames in `asyncpkt.v1`. */
export type LoadReported = Pick<LoadMeasured, "protocol" | "rate" | "p50" | "p99" | "processor">;

/** What the reports in docs say. */
export interface Reported {
  /** The loads of few connections, by their rates. */
  readonly loads: readonly LoadReported[];
  /** What an idle connection holds in memory, in bytes. */
  readonly connection: number;
  /** A connection with one request in flight. */
  readonly connectionWithRequest: number;
  /** Each further request in flight, beyond its own text. */
  readonly request: number;
}

/** What was measured last. */
export async function readMeasurements(): Promise<Measurements> {
  return JSON.parse(await Deno.readTextFile(MEASUREMENTS));
}

/** What docs/reliability.md and docs/performance.md say. */
export async function readReports(): Promise<Reported> {
  const [reliability, performance] = await Promise.all(
    ["reliability", "performance"].map((name) =>
      Deno.readTextFile(new URL(`../docs/${name}.md`, import.meta.url))
    ),
  ) as [string, string];
  return {
    loads: [...performance.matchAll(ROW)]
      .map(([, protocol, inFlight, p50, p99, processor]): LoadReported => ({
        protocol: protocol === "asyncpkt" ? "plain" : protocol!,
        rate: Number(inFlight!.replaceAll(",", "")) / MEAN_DELAY,
        p50: Number(p50),
        p99: Number(p99),
        processor: Number(processor) / 100,
      }))
      .toSorted((a, b) => a.rate - b.rate),
    connection: 1024 * find(reliability, /([\d.]+) KiB of the server's memory for each connection/),
    connectionWithRequest: 1024 * find(reliability, /([\d.]+) KiB with its request/),
    request: find(performance, /memory per request .*\| ([\d.]+) bytes \(/),
  };
}

/** A row of "Delays": name, in flight, lateness p50, p99, max, memory, processor. */
const ROW =
  /^\| (asyncpkt(?:\.v1)?), ([\d,]+) in flight +\|[^|]*\| ([\d.]+) [^|]*\| ([\d.]+) [^|]*\|[^|]*\|[^|]*\| (\d+) % /gm;

function find(text: string, figure: RegExp): number {
  const [, number] = figure.exec(text) ?? [];
  if (number === undefined) throw new Error(`There is nothing like ${figure} in the report`);
  return Number(number);
}
