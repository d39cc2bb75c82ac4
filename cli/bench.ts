/**
 * `asyncpkt bench`: puts a server under load and measures how it answers.
 *
 * @module
 */

import project from "../deno.json" with { type: "json" };
import { Display } from "./bench_display.ts";
import { type Report, reportOf } from "../load/report.ts";
import { type LoadOptions, type Run, runLoad } from "../load/run.ts";
import { textOf } from "./bench_report.ts";
import { parseThreshold, type Threshold } from "../load/thresholds.ts";
import { MAX_BATCH } from "../protocol.ts";
import { CLIENT_ACCESS, clientNeeds, readClientAccess } from "./auth.ts";
import type { Streams } from "./command.ts";
import { Exit, UsageError } from "./exit.ts";
import { failToConnect } from "./connect_advice.ts";
import { escapeControls } from "./terminal/escape.ts";
import {
  choice,
  duration,
  type Flag,
  flagHelp,
  integer,
  many,
  readFlags,
  seconds,
  short,
  text,
  toggle,
} from "./flags.ts";
import { readInput } from "./input.ts";
import { readLines } from "./lines.ts";
import { openFile } from "./files.ts";
import { requirePermissions, toRead } from "./permissions.ts";

const EXAMPLE = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";

/** How long it goes on where nothing else is said, in milliseconds. */
const DURATION = 10_000;

const url: Flag<URL> = {
  placeholder: "URL",
  help: "the server [ws://localhost:2707]",
  default: new URL("ws://localhost:2707"),
  parse(given) {
    const value = URL.parse(given);
    if (value?.protocol === "ws:" || value?.protocol === "wss:") return value;
    throw new RangeError(`want ws://HOST:PORT or wss://…, got ${JSON.stringify(given)}`);
  },
};

const threshold: Flag<Threshold | undefined> = {
  placeholder: "METRIC<VALUE",
  help: "what must hold, or the exit code is 99",
  default: undefined,
  parse: parseThreshold,
};

/** What it can be told. */
const FLAGS = {
  url,
  connections: short("c", integer("N", "connections [10]", 10, 1, 100_000)),
  pipeline: short("p", integer("N", "requests in flight on each connection [100]", 100, 1)),
  requests: short("n", integer("N", "requests to send in all", undefined, 1)),
  duration: short("z", duration("TIME", "how long to send, as 500ms, 10s or 1m [10s]", undefined)),
  rate: short("q", integer("N", "requests a second over all connections", undefined, 1)),
  timeout: short("t", seconds("SECONDS", "how long to wait for each answer [10]", 10)),
  data: text("DATA", "the data of each request [the protocol's example]", undefined),
  file: text("PATH", "lines of data to be sent in turn, - for stdin", undefined),
  batch: integer("N", "requests that share a frame [1]", 1, 1, MAX_BATCH),
  "output-format": choice("of the report, on stdout [text]", ["text", "json"]),
  json: toggle("the same as --output-format json"),
  threshold: many(threshold),
  ...CLIENT_ACCESS,
};

export { FLAGS as flags };

/** What `asyncpkt bench --help` shows. */
export const help = `Puts a server under load and measures how it answers.

Usage: asyncpkt bench [flags]

${flagHelp(FLAGS)}

It sends until --requests have been sent or the --duration is over, then waits for what is in flight.
Without --rate, a request is sent as soon as another has been answered. With it, requests are sent at
that rate, whether or not the server keeps up: latency counts from the time at which a request was to be
sent, even if there was no room for it, and a core is kept busy for the sake of exact times. Overhead is
latency less the delay that the server reports, which it does in asyncpkt.v1.

--batch sends arrays, which takes a server that knows them; otherwise it may talk plain mode only.

Thresholds: min, mean, stddev, p10, p25, p50, p75, p90, p95, p99, p99.9, p99.99, max of latency, or after
"overhead." of overhead, in ms, s or us; rate in answers a second; failed, timed_out, lost, missed, late,
unknown, out_of_order as a number or in %. Where there is one for failed, requests may fail up to it.

Exit codes: 0 all answered, 1 some answered with an error, or the report could not be written,
2 wrong usage, 3 no connection or it was lost, 4 some not answered in time, 99 a threshold was not kept,
130 interrupted.

Examples:
  asyncpkt bench -c 50 -z 30s
  asyncpkt bench -q 1000 -z 1m --threshold 'overhead.p99<5ms' --threshold 'failed<1%'
  asyncpkt bench -n 100000 -p 1000 --file packets.txt --json > report.json
`;

/** Runs the load, and reports. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const { stdout, stderr, signal } = streams;
  const flags = readFlags(FLAGS, args);
  if (flags._.length > 0) throw new UsageError(`bench takes no ${JSON.stringify(flags._[0])}`);
  if (flags.batch > flags.pipeline) {
    throw new UsageError(
      `--batch ${flags.batch} takes room for as many in flight: --pipeline ${flags.batch} or more`,
    );
  }
  await requirePermissions("bench", args, [
    ...clientNeeds(flags.url, flags),
    ...toRead(flags.file === "-" ? undefined : flags.file),
  ]);
  const access = await readClientAccess(flags);
  const options: LoadOptions = {
    url: flags.url,
    connections: flags.connections,
    pipeline: flags.pipeline,
    batch: flags.batch,
    requests: flags.requests ?? Infinity,
    duration: flags.duration ?? (flags.requests === undefined ? DURATION : Infinity),
    rate: flags.rate,
    timeout: flags.timeout,
    data: await readData(flags.data, flags.file, streams),
    ...access,
  };

  if (signal.aborted) return Exit.interrupted;

  const display = new Display(options);
  const startedAt = new Date();
  let load: Run | undefined;
  try {
    using _display = stderr.keepBelow(() => load === undefined ? [] : display.lines(load));
    load = await runLoad(options, signal, (running) => load = running);
  } catch (error) {
    return await failToConnect(error, { url: flags.url.href, access, signal });
  }
  const context = { version: project.version, startedAt, thresholds: flags.threshold };
  const report = reportOf(load, options, context);
  const isJson = flags.json || flags["output-format"] === "json";
  stdout.write(isJson ? escapeControls(JSON.stringify(report)) + "\n" : textOf(report));
  return exitOf(report, flags.threshold);
}

async function readData(
  given: string | undefined,
  file: string | undefined,
  { stdin, signal }: Streams,
): Promise<string[]> {
  if (file === undefined) return [readInput(given ?? EXAMPLE).data];
  if (given !== undefined) {
    throw new UsageError("data comes from --data or from --file, not from both");
  }
  const stream = file === "-" ? stdin.readable : await openFile(file);
  const data: string[] = [];
  for await (const { number, text, fault } of readLines(stream, { signal })) {
    if (text === undefined) throw new UsageError(`${file}, line ${number}: ${fault}`);
    data.push(readInput(text).data);
  }
  if (data.length === 0 && !signal.aborted) throw new UsageError(`there are no lines in ${file}`);
  return data;
}

/** The worst counts; that requests fail is no reason where a threshold says how many may. */
function exitOf({ interrupted, counts, thresholds }: Report, given: readonly Threshold[]): number {
  if (interrupted) return Exit.interrupted;
  if (thresholds.some(({ ok }) => !ok)) return Exit.threshold;
  if (given.some(({ metric }) => metric === "failed")) return Exit.ok;
  if (counts.connections_lost > 0) return Exit.noConnection;
  if (counts.timed_out > 0) return Exit.timedOut;
  return counts.failed > 0 ? Exit.failed : Exit.ok;
}
