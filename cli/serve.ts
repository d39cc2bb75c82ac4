/**
 * `asyncpkt serve`: the server.
 *
 * @module
 */

import type { RemoteResponder } from "../cluster/nats/remote_responder.ts";
import { isLoopback } from "../server/address.ts";
import { parseOrigin } from "../server/auth.ts";
import { type Certificate, checkCertificate } from "../server/listener.ts";
import type { RunningServer, ServeOptions } from "../server/api.ts";
import { canReset, lackingToReset } from "../server/resettable_listener.ts";
import { type StartedServer, startServer } from "../server/start.ts";
import { handleUncaughtErrors } from "../server/uncaught_errors.ts";
import { parseClock, realClock } from "../session/clock.ts";
import { FAULT_KINDS, isTransportFault, lackingFor } from "../session/faults.ts";
import type { Responder } from "../session/responder.ts";
import type { Rule } from "../session/rules_schema.ts";
import { readTextFile, readToken, tokenFile, toReadToken } from "./files.ts";
import {
  aborted,
  CommandError,
  Exit,
  messageOf,
  shutDownWithStdin,
  type Streams,
  UsageError,
} from "./command.ts";
import * as flag from "./flags.ts";
import { type ServerLog, startLog, statusOf } from "./log.ts";
import { exitWithStdin, logFormat, NATS_FLAGS, natsNeeds, openNats } from "./nats.ts";
import { PROTOCOL_FLAGS, readProtocol } from "./serve_protocol.ts";
import { type Need, requirePermissions, shellQuote, toListen, toRead } from "./permissions.ts";
import { PLANNING_FLAGS, readRules } from "./planning.ts";

/** The most workers: more would only be in each other's way. */
const MAX_WORKERS = 1024;

const limit = (help: string) => flag.integer(help, undefined, 1);

/** The flags of `asyncpkt serve`. Limits without a value have the defaults of the server. */
export const flags = {
  ...flag.group("Server", {
    port: flag.integer("port; 0 picks a free one [2707]", 2707, 0, 65_535),
    hostname: flag.text("HOST", "address to listen on [127.0.0.1]", "127.0.0.1"),
    workers: flag.value("N", "threads on the port; auto for one per core [1]", parseWorkers, 1),
    websocket: flag.choice("strict keeps limits, whatever clients send [deno]", ["deno", "strict"]),
    "no-console": flag.toggle("serves no page to browsers"),
    "drain-timeout": flag.time("how long a drain may take [the longest delay + 5s]"),
    "exit-with-stdin": exitWithStdin,
  }),
  ...flag.group("Protocol", PROTOCOL_FLAGS),
  ...flag.group("Delays, faults and rules", {
    ...PLANNING_FLAGS,
    "handshake-delay": flag.time("how long each handshake takes; needs strict [0]"),
    refuse: flag.integer("handshakes to refuse with 503 at first; needs strict [0]", undefined, 1),
  }),
  ...flag.group("Steering", {
    control: flag.toggle("serves the control API, for tests, at /control"),
    journal: flag.integer("requests that the control API remembers [10000]", undefined, 1),
    clock: flag.value(
      "real|x100|skip|manual",
      "time of delays; x100 is 100 times as fast [real]",
      parseClock,
      realClock,
    ),
  }),
  ...flag.group("Limits", {
    "max-packet-size": flag.size("longest frame [1MiB]"),
    "max-in-flight": limit("requests in flight on one connection [10000]"),
    "max-in-flight-total": limit("requests in flight on all connections [1000000]"),
    "max-connections": limit("connections, and POSTs in progress [10000]"),
    "max-connections-per-address": limit("the same from one address, but this machine's [1000]"),
    "max-wrong": limit("wrong packets in a row that a connection may send [100]"),
    "max-buffered": flag.size("unread answers before a connection is closed [16MiB]"),
  }),
  ...flag.group("Security", {
    "token-file": tokenFile,
    "allow-origin": flag.many(
      flag.value("ORIGIN", "origin of pages that may connect", parseOrigin),
    ),
    cert: flag.text("FILE", "serves wss with this certificate and its chain, as PEM"),
    key: flag.text("FILE", "the certificate's key, as PEM"),
  }),
  ...flag.group("NATS", {
    ...NATS_FLAGS,
    "nats-queue": limit("requests in the queue of NATS [1000000]"),
  }),
  ...flag.group("Log and recording", {
    log: {
      ...flag.choice("when a request has its line [accepted]", ["accepted", "answered", "both"]),
      default: undefined,
    },
    quiet: flag.toggle("logs no line per request"),
    "log-format": logFormat,
    record: flag.text("FILE", "records all frames in and out, as NDJSON; - for stdout"),
  }),
};

/** Returns the text of `asyncpkt serve --help`. */
export const help = () =>
  `Answers packets over WebSocket, each after its own delay.

Usage: asyncpkt serve [flags]

${flag.flagHelp(flags)}

The WebSocket endpoint is /, in plain mode and asyncpkt.v1. POST / takes a packet, or an array of
packets that is answered line by line. A browser that opens / shows a console. GET /healthz reports
the server's state, GET /metrics its counts for Prometheus, GET /asyncapi.json its protocol. With
--nats, requests wait in NATS and the processes of asyncpkt work convert them. With --control, tests
steer the server over HTTP; GET /control/openapi.json describes how.

Other protocols: JSON-RPC 2.0; any JSON with an id in each message; and echo, whose id is the number
of the frame on its connection. Templates are JSON in which {{id}} is the id, and a JSON Pointer,
such as {{/params/0}}, what is there in the request. They have no console, workers or NATS.

Faults: drop, error, duplicate, late=SHARE:TIME, garbage, disconnect; with --websocket strict also
stall, drip=SHARE:BYTES (per second), split, badframe, reset. Shares may not exceed 1 together.

SIGINT or SIGTERM drains the server: it still answers requests in flight. A second signal, at least
one second later, ends it at once. SIGHUP reads the certificate, its key and the rules again. On a
terminal, a line below the log shows the state.

Exit codes: 0 drained, 1 an error of the server, or its log or recording could not be written, 2
wrong usage, 3 cannot listen or connect to NATS, 4 some requests were not answered in time.

Examples:
  asyncpkt serve
  asyncpkt serve --delay 100ms..500ms --seed 7 --quiet
  asyncpkt serve --hostname 0.0.0.0 --token-file token --cert cert.pem --key key.pem
  asyncpkt serve --workers auto --quiet
  asyncpkt serve --port 0 --exit-with-stdin
  asyncpkt serve --fault drop=0.01,error=0.05,disconnect=0.001 --seed 7
  asyncpkt serve --rules rules.json
  asyncpkt serve --protocol jsonrpc
  asyncpkt serve --protocol json --id-at /1 --answer '[3,{{id}},{}]'
  asyncpkt serve --nats nats://127.0.0.1:4222
  curl -N -d '[{"request_id":1,"data":"Hub&&name&&qwe"}]' http://127.0.0.1:2707
`;

type Flags = flag.FlagValues<typeof flags>;

/** Serves until a signal arrives, then drains. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const given = flag.readFlags(flags, args);
  if (given.workers > 1) checkWorkers(given);
  if (given.journal !== undefined && !given.control) {
    throw new UsageError("--journal needs --control, which alone shows the journal");
  }
  if (given.websocket !== "strict") checkTransport(given);
  else if (given.fault?.reset && !canReset()) {
    throw new UsageError(`--fault reset needs ${lackingToReset()}`);
  }
  flag.exclude({ "--log": given.log !== undefined, "--quiet": given.quiet });
  flag.exclude({ "--protocol": isOther(given.protocol), "--nats": given.nats.length > 0 });
  await requirePermissions("serve", args, needsOf(given));
  const { stdout, stderr, signal } = streams;
  const token = await readToken(given["token-file"]);
  const tls = await readCertificate(given);
  const rules = await rulesOf(given);
  const protocol = await readProtocol(given);
  await using recording = given.record === undefined
    ? undefined
    : await (await import("./record.ts")).startRecording(given.record, streams);
  const output = given.record === "-" ? stderr : stdout;
  using log = startLog(output, given["log-format"], given.quiet ? "none" : given.log ?? "accepted");
  await using gateway = await openGateway(given, log);
  const { hostname, port, websocket, delay, seed, control, clock } = given;
  const options = flag.defined<ServeOptions>({
    ...{ hostname, port, websocket, delay, seed, rules, protocol, token, tls, control },
    clock: clock === realClock ? undefined : clock,
    journal: control ? given.journal : 0,
    faults: given.fault,
    handshakeDelay: given["handshake-delay"],
    refuseFirst: given.refuse,
    limits: flag.defined<NonNullable<ServeOptions["limits"]>>({
      maxPacketSize: given["max-packet-size"],
      maxInFlight: given["max-in-flight"],
      maxInFlightTotal: given["max-in-flight-total"],
      maxConsecutiveErrors: given["max-wrong"],
      maxConnections: given["max-connections"],
      maxConnectionsPerAddress: given["max-connections-per-address"],
      maxBuffered: given["max-buffered"],
    }),
    allowOrigins: given["allow-origin"],
    console: !given["no-console"],
    drainTimeout: given["drain-timeout"],
    events: log,
    tap: recording?.tap,
  });

  using uncaught = handleUncaughtErrors((error) => log.failed?.("null", error));
  const server = await listen(options, given.workers, gateway);
  using _reloading = reloadOnHangUp(server, given, log);
  const site = server.url.replace("ws", "http");
  const hasConsole = !given["no-console"] && !isOther(given.protocol);
  log.listening(server.url, {
    // 0.0.0.0 and :: stand for all addresses; not every browser opens them.
    console: hasConsole
      ? site.replace("//0.0.0.0:", "//127.0.0.1:").replace("[::]", "[::1]")
      : undefined,
    control: control ? `${site}/control` : undefined,
  });
  if (token === undefined && !isLoopback(hostname)) log.exposed(control);
  await output.flush();
  const status = statusOf(server);
  using _status = output.keepBelow(() => given["log-format"] === "text" ? [status()] : []);
  if (given["exit-with-stdin"]) void shutDownWithStdin(streams);
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

/** Whether a protocol is another than packets, which alone workers speak, with NATS or without. */
function isOther(protocol: string | undefined): boolean {
  return protocol !== undefined && protocol !== "packets";
}

function parseWorkers(text: string): number {
  const count = text === "auto" ? navigator.hardwareConcurrency : Number(text);
  if (/^(?:auto|\d+)$/.test(text) && count >= 1 && count <= MAX_WORKERS) return count;
  throw flag.unexpected(`auto or an integer from 1 to ${MAX_WORKERS}`, text);
}

/** @throws {UsageError} if a flag needs the strict transport. */
function checkTransport(given: Flags): void {
  const fault = FAULT_KINDS.find((kind) => isTransportFault(kind) && given.fault?.[kind]);
  const needs = {
    [`--fault ${fault}`]: fault,
    "--handshake-delay": given["handshake-delay"],
    "--refuse": given.refuse,
  };
  const [other] = Object.entries(needs).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined) throw new UsageError(`${other} needs --websocket strict`);
}

/** @throws {UsageError} if several workers are not possible. */
function checkWorkers(given: Flags): void {
  const { record, nats, fault, refuse, control, clock, rules, protocol } = given;
  const isGiven = {
    "--control": control,
    "--clock": clock !== realClock,
    "--rules": rules !== undefined,
  };
  const [steering] = Object.entries(isGiven).find(([, isGiven]) => isGiven) ?? [];
  if (steering !== undefined) {
    throw new UsageError(
      `${steering} needs one worker: counts, held requests and the clock are those of one thread`,
    );
  }
  flag.exclude({ "--protocol": isOther(protocol), "--workers": true });
  flag.exclude({ "--refuse": refuse !== undefined, "--workers": true });
  flag.exclude({ "--fault reset": Boolean(fault?.reset), "--workers": true });
  flag.exclude({ "--record": record !== undefined, "--workers": true });
  flag.exclude({ "--nats": nats.length > 0, "--workers": true });
  if (Deno.build.os !== "linux") {
    throw new UsageError(
      `--workers: expected Linux, got ${Deno.build.os}; put a proxy in front of several servers`,
    );
  }
  // Without it, Deno would end the process instead of throwing.
  if (!("listenDatagram" in Deno)) {
    throw new UsageError("--workers needs an unstable feature of Deno; run with --unstable-net");
  }
}

/** Returns the permissions that the flags need. */
function needsOf(flags: Flags): Need[] {
  const { workers, record, cert, key, rules } = flags;
  const host = bracketed(flags.hostname.replace(/%.*/, "")); // Deno leaves out the zone of an address
  // If the first worker picks a free port, the others listen on the same one.
  const isAnyPort = flags.port === 0 && workers > 1;
  const needs = [
    toListen(isAnyPort ? host : `${host}:${flags.port}`),
    // Requests that are no upgrade go through a server of Deno's on this machine.
    ...flags.websocket === "strict" ? [toListen("127.0.0.1")] : [],
    ...natsNeeds(flags),
    ...toReadToken(flags["token-file"]),
    ...toRead(cert, key, rules, flags["answer-file"]),
  ];
  const root = new URL("..", import.meta.url);
  if (workers > 1 && !Deno.build.standalone && root.protocol === "file:") {
    const path = decodeURIComponent(root.pathname);
    needs.push({ action: "load its --workers", permission: { name: "read", path } });
  }
  if (record !== undefined && record !== "-") {
    needs.push({
      action: `write ${record}`,
      permission: { name: "write", path: record },
      instead: `use --record - > ${shellQuote(record)}`,
    });
  }
  return needs;
}

/**
 * Reads the certificate, if files are given.
 *
 * @throws {UsageError} if it cannot be read or used.
 */
async function readCertificate({ cert, key }: Flags): Promise<Certificate | undefined> {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined) throw new UsageError("expected --cert and --key, got only --key");
  if (key === undefined) throw new UsageError("expected --cert and --key, got only --cert");
  const certificate = { cert: await readTextFile(cert), key: await readTextFile(key) };
  try {
    await checkCertificate(certificate);
    return certificate;
  } catch (error) {
    throw new UsageError(`cannot use ${cert} with ${key}: ${(error as Error).message}`);
  }
}

async function rulesOf({ rules, websocket }: Flags): Promise<Rule[] | undefined> {
  const lacking = lackingFor(websocket === "strict", lackingToReset);
  return rules === undefined ? undefined : await readRules(rules, lacking);
}

/** A server whose rules can change, unless it is several workers. */
type Reloadable = RunningServer & Partial<Pick<StartedServer, "rules">>;

/** Reads the certificate and the rules again on each SIGHUP until it is disposed. */
function reloadOnHangUp(server: Reloadable, flags: Flags, log: ServerLog): Disposable {
  const { cert, rules } = flags;
  if ((cert ?? rules) === undefined || Deno.build.os === "windows") {
    return { [Symbol.dispose]() {} };
  }
  const reload = async (load: () => Promise<void>, report: (reason?: string) => void) => {
    try {
      await load();
      report();
    } catch (error) {
      report(messageOf(error));
    }
  };
  const onHangUp = async () => {
    if (rules !== undefined) {
      await reload(async () => server.rules!.reload((await rulesOf(flags))!), log.reloaded);
    }
    if (cert !== undefined) {
      await reload(async () => server.setCertificate((await readCertificate(flags))!), log.renewed);
    }
  };
  Deno.addSignalListener("SIGHUP", onHangUp);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", onHangUp) };
}

/** Connects to NATS if a flag asks for it. */
async function openGateway(flags: Flags, log: ServerLog): Promise<RemoteResponder | undefined> {
  if (flags.nats.length === 0) return undefined;
  const { openNatsResponder } = await import("../cluster/nats/nats_responder.ts");
  const queue = flags["nats-queue"];
  return await openNats(
    flags,
    log,
    (options) => openNatsResponder(queue === undefined ? options : { ...options, queue }),
  );
}

async function listen(
  options: ServeOptions,
  workers: number,
  responder: Responder | undefined,
): Promise<Reloadable> {
  try {
    if (workers === 1) return startServer(options, { responder });
    const { startWorkers } = await import("../cluster/threads/worker_group.ts");
    return await startWorkers(options, workers);
  } catch (error) {
    const where = `${bracketed(options.hostname!)}:${options.port}`;
    throw new CommandError(Exit.noConnection, `cannot listen on ${where}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return "the port is in use; --port 0 picks a free one";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it";
  const message = messageOf(error);
  // Errors of workers arrive as text, so their messages count, not their classes.
  if (/^Cannot assign requested address/.test(message)) {
    return "this machine has no such address; --hostname 0.0.0.0 listens on all addresses";
  }
  if (/^failed to lookup address/.test(message)) return "the host name cannot be resolved";
  return message;
}

/** Returns a host as it stands in a URL. */
function bracketed(host: string): string {
  return /^[^[].*:/.test(host) ? `[${host}]` : host;
}
