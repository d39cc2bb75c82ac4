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
import { answerWithConsole } from "./server/console.ts";
import { answerPost } from "./server/http.ts";
import { IDLE_TIMEOUT, IdleWatch } from "./server/idle.ts";
import { Pump } from "./server/pump.ts";

export type { DelayRange, Events, Limits };

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
  /** @default {{ packetSize: 1 << 20, inFlight: 10_000, inFlightInAll: 1_000_000 }} */
  limits?: Partial<Limits>;
  /** Whether browsers are shown the console. @default {true} */
  console?: boolean;
  /** Told of what happens to each request. */
  events?: Events;
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
   * flight are answered, then every connection is closed with 1001. Resolves when all that is done.
   */
  drain(): Promise<void>;
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
  const conversations = new Conversations({
    delays: uniformDelay(options.delay ?? DEFAULT_DELAY, options.seed),
    limits: options.limits ?? {},
    events,
  });
  const pump = new Pump(conversations);
  const idle = new IdleWatch();
  const sockets = new Map<WebSocket, PromiseWithResolvers<void>>();
  let isDraining = false;

  // Not async: on Deno 2.9, waiting before an upgrade leaks the connection if the peer goes meanwhile.
  function handle(request: Request): Response | Promise<Response> {
    const page = options.console === false ? undefined : answerWithConsole(request);
    if (page !== undefined) return page;
    const path = pathOf(request.url);
    if (path === undefined) return refuse(400, "The Host header is not valid");
    if (path === "/healthz") return health(request);
    if (path !== "/") return refuse(404, `Nothing is at ${path}: packets go to /`);
    if (request.method === "POST") return answerPost(request, conversations, pump);
    if (request.method !== "GET") return refuse(405, "Want GET or POST", { allow: "GET, POST" });
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return refuse(426, "This is a WebSocket endpoint; packets may also be sent by POST", {
        upgrade: "websocket",
      });
    }
    return isDraining ? refuse(503, "The server is draining") : upgrade(request);
  }

  function upgrade(request: Request): Response {
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
    const sharesFrames = offers(request).includes(SUBPROTOCOL);
    let upgraded: Deno.WebSocketUpgrade;
    try {
      const idleTimeout = IDLE_TIMEOUT;
      upgraded = Deno.upgradeWebSocket(
        request,
        sharesFrames ? { idleTimeout, protocol: SUBPROTOCOL } : { idleTimeout },
      );
    } catch (error) {
      return refuse(400, error instanceof Error ? error.message : String(error));
    }
    const { socket, response } = upgraded;
    const conversation = conversations.open((frame) => socket.send(frame), sharesFrames);
    socket.binaryType = "arraybuffer";
    idle.add(socket);
    socket.onopen = () => {
      sockets.set(socket, Promise.withResolvers());
      if (isDraining) socket.close(1001, DRAINED);
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") pump.receive(conversation, data);
      else if (data instanceof ArrayBuffer) pump.receive(conversation, new Uint8Array(data));
    };
    // Either may come without the other, and a close twice.
    socket.onerror = socket.onclose = () => {
      pump.close(conversation);
      sockets.get(socket)?.resolve();
      sockets.delete(socket);
    };
    return response;
  }

  function health(request: Request): Response {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuse(405, "Want GET", { allow: "GET, HEAD" });
    }
    return Response.json({
      status: isDraining ? "draining" : "ok",
      connections: sockets.size,
      in_flight: conversations.inFlight,
    }, { status: isDraining ? 503 : 200 });
  }

  function listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const server = Deno.serve({ hostname, port, onListen: () => {}, onError }, handle);
    // It ends when accepting fails, as when file descriptors run out. The connections that stand live on.
    server.finished.catch((error) => {
      onError(error);
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
    try {
      events.failed?.("null", error);
    } catch {
      // It is the events that are at fault, and nobody is left to be told.
    }
    return refuse(500, "A fault of the server's own");
  }

  async function drain(): Promise<void> {
    isDraining = true;
    clearTimeout(listening);
    conversations.drain();
    await pump.idle();
    conversations.flush();
    const closed = [...sockets.values()].map(({ promise }) => promise);
    for (const socket of sockets.keys()) socket.close(1001, DRAINED);
    await inTime(Promise.all(closed));
    idle.close();
    await inTime(server.shutdown());
  }

  let listening: ReturnType<typeof setTimeout> | undefined;
  let server = listen(port);
  const address = server.addr;
  let drained: Promise<void> | undefined;

  return {
    url: `ws://${hostname.includes(":") ? `[${hostname}]` : hostname}:${address.port}`,
    port: address.port,
    get inFlight() {
      return conversations.inFlight;
    },
    drain: () => drained ??= drain(),
    [Symbol.asyncDispose]: () => drained ??= drain(),
  };
}

/** Waits, but not for a peer that takes too long: it must not hold the others up. */
async function inTime(ending: Promise<unknown>): Promise<void> {
  await deadline(ending, CLOSE_TIMEOUT).catch(() => {});
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
