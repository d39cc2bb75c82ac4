/**
 * The server: carries frames between the network and conversations. It decides nothing about packets.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import type { Events, Limits } from "./conversation/conversation.ts";
import { Conversations } from "./conversation/conversations.ts";
import { DEFAULT_DELAY, type DelayRange, uniformDelay } from "./delay/policy.ts";
import { SUBPROTOCOL } from "./protocol.ts";
import {
  type ConnectionLimits,
  Connections,
  DEFAULT_CONNECTION_LIMITS,
} from "./server/connections.ts";
import { type ServerEvents, tellFault } from "./server/events.ts";
import { answerPost } from "./server/http.ts";
import { IDLE_TIMEOUT, IdleWatch } from "./server/idle.ts";
import { Pump } from "./server/pump.ts";

export type { ConnectionLimits, DelayRange, Events, Limits, ServerEvents };

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

/** How long until a server that could not accept connections tries again, in milliseconds. */
const LISTEN_AGAIN = 500;

/** How much longer than the longest delay a drain may take where nothing is said, in milliseconds. */
const DRAIN_SLACK = 5000;

/** The longest time that a timer can be set to, in milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * With so many upgrades that never opened, the server says that it is not well: each may have cost a file
 * descriptor for good, of the 1,024 that a process often has, and only a new process gets them back.
 */
const MAX_UNOPENED = 100;

/** What a Close frame says when the server has drained. */
const DRAINED = "The server is shutting down";

/** The form of a Sec-WebSocket-Key. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** What a server can be told. */
export interface ServeOptions {
  /** @default {"127.0.0.1"} */
  hostname?: string;
  /** 0 takes a free one. @default {2707} */
  port?: number;
  /** In seconds. @default {{ min: 1, max: 5 }} */
  delay?: DelayRange;
  /** An integer: makes each delay a function of it and of the request's id alone. */
  seed?: number;
  /**
   * @default {{ packetSize: 1 << 20, inFlight: 10_000, inFlightInAll: 1_000_000, wrongInARow: 100,
   * connections: 10_000, buffered: 1 << 24 }} and 1,000 connections from an address of elsewhere.
   */
  limits?: Partial<Limits & ConnectionLimits>;
  /** How long a drain waits for what is in flight, in milliseconds. @default {the longest delay + 5000} */
  drainTimeout?: number;
  /** Told of what happens to each request, and to connections. */
  events?: ServerEvents;
}

/** How a drain went. */
export interface Drained {
  /** Requests that were still in flight when it had taken too long; they have no answer. */
  readonly dropped: number;
  /** Connections that did not close in time, whose last answers may not have been read. */
  readonly cut: number;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /** Where it listens, such as `ws://127.0.0.1:2707`. */
  readonly url: string;
  /** The port that it listens on. */
  readonly port: number;
  /** How many requests are in flight. */
  readonly inFlight: number;
  /**
   * Ends it in good order: no new connections, new requests are refused with `shutting_down`, those in
   * flight are answered, then every connection is closed with 1001. Resolves when all that is done, or has
   * taken too long.
   */
  drain(): Promise<Drained>;
}

/**
 * Starts a server for packets: over WebSocket at `/`, over HTTP by `POST /`.
 *
 * @returns once it listens. `await using` drains it.
 * @throws {RangeError} if an option is out of range.
 * @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of listening.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
 * const answer = await fetch(server.url.replace("ws", "http"), {
 *   method: "POST",
 *   body: '{"request_id":"01","data":"Hub&&name&&qwe"}',
 * });
 * assertEquals(await answer.json(), { request_id: "01", data: { Hub: { name: "qwe" } } });
 * ```
 */
export function serve(options: ServeOptions = {}): Server {
  const { hostname = "127.0.0.1", port = DEFAULT_PORT, events = {} } = options;
  const delay = options.delay ?? DEFAULT_DELAY;
  // Those of connections as well are checked with the others.
  const limits = { ...DEFAULT_CONNECTION_LIMITS, ...options.limits };
  const drainTimeout = Math.min(
    options.drainTimeout ?? delay.max * 1000 + DRAIN_SLACK,
    MAX_TIMEOUT,
  );
  const fail = (error: unknown) => tellFault(events, error);
  const conversations = new Conversations({
    delays: uniformDelay(delay, options.seed),
    limits,
    events,
  });
  const pump = new Pump(conversations, fail);
  const idle = new IdleWatch(fail);
  const shared = { conversations, pump, idle, events, buffered: limits.buffered };
  const connections = new Connections(shared, limits);
  let isDraining = false;

  // Not async: on Deno 2.9, waiting before an upgrade leaks the connection if the peer goes meanwhile.
  function handle(
    request: Request,
    { remoteAddr }: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Response | Promise<Response> {
    const address = remoteAddr.hostname;
    const path = pathOf(request.url);
    if (path === undefined) return refuse(400, "The Host header is not valid");
    if (path === "/healthz") return health(request);
    if (path !== "/") return refuse(404, `Nothing is at ${path}: packets go to /`);
    if (request.method === "POST") return post(request, address);
    if (request.method !== "GET") return refuse(405, "Want GET or POST", { allow: "GET, POST" });
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return refuse(426, "This is a WebSocket endpoint; packets may also be sent by POST", {
        upgrade: "websocket",
      });
    }
    return isDraining ? refuse(503, "The server is draining") : upgrade(request, address);
  }

  function post(request: Request, address: string): Response | Promise<Response> {
    const leave = connections.admit(address);
    return typeof leave === "string"
      ? turnAway(leave)
      : answerPost(request, address, shared, leave);
  }

  function upgrade(request: Request, address: string): Response {
    // Deno itself looks at neither (RFC 6455, section 4.2.1).
    if (request.headers.get("sec-websocket-version") !== "13") {
      return refuse(426, "Want Sec-WebSocket-Version: 13", {
        upgrade: "websocket",
        "sec-websocket-version": "13",
      });
    }
    if (!KEY.test(request.headers.get("sec-websocket-key") ?? "")) {
      return refuse(400, "Want a Sec-WebSocket-Key: 16 bytes in base64");
    }
    const leave = connections.admit(address);
    if (typeof leave === "string") return turnAway(leave);
    const sharesFrames = offers(request).includes(SUBPROTOCOL);
    const idleTimeout = IDLE_TIMEOUT;
    try {
      const { socket, response } = Deno.upgradeWebSocket(
        request,
        sharesFrames ? { idleTimeout, protocol: SUBPROTOCOL } : { idleTimeout },
      );
      connections.add(socket, address, sharesFrames, leave);
      return response;
    } catch (error) {
      leave();
      return refuse(400, error instanceof Error ? error.message : String(error));
    }
  }

  function health(request: Request): Response {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, "Want GET", { allow: "GET, HEAD" });
    }
    const { size, unopened } = connections;
    const status = isDraining ? "draining" : unopened >= MAX_UNOPENED ? "unhealthy" : "ok";
    return Response.json(
      { status, connections: size, in_flight: conversations.inFlight, unopened },
      { status: status === "ok" ? 200 : 503 },
    );
  }

  function listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const server = Deno.serve({ hostname, port, onListen: () => {}, onError }, handle);
    // It ends when accepting fails, as when file descriptors run out. The connections that stand live on.
    server.finished.catch((error) => {
      fail(error);
      listenAgain();
    });
    return server;
  }

  function listenAgain(): void {
    if (isDraining) return;
    listening = setTimeout(() => {
      try {
        server = listen(address.port);
      } catch {
        listenAgain();
      }
    }, LISTEN_AGAIN);
  }

  function onError(error: unknown): Response {
    fail(error);
    return refuse(500, "A fault of the server's own");
  }

  async function drain(): Promise<Drained> {
    isDraining = true;
    clearTimeout(listening);
    conversations.drain();
    await inTime(pump.idle(), drainTimeout);
    const dropped = conversations.inFlight;
    conversations.flush();
    await inTime(connections.close(1001, DRAINED), CLOSE_TIMEOUT);
    const cut = connections.size;
    idle.close();
    pump.stop();
    await inTime(server.shutdown(), CLOSE_TIMEOUT);
    return { dropped, cut };
  }

  let listening: ReturnType<typeof setTimeout> | undefined;
  let server = listen(port);
  const address = server.addr;
  let drained: Promise<Drained> | undefined;

  return {
    url: `ws://${hostname.includes(":") ? `[${hostname}]` : hostname}:${address.port}`,
    port: address.port,
    get inFlight() {
      return conversations.inFlight;
    },
    drain: () => drained ??= drain(),
    [Symbol.asyncDispose]: async () => void await (drained ??= drain()),
  };
}

/** Waits, but not for a peer that takes too long: it must not hold the others up. */
async function inTime(ending: Promise<unknown>, timeout: number): Promise<void> {
  await deadline(ending, timeout).catch(() => {});
}

/** Refuses a peer for which there is no room. */
function turnAway(reason: string): Response {
  return refuse(503, `${reason}; try again later`, { "retry-after": "1" });
}

function offers(request: Request): string[] {
  return (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((name) =>
    name.trim()
  );
}

function pathOf(url: string): string | undefined {
  try {
    return new URL(url).pathname;
  } catch {
    return undefined;
  }
}

function refuse(status: number, reason: string, headers: HeadersInit = {}): Response {
  return new Response(reason + "\n", { status, headers });
}
