/**
 * Starts a server: connects the listener, admission, carriers and sessions.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { realClock } from "../session/clock.ts";
import type { Limits } from "../session/context.ts";
import { Sessions } from "../session/sessions.ts";
import type { Responder } from "../session/responder.ts";
import type { Tap } from "../session/tap.ts";
import { type Delay, delayPolicy } from "../session/delays.ts";
import { faultPolicy, type FaultRates } from "../session/fault_policy.ts";
import { FAULT_KINDS, type FaultKind, isTransportFault } from "../session/faults.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import { Access, chooseProtocol, refuse } from "./auth.ts";
import { CutOff } from "./answer_stream.ts";
import { type ConnectionLimits, Connections, DEFAULT_CONNECTION_LIMITS } from "./connections.ts";
import { reportError, type ServerEvents } from "./events.ts";
import type { GroupStatus, ServerGroup } from "./group.ts";
import { answerPost } from "./post.ts";
import type { Certificate, Listener } from "./listener.ts";
import { answerMetrics } from "./metrics.ts";
import { DenoListener } from "./deno_listener.ts";
import { Driver } from "./driver.ts";
import { StrictListener } from "./strict_listener.ts";
import { answerConsole, answerDescription, secure } from "./pages.ts";
import type { RequestHandler } from "./socket.ts";
import { ServerStats } from "./stats.ts";

/**
 * Default port of a server.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { DEFAULT_PORT } from "@asyncpkt/asyncpkt/server";
 *
 * assertEquals(new URL(`ws://localhost:${DEFAULT_PORT}`).port, "2707");
 * ```
 */
export const DEFAULT_PORT = 2707;

/** Time that peers have to close their connections at the end of a drain, in milliseconds. */
const CLOSE_TIMEOUT = 2000;

/** Time that a drain waits beyond the longest delay by default, in milliseconds. */
const DRAIN_SLACK = 5000;

/** Longest time of a timer, in milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * Number of abandoned upgrades from which the server reports that it is unhealthy. Each may hold
 * one of the process's file descriptors, often 1,024, until the process ends.
 */
const MAX_ABANDONED = 100;

/** Options for {@linkcode serve}. */
export interface ServeOptions {
  /** The host name or address to listen on. @default {"127.0.0.1"} */
  hostname?: string;
  /** The port to listen on; 0 picks a free port. @default {2707} */
  port?: number;
  /**
   * The delays of requests, in seconds: uniform, normal or lognormal. @default {{ min: 1, max: 5 }}
   */
  delay?: Delay;
  /**
   * An integer that makes the delay and the fault of a request a function of the seed and the id
   * alone.
   */
  seed?: number;
  /** Faults to inject, as shares of the requests. @default {none} */
  faults?: FaultRates;
  /**
   * Limits. By default, `maxConnectionsPerAddress` is 1,000, and does not apply to this machine.
   *
   * @default {{ maxPacketSize: 1 << 20, maxInFlight: 10_000, maxInFlightTotal: 1_000_000,
   * maxConsecutiveErrors: 100, maxConnections: 10_000, maxBuffered: 1 << 24 }}
   */
  limits?: Partial<Limits & ConnectionLimits>;
  /**
   * The token that clients must send: as `Authorization: Bearer TOKEN`, or from pages as the
   * subprotocol `asyncpkt.token.TOKEN`, percent-encoded. Letters, digits and `-._~+/`, with `=` at
   * the end.
   */
  token?: string;
  /** Origins of pages that may use the server, besides its own, such as `https://example.com`. */
  allowOrigins?: readonly string[];
  /** The certificate for `wss` and `https`. @default {none} */
  tls?: Certificate;
  /**
   * The transport of WebSockets: Deno's, or the project's own, which keeps its limits whatever
   * clients send.
   *
   * @default {"deno"}
   */
  websocket?: "deno" | "strict";
  /** Delay of each handshake, in milliseconds; needs the strict transport. @default {0} */
  handshakeDelay?: number;
  /** How many handshakes to refuse with 503 at first; needs the strict transport. @default {0} */
  refuseFirst?: number;
  /** Whether browsers get the console. @default {true} */
  console?: boolean;
  /**
   * How long a drain waits for requests in flight, in milliseconds.
   *
   * @default {the longest delay + 5000}
   */
  drainTimeout?: number;
  /** Called with events of requests and connections. */
  events?: ServerEvents;
  /** Called with every frame. */
  tap?: Tap;
}

/** The result of a drain. */
export interface Drained {
  /** Requests that were still in flight after the timeout, and were not answered. */
  readonly dropped: number;
  /** Connections that did not close in time; their last answers may be unread. */
  readonly cut: number;
  /** Requests since the start of the server whose connection ended before they were due. */
  readonly disconnected: number;
}

/** A running server. */
export interface Server extends AsyncDisposable {
  /** The URL of the server, such as `ws://127.0.0.1:2707`. */
  readonly url: string;
  /** The port of the server. */
  readonly port: number;
  /** The number of requests in flight. */
  readonly inFlight: number;
  /** The number of injected faults, by kind; undefined without {@linkcode ServeOptions.faults}. */
  readonly faults: Readonly<Record<FaultKind, number>> | undefined;
  /**
   * Replaces the certificate; with the same one, nothing happens. For a moment, no client can
   * connect. Open connections stay open, except on Deno 2.9, which closes WebSockets with 1001.
   *
   * @throws {RangeError} if the certificate is not valid; the server keeps the old one.
   */
  setCertificate(tls: Certificate): Promise<void>;
  /** The number of requests answered with a response. */
  readonly answered: number;
  /**
   * Ends the server: refuses new connections, refuses new requests with `shutting_down`, answers
   * requests in flight, then closes each connection with 1001. Resolves when all this is done or
   * has timed out.
   */
  drain(): Promise<Drained>;
}

/** A server with its counts and gauges. */
export interface StartedServer extends Server {
  readonly stats: ServerStats;
}

/** Parts of a server that replace the defaults. */
export interface ServerParts {
  /** Turns requests into responses. @default {a LocalResponder} */
  responder?: Responder | undefined;
  /** The other servers on the port. @default {none} */
  group?: ServerGroup | undefined;
}

/** Starts a server, alone or in a group; see `serve()` in server.ts. */
export function startServer(
  options: ServeOptions,
  { responder, group }: ServerParts = {},
): StartedServer {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT, events = {}, tls, refuseFirst = 0 } =
    options;
  const delays = delayPolicy(options.delay, options.seed);
  const faults = options.faults && faultPolicy(options.faults, options.seed);
  checkTransport(options);
  // Sessions checks all limits.
  const limits = { ...DEFAULT_CONNECTION_LIMITS, ...options.limits };
  const maxWait = delays.maxDelay + (faults?.lateBy ?? 0);
  // Without delays and faults, a group has no requests in flight to report.
  const canBeInFlight = delays.maxDelay > 0 || faults !== undefined;
  const drainTimeout = Math.min(options.drainTimeout ?? maxWait + DRAIN_SLACK, MAX_TIMEOUT);
  const stats = new ServerStats();
  const sessions = new Sessions({
    delays,
    faults,
    limits,
    events,
    tap: options.tap,
    responder,
    counters: stats.counters,
    disconnectedIds: group?.disconnectedIds,
    inFlightElsewhere: group && canBeInFlight ? () => group.inFlightElsewhere() : undefined,
  });
  const access = new Access({ ...options, hostname });
  const driver = new Driver(sessions, realClock, (error) => reportError(events, error));
  const context = {
    sessions,
    driver,
    events,
    maxBuffered: limits.maxBuffered,
    dripRate: faults?.dripRate,
  };
  const connections = new Connections(context, limits, stats, group);
  let isDraining = false;
  let refused = 0;
  let drained: Promise<Drained> | undefined;

  const handler: RequestHandler = (request, info, upgrade) => {
    // An upgrade makes the headers of the request unreadable.
    const headers = access.shareWith(request);
    const response = route(request, info, upgrade);
    if (response instanceof Promise) return response.then((response) => secure(response, headers));
    return response.status === 101 ? response : secure(response, headers);
  };

  // Not async: on Deno 2.9, waiting before an upgrade leaks the connection if the peer disconnects.
  const route: RequestHandler = (request, info, upgrade) => {
    const purpose = access.decide(request);
    if (purpose instanceof Response) return purpose;
    if (purpose === "console") return answerConsole(request);
    if (purpose === "health") return health(request);
    if (purpose === "metrics") return metrics();
    if (purpose === "description") return answerDescription();
    if (purpose === "upgrade" && isDraining) return refuse(503, "The server is draining");
    if (purpose === "upgrade" && refused < refuseFirst) {
      return refuse(503, `Refused on purpose: handshake ${++refused} of ${refuseFirst}`);
    }
    const address = info.remoteAddr.hostname;
    const leave = connections.admit(address);
    if (typeof leave === "string") {
      return refuse(503, `${leave}; try again later`, { "retry-after": "1" });
    }
    if (purpose === "post") return answerPost(request, info, context, leave);
    const protocol = chooseProtocol(request);
    try {
      if (upgrade === undefined) throw new TypeError("Open a new connection for a WebSocket");
      const { socket, response } = upgrade(protocol, {
        "asyncpkt-max-packet-size": `${sessions.limits.maxPacketSize}`,
      });
      connections.add(socket, address, protocol === SUBPROTOCOL, leave);
      return response;
    } catch (error) {
      leave();
      return refuse(400, error instanceof Error ? error.message : String(error));
    }
  };

  const listenerOptions = {
    hostname,
    port,
    tls,
    reusePort: group !== undefined,
    handler,
    onError(error: unknown): Response {
      if (!(error instanceof CutOff)) reportError(events, error);
      return secure(refuse(500, "Internal server error"));
    },
  };
  const listener: Listener = options.websocket === "strict"
    ? new StrictListener({
      ...listenerOptions,
      maxMessage: sessions.limits.maxPacketSize,
      handshakeDelay: options.handshakeDelay ?? 0,
    })
    : new DenoListener(listenerOptions);

  async function metrics(): Promise<Response> {
    const { stats, startedAt } = await status();
    return answerMetrics(stats, faults !== undefined, startedAt);
  }

  /** Unauthenticated clients receive the status only. */
  async function health(request: Request): Promise<Response> {
    const isKnown = access.knows(request);
    const { stats: { gauges }, size, isHealthy } = await status();
    const { connections, inFlight, abandoned } = gauges;
    const isOk = abandoned < MAX_ABANDONED && isHealthy && responder?.isReachable !== false;
    const state = isDraining ? "draining" : isOk ? "ok" : "unhealthy";
    const details = { connections, in_flight: inFlight, abandoned, ...group && { workers: size } };
    return Response.json(
      { status: state, ...isKnown && details },
      { status: state === "ok" ? 200 : 503 },
    );
  }

  async function status(): Promise<GroupStatus> {
    return await group?.status() ??
      { stats: currentStats(), size: 1, isHealthy: true, startedAt: performance.timeOrigin };
  }

  function currentStats(): ServerStats {
    stats.gauges.inFlight = sessions.inFlight;
    stats.gauges.heap = Deno.memoryUsage().heapUsed;
    return stats;
  }

  async function drain(): Promise<Drained> {
    isDraining = true;
    await listener.stop();
    sessions.drain();
    await inTime(driver.idle(), drainTimeout);
    const dropped = sessions.inFlight;
    const disconnected = stats.counters.dropped;
    sessions.flush();
    await inTime(connections.close(1001, "The server is shutting down"), CLOSE_TIMEOUT);
    const cut = connections.size;
    driver.stop();
    await inTime(listener.close(), CLOSE_TIMEOUT);
    return { dropped, cut, disconnected };
  }

  const scheme = tls === undefined ? "ws" : "wss";
  return {
    url: `${scheme}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${listener.port}`,
    port: listener.port,
    get inFlight() {
      return sessions.inFlight;
    },
    get stats() {
      return currentStats();
    },
    get faults() {
      return faults && stats.counters.faults;
    },
    setCertificate: (certificate) => listener.setCertificate(certificate),
    get answered() {
      return stats.counters.answered;
    },
    drain: () => drained ??= drain(),
    [Symbol.asyncDispose]: async () => void await (drained ??= drain()),
  };
}

/** Waits until the timeout at most, so that no peer holds up the others. */
async function inTime(ending: Promise<unknown>, timeout: number): Promise<void> {
  await deadline(ending, timeout).catch(() => {});
}

/** @throws {RangeError} if an option needs the strict transport, and that is not chosen. */
function checkTransport(
  { websocket, faults = {}, handshakeDelay, refuseFirst }: ServeOptions,
): void {
  if (websocket === "strict") return;
  const fault = FAULT_KINDS.find((kind) => isTransportFault(kind) && (faults[kind] ?? 0) > 0);
  const options = { [`the fault ${fault}`]: fault, handshakeDelay, refuseFirst };
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined) continue;
    throw new RangeError(`${option} needs the strict transport of WebSockets`);
  }
}
