/**
 * `asyncpkt serve`: the server.
 *
 * @module
 */

import { DEFAULT_LIMITS } from "../session/context.ts";
import { DEFAULT_DELAY, type Delay, parseDelay } from "../session/delays.ts";
import { type FaultRates, parseFaults } from "../session/fault_policy.ts";
import type { RemoteResponder } from "../cluster/nats/remote_responder.ts";
import { DEFAULT_PORT, type ServeOptions, type Server } from "../server.ts";
import { startServer } from "../server/start.ts";
import type { Responder } from "../session/responder.ts";
import { parseOrigin } from "../server/auth.ts";
import { isLoopback } from "../server/address.ts";
import { DEFAULT_CONNECTION_LIMITS, DEFAULT_PER_ADDRESS } from "../server/connections.ts";
import { UncaughtErrorHandler } from "../server/uncaught_errors.ts";
import { readToken, tokenFile, toReadToken } from "./auth.ts";
import { readCertificate, renewOnHangUp } from "./certificate.ts";
import { aborted, type Streams } from "./command.ts";
import { CommandError, Exit, UsageError } from "./exit.ts";
import { exitWithStdin, shutDownWithStdin } from "./exit_with_stdin.ts";
import {
  choice,
  type Flag,
  flagHelp,
  type FlagValues,
  integer,
  many,
  readFlags,
  seconds,
  size,
  text,
  toggle,
} from "./flags.ts";
import { type ServerLog, startLog } from "./log.ts";
import { NATS_FLAGS, type NatsFlags, natsNeeds, natsOptions, openNats } from "./nats.ts";
import { type Need, requirePermissions, toListen, toRead } from "./permissions.ts";
import { shellQuote } from "./shell_quote.ts";
import { ServerStatus } from "./terminal/progress.ts";
import { checkWorkers, workersFlag, workersNeeds } from "./workers.ts";

const delay: Flag<Delay> = {
  placeholder: "DELAY",
  help: "in seconds: A..B, N, normal:MEAN,SD or lognormal:MEDIAN,SIGMA [1..5]",
  default: DEFAULT_DELAY,
  parse: parseDelay,
};

const fault: Flag<FaultRates | undefined> = {
  placeholder: "KIND=SHARE,…",
  help: "trouble: drop, error, duplicate, late (=0.1:5 by 5 s), garbage, disconnect",
  default: undefined,
  parse: parseFaults,
};

const origin: Flag<string | undefined> = {
  placeholder: "ORIGIN",
  help: "a page's origin that may use it, such as https://example.com",
  default: undefined,
  parse: parseOrigin,
};

/** A flag for a limit in number. */
function limit<T extends number | undefined>(help: string, byDefault: T): Flag<number | T> {
  return integer("N", help, byDefault, 1);
}

/** What it can be told. */
const FLAGS = {
  port: integer("N", "the port; 0 takes a free one [2707]", DEFAULT_PORT, 0, 65_535),
  hostname: text("HOST", "the address to listen on [127.0.0.1]", "127.0.0.1"),
  delay,
  seed: integer("N", "makes delay and fault a function of N and the request's id alone", undefined),
  fault,
  workers: workersFlag,
  record: text("FILE", "writes what comes in and goes out, as NDJSON; - for stdout", undefined),
  quiet: toggle("no line for each request"),
  "log-format": choice("sentences, or one JSON object a line [text]", ["text", "json"]),
  "no-console": toggle("no page for browsers"),
  "max-packet-size": size("SIZE", "the longest frame [1MiB]", DEFAULT_LIMITS.maxPacketSize),
  "max-in-flight": limit(
    "requests in flight on one connection [10000]",
    DEFAULT_LIMITS.maxInFlight,
  ),
  "max-in-flight-total": limit(
    "requests in flight on all connections [1000000]",
    DEFAULT_LIMITS.maxInFlightTotal,
  ),
  "max-connections": limit(
    "connections, and POSTs being answered [10000]",
    DEFAULT_CONNECTION_LIMITS.maxConnections,
  ),
  "max-connections-per-address": limit(
    `the same from one address [${DEFAULT_PER_ADDRESS}; from this machine, no limit]`,
    undefined,
  ),
  "max-wrong": limit(
    "wrong packets in a row, after which a connection is closed [100]",
    DEFAULT_LIMITS.maxConsecutiveErrors,
  ),
  "max-buffered": size(
    "SIZE",
    "answers that a client may leave unread before it is closed [16MiB]",
    DEFAULT_CONNECTION_LIMITS.maxBuffered,
  ),
  "exit-with-stdin": exitWithStdin,
  "drain-timeout": {
    ...seconds("SECONDS", "how long a drain waits [the longest delay + 5]", 0),
    default: undefined,
  } as Flag<number | undefined>,
  "token-file": tokenFile,
  "allow-origin": many(origin),
  cert: text("FILE", "makes it wss: the certificate and its chain, as PEM", undefined),
  key: text("FILE", "the certificate's key, as PEM", undefined),
  ...NATS_FLAGS,
  "nats-queue": limit("requests in the queue of NATS [1000000]", undefined),
};

export { FLAGS as flags };

/** What `asyncpkt serve --help` shows. */
export const help = `Answers packets over WebSocket, each after its own delay.

Usage: asyncpkt serve [flags]

${flagHelp(FLAGS)}

One WebSocket endpoint at /, plain mode and asyncpkt.v1. POST / takes a packet, or an array of packets
that is answered line by line. A browser that opens / shows a console. GET /healthz says how it is, GET
/metrics what it has done, for Prometheus, and GET /asyncapi.json what it understands. SIGINT or SIGTERM
drains the server: it still answers requests in flight. A second signal, at least one second later, ends
it at once. SIGHUP reads the certificate and its key again. On a terminal, a line below the log says how
it goes. It ends with 0 when it has drained, with 4 when some requests were not answered in time, with 1
after a fault of its own, or if the log or the recording could not be written. With --nats, requests wait
in NATS and are converted by the processes of asyncpkt work.

Examples:
  asyncpkt serve
  asyncpkt serve --delay 0.1..0.5 --seed 7 --quiet
  asyncpkt serve --hostname 0.0.0.0 --token-file token --cert cert.pem --key key.pem
  asyncpkt serve --workers auto --quiet
  asyncpkt serve --port 0 --exit-with-stdin
  asyncpkt serve --fault drop=0.01,error=0.05,disconnect=0.001 --seed 7
  asyncpkt serve --nats nats://127.0.0.1:4222
  curl -N -d '[{"request_id":1,"data":"Hub&&name&&qwe"}]' http://127.0.0.1:2707
`;

/** Serves until a signal comes, then drains. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const flags = readFlags(FLAGS, args);
  if (flags._.length > 0) throw new UsageError(`serve takes no ${JSON.stringify(flags._[0])}`);
  if (flags.workers > 1) {
    checkWorkers({ record: flags.record !== undefined, nats: flags.nats.length > 0 });
  }
  await requirePermissions("serve", args, needsOf(flags));
  const { stdout, stderr, signal } = streams;
  const token = await readToken(flags["token-file"]);
  const certificate = await readCertificate(flags);
  await using recording = await startRecording(flags.record, streams);
  const output = flags.record === "-" ? stderr : stdout;
  using log = startLog(output, flags["log-format"], flags.quiet);
  await using gateway = await openGateway(flags, log);
  const options: ServeOptions = {
    hostname: flags.hostname,
    port: flags.port,
    delay: flags.delay,
    console: !flags["no-console"],
    allowOrigins: flags["allow-origin"],
    limits: {
      maxPacketSize: flags["max-packet-size"],
      maxInFlight: flags["max-in-flight"],
      maxInFlightTotal: flags["max-in-flight-total"],
      maxConsecutiveErrors: flags["max-wrong"],
      maxConnections: flags["max-connections"],
      maxBuffered: flags["max-buffered"],
      ...given("maxConnectionsPerAddress", flags["max-connections-per-address"]),
    },
    events: log,
    ...given("token", token),
    ...given("tls", certificate),
    ...given("seed", flags.seed),
    ...given("faults", flags.fault),
    ...given("tap", recording?.tap),
    ...given("drainTimeout", flags["drain-timeout"]),
  };

  using uncaught = new UncaughtErrorHandler((error) => log.failed?.("null", error));
  const server = await listen(options, flags.workers, gateway);
  using _renewal = renewOnHangUp(server, flags, log);
  log.listening(server.url);
  if (token === undefined && !isLoopback(flags.hostname)) log.exposed();
  await output.flush();
  const status = new ServerStatus(server);
  using _status = output.keepBelow(() => flags["log-format"] === "text" ? [`${status}`] : []);
  if (flags["exit-with-stdin"]) void shutDownWithStdin(streams);
  let isFaulty = false;
  await Promise.race([aborted(signal), uncaught.failed.then(() => isFaulty = true)]);
  log.draining(server.inFlight);
  const drained = await server.drain();
  log.drained(drained, server);
  log.faults(server.faults);
  const isRecorded = await recording?.isComplete() ?? true;
  if (isFaulty) return Exit.failed;
  if (drained.dropped > 0) return Exit.timedOut;
  return isRecorded ? Exit.ok : Exit.failed;
}

/** Returns what its flags ask of the system. */
function needsOf(flags: FlagValues<typeof FLAGS>): Need[] {
  const { workers, record, cert, key } = flags;
  const hostname = flags.hostname.replace(/%.*/, ""); // the zone of an address, which Deno leaves out
  const host = bracketed(hostname);
  // If the first worker takes a free port, the others take the same.
  const isAnyPort = flags.port === 0 && workers > 1;
  return [
    toListen(isAnyPort ? host : `${host}:${flags.port}`),
    ...natsNeeds(flags),
    ...toReadToken(flags["token-file"]),
    ...toRead(cert, key),
    ...workers > 1 ? workersNeeds() : [],
    ...record === undefined || record === "-" ? [] : [toWriteRecord(record)],
  ];
}

function toWriteRecord(path: string): Need {
  return {
    action: `write ${path}`,
    permission: { name: "write", path },
    instead: `use --record - > ${shellQuote(path)}`,
  };
}

/** A member, if there is a value for it. */
function given<Name extends string, T>(
  name: Name,
  value: T | undefined,
): { [K in Name]?: T } {
  return value === undefined ? {} : { [name]: value } as { [K in Name]: T };
}

/** Connects to NATS, if it is asked for. */
async function openGateway(
  flags: NatsFlags & { "nats-queue": number | undefined },
  log: ServerLog,
): Promise<RemoteResponder | undefined> {
  if (flags.nats.length === 0) return undefined;
  const { openNatsResponder } = await import("../cluster/nats/nats_responder.ts");
  const options = await natsOptions(flags, log);
  return await openNats(() =>
    openNatsResponder({ ...options, ...given("queue", flags["nats-queue"]) })
  );
}

/** Its module is only loaded where it is needed. */
async function startRecording(path: string | undefined, streams: Streams) {
  return path === undefined
    ? undefined
    : (await import("./record.ts")).startRecording(path, streams);
}

async function listen(
  options: ServeOptions,
  workers: number,
  responder: Responder | undefined,
): Promise<Server> {
  try {
    if (workers === 1) return startServer(options, { responder });
    return await (await import("../cluster/threads/worker_group.ts")).startWorkers(
      options,
      workers,
    );
  } catch (error) {
    const where = `${bracketed(options.hostname!)}:${options.port}`;
    throw new CommandError(Exit.noConnection, `cannot listen on ${where}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "the port is in use; --port 0 takes a free one";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it";
  const message = error instanceof Error ? error.message : String(error);
  // Whichever thread has tried it.
  if (/^Cannot assign requested address/.test(message)) {
    return "this machine has no such address; --hostname 0.0.0.0 listens on all it has";
  }
  if (/^failed to lookup address/.test(message)) return "the host name cannot be resolved";
  return message;
}

/** Returns a host as a URL has it. */
function bracketed(host: string): string {
  return /^[^[].*:/.test(host) ? `[${host}]` : host;
}
