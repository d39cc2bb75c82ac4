/**
 * `asyncpkt bench`: puts a server under load and measures how it answers.
 *
 * @module
 */

import project from "../deno.json" with { type: "json" };
import { type Report, reportOf } from "../load/report.ts";
import { type LoadOptions, type Run, runLoad } from "../load/run.ts";
import { parseThreshold, type Threshold } from "../load/thresholds.ts";
import { MAX_BATCH } from "../protocol.ts";
import type { ClientWire } from "../protocol/client_wire.ts";
import { packetClientWire } from "../protocol/packet_client_wire.ts";
import { progressOf, textOf } from "./bench_report.ts";
import {
  CLIENT_PROTOCOL_FLAGS,
  clientNeeds,
  OTHER_PROTOCOLS,
  readClientAccess,
  readClientProtocol,
  REQUEST_FLAGS,
  requireProtocol,
  SERVER_FLAGS,
} from "./client_flags.ts";
import { Exit, messageOf, type Streams, UsageError } from "./command.ts";
import * as flag from "./flags.ts";
import { readInput, readLines } from "./input.ts";
import { openFile } from "./files.ts";
import { requirePermissions } from "./permissions.ts";

const EXAMPLE = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";

/** The requests of each protocol that has a default. */
const DEFAULTS: Readonly<Record<string, string>> = {
  packets: EXAMPLE,
  jsonrpc: '{"jsonrpc":"2.0","id":{{id}},"method":"ping"}',
  echo: "{{id}}",
};

/** Default time of sending, in milliseconds. */
const DURATION = 10_000;

/** The flags of `asyncpkt bench`. */
export const flags = {
  ...flag.group("Load", {
    connections: flag.short("c", flag.integer("connections to open [10]", 10, 1, 100_000)),
    concurrency: REQUEST_FLAGS.concurrency,
    duration: flag.short("z", flag.time("how long to send [10s; no limit with --requests]")),
    requests: flag.short("n", flag.integer("requests to send in total [no limit]", undefined, 1)),
    rate: flag.short(
      "q",
      flag.integer("requests per second in total [as many as possible]", undefined, 1),
    ),
    batch: flag.integer("requests that share a frame [1]", 1, 1, MAX_BATCH),
  }),
  ...flag.group("Requests", {
    data: flag.text("DATA", "the data of each request [the protocol's example]"),
    file: REQUEST_FLAGS.file,
    template: flag.text("TEMPLATE", "each request, with {{id}} in it; not for packets"),
  }),
  ...flag.group("Server", SERVER_FLAGS),
  ...CLIENT_PROTOCOL_FLAGS,
  ...flag.group("Report", {
    threshold: flag.many(
      flag.value("METRIC<VALUE", "exits with 99 unless this holds", parseThreshold),
    ),
    "output-format": flag.choice("format of the report, on stdout [text]", ["text", "json"]),
    json: flag.toggle("the same as --output-format json"),
  }),
};

/** Returns the text of `asyncpkt bench --help`. */
export const help = () =>
  `Puts a server under load and measures how it answers.

Usage: asyncpkt bench [flags]

${flag.flagHelp(flags)}

When the time is over or all requests are sent, the command waits for the answers that are missing.
Without --rate, each answer makes room for the next request, so the server sets the pace. With
--rate, the pace does not depend on the server. Latency then counts from when a request was due,
even if it was sent later, which avoids coordinated omission. Exact times keep a core busy.

Overhead is latency less the delay that the server reports, as it does in asyncpkt.v1. --batch sends
arrays, which not every server takes; other servers may know plain mode only. Lines of --file are
sent in turn.

With --protocol, the server can be any that speaks JSON-RPC 2.0, or JSON with an id in each message,
or that echoes. In --template, and in each line of --file, {{id}} is the number of the request, also
within a string. The server must repeat the id, or echo the text. An answer of json is an error if
--error-at points to anything but null, false or 0. Delays, and so overhead, are not known.

Metrics of --threshold, each with <, <=, > or >= and a value:
  p10, p25, p50, p75, p90, p95, p99, p99.9, p99.99  latency in us, ms or s, such as p99<50ms
  min, mean, max, stddev                            latency, too
  overhead.p99, overhead.mean, …                    the same of overhead
  rate                                              answers per second, such as rate>5000
  failed                                            requests without a response, such as failed<1%
  timed_out, lost, missed, late, unknown            as the report counts them; also in %
  out_of_order                                      answers that overtook others; also in %
With a threshold for failed, failures alone do not change the exit code.

Exit codes: 0 all answered, 1 some answered with an error, or the report could not be written, 2
wrong usage, 3 no connection or it was lost, 4 some not answered in time, 99 a threshold was not
kept, 130 interrupted.

Examples:
  asyncpkt bench -c 50 -z 30s                                  # as fast as the server answers
  asyncpkt bench -q 1000 -z 1m --threshold 'overhead.p99<5ms'  # 1,000 requests per second
  asyncpkt bench -n 100000 -p 1000 --file packets.txt --json > report.json
  asyncpkt bench -c 1 -p 1 --threshold 'failed<1%' --url wss://server.example --ca ca.pem
  asyncpkt bench --protocol jsonrpc --url ws://localhost:8546 --threshold 'p99<50ms'
  asyncpkt bench --protocol json --id-at /1 --template '[2,"{{id}}","Heartbeat",{}]'
`;

/** Runs the load, and reports. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const { stdout, stderr, signal } = streams;
  const given = flag.readFlags(flags, args);
  const { connections, concurrency, batch, requests = Infinity, rate, timeout, protocol } = given;
  if (batch > concurrency) {
    throw new UsageError(
      `--concurrency: expected at least ${batch}, the size of a --batch, got ${concurrency}`,
    );
  }
  requireProtocol(protocol, ["packets"], { "--data": given.data !== undefined });
  requireProtocol(protocol, OTHER_PROTOCOLS, { "--template": given.template !== undefined });
  requireProtocol(protocol, ["packets", "jsonrpc"], { "--batch": batch > 1 });
  const messages = await readClientProtocol(given);
  const wire = messages ?? packetClientWire;
  await requirePermissions("bench", args, clientNeeds(given, given.file));
  const access = await readClientAccess(given);
  const options: LoadOptions = {
    ...{ connections, concurrency, batch, requests, rate, timeout },
    url: new URL(given.url),
    duration: given.duration ?? (requests === Infinity ? DURATION : Infinity),
    wire,
    contents: await readContents(given, wire, streams),
    subprotocol: messages === undefined ? undefined : given.subprotocol ?? "",
    ...access,
  };

  if (signal.aborted) return Exit.interrupted;

  const linesOn = progressOf(options);
  const startedAt = new Date();
  let load: Run | undefined;
  try {
    using _progress = stderr.keepBelow(() => load === undefined ? [] : linesOn(load));
    load = await runLoad(options, signal, (running) => load = running);
  } catch (error) {
    const { failToConnect } = await import("./connect_advice.ts");
    return await failToConnect(error, { url: given.url, protocol, access, signal });
  }
  const context = { version: project.version, startedAt, thresholds: given.threshold };
  const report = reportOf(load, options, context);
  const isJson = given.json || given["output-format"] === "json";
  if (isJson) stdout.writeEscaped(JSON.stringify(report));
  else stdout.write(textOf(report));
  return exitOf(report, given.threshold);
}

/** Returns what the requests are made of. */
async function readContents(
  { protocol, file, data, template }: flag.FlagValues<typeof flags>,
  wire: ClientWire,
  { stdin, signal }: Streams,
): Promise<string[]> {
  const contentOf = (text: string, place: string): string => {
    if (wire === packetClientWire) return readInput(text).data;
    try {
      wire.requests([text]);
      return text;
    } catch (error) {
      throw new UsageError(`${place}: ${messageOf(error)}`);
    }
  };
  if (file === undefined) {
    const content = data ?? template ?? DEFAULTS[protocol];
    if (content !== undefined) return [contentOf(content, "--template")];
    throw new UsageError(`expected --template, as in --template '{"id":{{id}},"method":"ping"}'`);
  }
  const isGiven = { "--data": data !== undefined, "--template": template !== undefined };
  flag.exclude({ ...isGiven, "--file": true });
  const stream = file === "-" ? stdin.readable : await openFile(file);
  const contents: string[] = [];
  for await (const { number, text, problem } of readLines(stream, signal)) {
    const place = `${file}, line ${number}`;
    if (text === undefined) throw new UsageError(`${place}: ${problem}`);
    contents.push(contentOf(text, place));
  }
  if (contents.length === 0 && !signal.aborted) {
    throw new UsageError(`${file}: expected at least one line, got none`);
  }
  return contents;
}

/** The worst result counts, but if a threshold says how many requests may fail, failures do not. */
function exitOf({ interrupted, counts, thresholds }: Report, given: readonly Threshold[]): number {
  if (interrupted) return Exit.interrupted;
  if (thresholds.some(({ ok }) => !ok)) return Exit.threshold;
  if (given.some(({ metric }) => metric === "failed")) return Exit.ok;
  if (counts.connections_lost > 0) return Exit.noConnection;
  if (counts.timed_out > 0) return Exit.timedOut;
  return counts.failed > 0 ? Exit.failed : Exit.ok;
}
