/**
 * The server: carries frames between the network and sessions. It decides nothing about packets.
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
import { type FaultKind, faultPolicy, type FaultRates } from "../session/fault_policy.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import { Access, chooseProtocol, refuse } from "./auth.ts";
import { CutOff } from "./answer_stream.ts";
import { type ConnectionLimits, Connections, DEFAULT_CONNECTION_LIMITS } from "./connections.ts";
import { reportError, type ServerEvents } from "./events.ts";
import type { GroupStatus, ServerGroup } from "./group.ts";
import { answerPost } from "./post.ts";
import { type Certificate, Listener } from "./listener.ts";
import { answerMetrics } from "./metrics.ts";
import { Driver } from "./driver.ts";
import { StrictListener } from "./strict_listener.ts";
import { answerConsole, answerDescription, secure } from "./pages.ts";
import type { RequestInfo, Upgrade } from "./socket.ts";
import { ServerStats } from "./stats.ts";

/**
 * The port where nothing else is said.
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

/** How long peers may take to close once the server has, in milliseconds. */
const CLOSE_TIMEOUT = 2000;

/** How much longer than the longest delay a drain may take where nothing is said, in milliseconds. */
const DRAIN_SLACK = 5000;

/** The longest time that a timer can be set to, in milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * With so many upgrades that never opened, the server says that it is not well: each may have cost a file
 * descriptor for good, of the 1,024 that a process often has, and only a new process gets them back.
 */
const MAX_ABANDONED = 100;

/** What a Close frame says when the server has drained. */
const DRAINED = "The server is shutting down";

/** What a server can be told. */
export interface ServeOptions {
  /** The host name or address to listen on. @default {"127.0.0.1"} */
  hostname?: string;
  /** 0 takes a free one. @default {2707} */
  port?: number;
  /** In seconds; uniform, normal or lognormal. @default {{ min: 1, max: 5 }} */
  delay?: Delay;
  /** An integer: makes each delay, and each fault, a function of it and of the request's id alone. */
  seed?: number;
  /** Trouble to be made on purpose. @default {none} */
  faults?: FaultRates;
  /**
   * Limits; the default of `maxConnectionsPerAddress` is 1,000, without a limit for this machine itself.
   *
   * @default {{ maxPacketSize: 1 << 20, maxInFlight: 10_000, maxInFlightTotal: 1_000_000,
   * maxConsecutiveErrors: 100, maxConnections: 10_000, maxBuffered: 1 << 24 }}
   */
  limits?: Partial<Limits & ConnectionLimits>;
  /**
   * What clients have to know: `Authorization: Bearer TOKEN`, or the subprotocol `asyncpkt.token.TOKEN`,
   * percent-encoded, from pages. Letters, digits and `-._~+/`, with `=` at its end.
   */
  token?: string;
  /** The origins of pages that may use the server, besides its own, such as `https://example.com`. */
  allowOrigins?: readonly string[];
  /** Makes it `wss` and `https`. */
  tls?: Certificate;
  /**
   * The transport of WebSockets: Deno's, or the project's own, which keeps its limits whatever clients send.
   *
   * @default {"deno"}
   */
  websocket?: "deno" | "strict";
  /** Whether browsers are shown the console. @default {true} */
  console?: boolean;
  /** How long a drain waits for what is in flight, in milliseconds. @default {the longest delay + 5000} */
  drainTimeout?: number;
  /** Told of what happens to each request, and to connections. */
  events?: ServerEvents;
  /** Told of every frame. */
  tap?: Tap;
}

/** How a drain went. */
export interface Drained {
  /** Requests that were still in flight when it had taken too long; they have no answer. */
  readonly dropped: number;
  /** Connections that did not close in time, whose last answers may not have been read. */
  readonly cut: number;
  /** Requests of the server's whole life whose connection ended before they were due. */
  readonly disconnected: number;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /** Where it listens, such as `ws://127.0.0.1:2707`. */
  readonly url: string;
  /** The port that it listens on. */
  readonly port: number;
  /** How many requests are in flight. */
  readonly inFlight: number;
  /** How often each kind of trouble was made on purpose; undefined if none is to be. */
  readonly faults: Readonly<Record<FaultKind, number>> | undefined;
  /**
   * Replaces the certificate; with the same one, nothing happens. For a moment, no client can connect. Open
   * connections stay open, except on Deno 2.9, which closes WebSockets with 1001.
   *
   * @throws {RangeError} if the certificate is not valid; the server keeps the old one.
   */
  setCertificate(tls: Certificate): Promise<void>;
  /** How many have been answered with a response. */
  readonly answered: number;
  /**
   * Ends it in good order: no new connections, new requests are refused with `shutting_down`, those in
   * flight are answered, then every connection is closed with 1001. Resolves when all that is done, or has
   * taken too long.
   */
  drain(): Promise<Drained>;
}

/** A server, and its numbers. */
export interface StartedServer extends Server {
  /** What it has done, and how it is now. */
  readonly stats: ServerStats;
}

/** What a server is made of beyond its options. */
export interface ServerParts {
  /** Turns requests into responses. @default {in this process} */
  responder?: Responder | undefined;
  /** The servers that listen on the same port, if there are any. */
  group?: ServerGroup | undefined;
}

/** Starts a server, alone or in a group; see `serve()` in server.ts. */
export function startServer(
  options: ServeOptions,
  { responder, group }: ServerParts = {},
): StartedServer {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT, events = {}, tls } = options;
  const delays = delayPolicy(options.delay, options.seed);
  const faults = options.faults && faultPolicy(options.faults, options.seed);
  // Those of connections as well are checked with the others.
  const limits = { ...DEFAULT_CONNECTION_LIMITS, ...options.limits };
  const maxWait = delays.maxDelay + (faults?.lateBy ?? 0);
  // Without delays and faults, a group has no requests in flight to report.
  const canBeInFlight = delays.maxDelay > 0 || faults !== undefined;
  const drainTimeout = Math.min(options.drainTimeout ?? maxWait + DRAIN_SLACK, MAX_TIMEOUT);
  const fail = (error: unknown) => reportError(events, error);
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
    inFlightElsewhere: group && canBeInFlight
      ? (inFlight) => group.inFlightElsewhere(inFlight)
      : undefined,
  });
  const access = new Access({
    hostname,
    token: options.token,
    allowOrigins: options.allowOrigins ?? [],
    console: options.console ?? true,
  });
  const driver = new Driver(sessions, realClock, fail);
  const shared = { sessions, driver, events, maxBuffered: limits.maxBuffered };
  const connections = new Connections(shared, limits, stats, group);
  const listening = {
    hostname,
    port,
    tls,
    reusePort: group !== undefined,
    handler: handle,
    onError,
  };
  const listener = options.websocket === "strict"
    ? new StrictListener({ ...listening, maxMessage: sessions.limits.maxPacketSize })
    : new Listener(listening);
  let isDraining = false;
  let drained: Promise<Drained> | undefined;

  function handle(
    request: Request,
    info: RequestInfo,
    upgrade: Upgrade | undefined,
  ): Response | Promise<Response> {
    const shared = access.shareWith(request); // nothing can be read of it once it is upgraded
    const response = route(request, info, upgrade);
    if (response instanceof Promise) return response.then((response) => secure(response, shared));
    return response.status === 101 ? response : secure(response, shared);
  }

  // Not async: on Deno 2.9, waiting before an upgrade leaks the connection if the peer goes meanwhile.
  function route(
    request: Request,
    info: RequestInfo,
    upgrade: Upgrade | undefined,
  ): Response | Promise<Response> {
    const address = info.remoteAddr.hostname;
    const purpose = access.decide(request);
    if (purpose instanceof Response) return purpose;
    if (purpose === "console") return answerConsole(request);
    if (purpose === "health") return health(request);
    if (purpose === "metrics") return metrics();
    if (purpose === "description") return answerDescription();
    if (purpose === "upgrade" && isDraining) return refuse(503, "The server is draining");
    const leave = connections.admit(address);
    if (typeof leave === "string") {
      return refuse(503, `${leave}; try again later`, { "retry-after": "1" });
    }
    if (purpose === "post") return answerPost(request, info, shared, leave);
    return open(request, address, upgrade, leave);
  }

  function open(
    request: Request,
    address: string,
    upgrade: Upgrade | undefined,
    leave: () => void,
  ): Response {
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
  }

  async function metrics(): Promise<Response> {
    const { stats, startedAt } = await status();
    return answerMetrics(stats, faults !== undefined, startedAt);
  }

  /** Anybody may ask how it is, but only who is let in learns what it does. */
  async function health(request: Request): Promise<Response> {
    const isKnown = access.knows(request);
    const { stats: { gauges }, size, isHealthy } = await status();
    const { connections, inFlight, abandoned } = gauges;
    const isWell = abandoned < MAX_ABANDONED && isHealthy && responder?.isReachable !== false;
    const state = isDraining ? "draining" : isWell ? "ok" : "unhealthy";
    const details = {
      connections,
      in_flight: inFlight,
      abandoned,
      ...group && { workers: size },
    };
    return Response.json(
      { status: state, ...(isKnown ? details : {}) },
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

  function onError(error: unknown): Response {
    if (!(error instanceof CutOff)) fail(error);
    return secure(refuse(500, "Internal server error"));
  }

  async function drain(): Promise<Drained> {
    isDraining = true;
    await listener.stop();
    sessions.drain();
    await inTime(driver.idle(), drainTimeout);
    const dropped = sessions.inFlight;
    const disconnected = stats.counters.dropped;
    sessions.flush();
    await inTime(connections.close(1001, DRAINED), CLOSE_TIMEOUT);
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

/** Waits, but not for a peer that takes too long: it must not hold the others up. */
async function inTime(ending: Promise<unknown>, timeout: number): Promise<void> {
  await deadline(ending, timeout).catch(() => {});
}
