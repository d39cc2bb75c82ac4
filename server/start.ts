/**
 * Starts a server: connects the listener, admission, carriers and sessions.
 *
 * @module
 */

import project from "../deno.json" with { type: "json" };
import { deadline } from "@std/async/deadline";
import { type Clock, isManual, MAX_TIMEOUT, realClock } from "../session/clock.ts";
import { Sessions } from "../session/sessions.ts";
import type { Responder } from "../session/responder.ts";
import { Journal, JOURNAL_SIZE } from "../session/journal.ts";
import { Rules } from "../session/rules.ts";
import { delayPolicy } from "../session/delays.ts";
import { faultPolicy, type FaultRates } from "../session/fault_policy.ts";
import { FAULT_KINDS, type Lacking, lackingFor } from "../session/faults.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import { wireOf } from "../protocol/message_wire.ts";
import { packetWire } from "../protocol/packet_wire.ts";
import { AnswerResponder } from "../session/answer_responder.ts";
import type { Drained, ServeOptions, Server } from "./api.ts";
import { Access, chooseProtocol, firstProtocol, refuse } from "./auth.ts";
import { CutOff } from "./answer_stream.ts";
import type { ControlApi } from "./control/control_api.ts";
import { Connections, DEFAULT_CONNECTION_LIMITS } from "./connections.ts";
import { reportError } from "./events.ts";
import type { GroupStatus, ServerGroup } from "./group.ts";
import { lackingToReset } from "./resettable_listener.ts";
import { answerPost } from "./post.ts";
import type { Listener } from "./listener.ts";
import { answerMetrics } from "./metrics.ts";
import { DenoListener } from "./deno_listener.ts";
import { Driver } from "./driver.ts";
import { StrictListener } from "./strict_listener.ts";
import { answerConsole, answerDescription, secure } from "./pages.ts";
import type { RequestHandler } from "./socket.ts";
import { ServerStats } from "./stats.ts";
import { Steering } from "./steering.ts";

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

/**
 * Number of abandoned upgrades from which the server reports that it is unhealthy. Each may hold
 * one of the process's file descriptors, often 1,024, until the process ends.
 */
const MAX_ABANDONED = 100;

/** A server with its counts and gauges. */
export interface StartedServer<C extends Clock = Clock> extends Server<C> {
  readonly stats: ServerStats;
  readonly rules: Rules;
}

/** Parts of a server that replace the defaults. */
export interface ServerParts {
  /** Turns requests into responses. @default {a LocalResponder} */
  responder?: Responder | undefined;
  /** The other servers on the port. @default {none} */
  group?: ServerGroup | undefined;
}

/** Starts a server, alone or in a group; see `serve()` in server.ts. */
export function startServer<C extends Clock = Clock>(
  options: ServeOptions<C>,
  parts: ServerParts = {},
): StartedServer<C> {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT, events = {}, tls, refuseFirst = 0 } =
    options;
  const wire = options.protocol === undefined ? packetWire() : wireOf(options.protocol);
  const isPackets = options.protocol === undefined;
  const { group, responder = responderOf(options) } = parts;
  const delays = delayPolicy(options.delay, options.seed);
  const faults = options.faults && faultPolicy(options.faults, options.seed);
  const clock: Clock = options.clock ?? realClock;
  const isSteered = options.control === true || options.rules !== undefined ||
    options.clock !== undefined;
  const isStrict = options.websocket === "strict";
  const lacking = lackingFor(isStrict, () => lackingForReset(options, isSteered, group));
  checkTransport(options, lacking);
  const rules = new Rules(options.rules, options.seed, lacking);
  const { journal: journalSize = isSteered ? JOURNAL_SIZE : 0 } = options;
  if (journalSize === 0 && options.control) {
    throw new RangeError("journal: expected a positive integer for the control API, got 0");
  }
  const journal = journalSize === 0 ? undefined : new Journal(clock, journalSize);
  // Sessions checks all limits.
  const limits = { ...DEFAULT_CONNECTION_LIMITS, ...options.limits };
  // Without delays and faults, a group has no requests in flight to report.
  const canBeInFlight = delays.maxDelay > 0 || faults !== undefined;
  const stats = new ServerStats();
  const sessions = new Sessions({
    wire,
    delays,
    faults,
    rules,
    limits,
    events,
    observer: journal,
    tap: options.tap,
    responder,
    counters: stats.counters,
    disconnectedIds: group?.disconnectedIds,
    inFlightElsewhere: group && canBeInFlight ? () => group.inFlightElsewhere() : undefined,
  });
  // The page and the description are about packets.
  const access = new Access({
    ...options,
    hostname,
    console: isPackets && options.console !== false,
    description: isPackets,
  });
  const driver = new Driver(sessions, clock, (error) => reportError(events, error));
  const context = {
    sessions,
    driver,
    events,
    maxBuffered: limits.maxBuffered,
  };
  const steering = new Steering(sessions, driver, rules, clock, options, journal, (faults) => {
    checkFaults(faults, lacking);
  });
  const connections = new Connections(context, limits, stats, group);
  let isDraining = false;
  let refused = 0;
  let drained: Promise<Drained> | undefined;
  /** Loaded when it is first used. */
  let control: Promise<ControlApi> | undefined;

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
    if (purpose === "control") return answerControl(request);
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
    const protocol = isPackets ? chooseProtocol(request) : firstProtocol(request);
    try {
      if (upgrade === undefined) throw new TypeError("Open a new connection for a WebSocket");
      const { socket, response } = upgrade(protocol, {
        "asyncpkt-max-packet-size": `${sessions.limits.maxPacketSize}`,
      });
      connections.add(socket, address, isPackets && protocol === SUBPROTOCOL, leave);
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
  const listener: Listener = isStrict
    ? new StrictListener({
      ...listenerOptions,
      maxMessage: sessions.limits.maxPacketSize,
      handshakeDelay: options.handshakeDelay ?? 0,
      canReset: lacking("reset") === undefined,
    })
    : new DenoListener(listenerOptions);

  async function answerControl(request: Request): Promise<Response> {
    control ??= import("./control/control_api.ts").then(({ ControlApi }) =>
      new ControlApi(steering)
    );
    return (await control).answer(request);
  }

  async function metrics(): Promise<Response> {
    const { stats, startedAt } = await status();
    return answerMetrics(stats, injectsFaults(), startedAt);
  }

  /** Unauthenticated clients receive the status only. */
  async function health(request: Request): Promise<Response> {
    const isKnown = access.knows(request);
    const { stats: { gauges }, size, isHealthy } = await status();
    const { connections, inFlight, abandoned } = gauges;
    const isOk = abandoned < MAX_ABANDONED && isHealthy && responder?.isReachable !== false;
    const state = isDraining ? "draining" : isOk ? "ok" : "unhealthy";
    const details = {
      version: project.version,
      connections,
      in_flight: inFlight,
      abandoned,
      ...group && { workers: size },
      ...options.control && { control: true },
    };
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

  function injectsFaults(): boolean {
    return sessions.planner.faults !== undefined || rules.hasFaults ||
      Object.values(stats.counters.faults).some((count) => count > 0);
  }

  async function drain(): Promise<Drained> {
    isDraining = true;
    await listener.stop();
    sessions.drain();
    const isAutomatic = options.drainTimeout === undefined;
    // Requests in flight may follow rules or settings that are gone.
    const longest = Math.max(sessions.planner.maxWait, sessions.latestDue() - clock.now());
    const automatic = isManual(clock) ? 0 : longest + DRAIN_SLACK;
    const drainTimeout = Math.min(options.drainTimeout ?? automatic, MAX_TIMEOUT);
    await inTime(driver.idle(isAutomatic), drainTimeout);
    sessions.flush();
    const dropped = sessions.inFlight;
    const disconnected = stats.counters.dropped;
    sessions.dropAll(); // ends the responses to POSTs
    stats.counters.dropped += dropped;
    await inTime(connections.close(1001, "The server is shutting down"), CLOSE_TIMEOUT);
    const cut = connections.size;
    driver.stop();
    (await control)?.close();
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
      return injectsFaults() ? stats.counters.faults : undefined;
    },
    setCertificate: (certificate) => listener.setCertificate(certificate),
    get answered() {
      return stats.counters.answered;
    },
    rules,
    clock: clock as C,
    get requests() {
      return steering.journal.list();
    },
    get settings() {
      return steering.settings;
    },
    hold: (match) => steering.hold(match),
    release: (which) => steering.release(which),
    received: (count, { timeout, ...filter } = {}) => steering.journal.wait(count, filter, timeout),
    change: (settings) => steering.change(settings),
    reset: () => steering.reset(),
    drain: () => drained ??= drain(),
    [Symbol.asyncDispose]: async () => void await (drained ??= drain()),
  };
}

/** Waits until the timeout at most, so that no peer holds up the others. */
async function inTime(ending: Promise<unknown>, timeout: number): Promise<void> {
  await deadline(ending, timeout).catch(() => {});
}

function responderOf({ answer, answerTimeout }: ServeOptions): Responder | undefined {
  return answer && new AnswerResponder(answer, answerTimeout);
}

/** @throws {RangeError} if an option needs what the server lacks. */
function checkTransport(
  { websocket, faults, handshakeDelay, refuseFirst }: ServeOptions,
  lacking: Lacking,
): void {
  checkFaults(faults, lacking);
  if (websocket === "strict") return;
  for (const [option, value] of Object.entries({ handshakeDelay, refuseFirst })) {
    if (value === undefined) continue;
    throw new RangeError(`${option} needs the strict transport of WebSockets`);
  }
}

/** @throws {RangeError} if the server cannot inject one of the faults. */
function checkFaults(faults: FaultRates = {}, lacking: Lacking): void {
  for (const kind of FAULT_KINDS) {
    const need = (faults[kind] ?? 0) > 0 ? lacking(kind) : undefined;
    if (need !== undefined) throw new RangeError(`the fault ${kind} needs ${need}`);
  }
}

/** Returns what a server with the strict transport lacks to reset connections, if anything. */
function lackingForReset(
  { faults }: ServeOptions,
  isSteered: boolean,
  group: ServerGroup | undefined,
): string | undefined {
  if (group !== undefined) return "a server without workers";
  if (!isSteered && !faults?.reset) {
    return "rules, a clock, the control API or a share at the start";
  }
  return lackingToReset();
}
