/**
 * The server: carries frames between the network and conversations. It decides nothing about packets.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import type { Events, Limits } from "./conversation/conversation.ts";
import { Conversations } from "./conversation/conversations.ts";
import { DEFAULT_DELAY, type DelayRange, uniformDelay } from "./delay/policy.ts";
import { SUBPROTOCOL } from "./protocol.ts";
import { Access, chooseProtocol, refuse } from "./server/access.ts";
import { type Certificate, checkCertificate } from "./server/certificate.ts";
import { answerPost } from "./server/http.ts";
import { IDLE_TIMEOUT, IdleWatch } from "./server/idle.ts";
import { Pump } from "./server/pump.ts";
import { Secret } from "./server/secret.ts";
import { secure } from "./server/security_headers.ts";

export type { Certificate, DelayRange, Events, Limits };

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
  /**
   * What clients have to know: `Authorization: Bearer TOKEN`, or the subprotocol `asyncpkt.token.TOKEN`,
   * percent-encoded, from pages. Letters, digits and `-._~+/`, with `=` at its end.
   */
  token?: string;
  /** The origins of pages that may use the server, besides its own, such as `https://example.com`. */
  allowOrigins?: readonly string[];
  /** Makes it `wss` and `https`. */
  tls?: Certificate;
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
   * Listens with another certificate from now on; with the same, nothing happens. For a moment, nobody can
   * connect. Connections live on, except on Deno 2.9, which closes those over WebSocket with 1001.
   *
   * @throws {RangeError} if it cannot be used: then the old one is kept.
   */
  renew(tls: Certificate): Promise<void>;
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
  const access = new Access({
    hostname,
    secret: options.token === undefined ? undefined : new Secret(options.token),
    allowOrigins: options.allowOrigins ?? [],
  });
  const pump = new Pump(conversations);
  const idle = new IdleWatch();
  const sockets = new Map<WebSocket, PromiseWithResolvers<void>>();
  let isDraining = false;

  function handle(request: Request): Response | Promise<Response> {
    const shared = access.shareWith(request); // nothing can be read of it once it is upgraded
    const response = route(request);
    if (response instanceof Promise) return response.then((response) => secure(response, shared));
    return response.status === 101 ? response : secure(response, shared);
  }

  // Not async: on Deno 2.9, waiting before an upgrade leaks the connection if the peer goes meanwhile.
  function route(request: Request): Response | Promise<Response> {
    const purpose = access.decide(request);
    if (purpose instanceof Response) return purpose;
    if (purpose === "health") return health(request);
    if (purpose === "post") return answerPost(request, conversations, pump);
    return isDraining ? refuse(503, "The server is draining") : upgrade(request);
  }

  function upgrade(request: Request): Response {
    const protocol = chooseProtocol(request);
    const sharesFrames = protocol === SUBPROTOCOL;
    let upgraded: Deno.WebSocketUpgrade;
    try {
      const idleTimeout = IDLE_TIMEOUT;
      upgraded = Deno.upgradeWebSocket(
        request,
        protocol === undefined ? { idleTimeout } : { idleTimeout, protocol },
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

  /** Anybody may ask how it is, but only who is let in learns what it does. */
  function health(request: Request): Response {
    const figures = { connections: sockets.size, in_flight: conversations.inFlight };
    return Response.json({
      status: isDraining ? "draining" : "ok",
      ...(access.knows(request) ? figures : {}),
    }, { status: isDraining ? 503 : 200 });
  }

  function listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const options = { hostname, port, ...tls, onListen: () => {}, onError };
    const server = Deno.serve(options, handle);
    // It ends when accepting fails, as when file descriptors run out. The connections that stand live on.
    server.finished.catch((error) => {
      onError(error);
      if (!retired.has(server)) listenAgain();
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

  async function renew(certificate: Certificate): Promise<void> {
    if (tls === undefined) throw new RangeError("there is no certificate to be renewed");
    if (tls.cert === certificate.cert && tls.key === certificate.key) return;
    await checkCertificate(certificate);
    if (isDraining) return;
    const before = tls;
    let failure: unknown;
    clearTimeout(listening);
    retire(server);
    tls = certificate;
    // The port is free only a few turns of the event loop later.
    for (let wait = 1; !isDraining; wait = Math.min(2 * wait, LISTEN_AGAIN)) {
      try {
        server = listen(address.port);
        break;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) {
          tls = before;
          failure ??= error;
        }
        await delay(wait);
      }
    }
    if (failure !== undefined) throw new RangeError(String(failure));
  }

  /** Lets a server end: it listens no more, and what was posted to it is still answered. */
  function retire(server: Deno.HttpServer): void {
    const ended = Promise.allSettled([server.shutdown(), server.finished]);
    retired.set(server, ended);
    void ended.then(() => retired.delete(server));
  }

  function onError(error: unknown): Response {
    try {
      events.failed?.("null", error);
    } catch {
      // It is the events that are at fault, and nobody is left to be told.
    }
    return secure(refuse(500, "A fault of the server's own"));
  }

  async function drain(): Promise<void> {
    isDraining = true;
    clearTimeout(listening);
    await renewed;
    conversations.drain();
    await pump.idle();
    conversations.flush();
    const closed = [...sockets.values()].map(({ promise }) => promise);
    for (const socket of sockets.keys()) socket.close(1001, DRAINED);
    await inTime(Promise.all(closed));
    idle.close();
    await inTime(Promise.all([server.shutdown(), ...retired.values()]));
  }

  let tls = options.tls;
  /** Servers that no longer listen, until the last of their connections has ended. */
  const retired = new Map<Deno.HttpServer, Promise<unknown>>();
  let renewed = Promise.resolve();
  let listening: ReturnType<typeof setTimeout> | undefined;
  let server = listen(port);
  const address = server.addr;
  let drained: Promise<void> | undefined;

  return {
    url: `${tls === undefined ? "ws" : "wss"}://${
      hostname.includes(":") ? `[${hostname}]` : hostname
    }:${address.port}`,
    port: address.port,
    get inFlight() {
      return conversations.inFlight;
    },
    renew(certificate) {
      const renewing = renewed.then(() => renew(certificate));
      renewed = renewing.catch(() => {});
      return renewing;
    },
    drain: () => drained ??= drain(),
    [Symbol.asyncDispose]: () => drained ??= drain(),
  };
}

/** Waits, but not for a peer that takes too long: it must not hold the others up. */
async function inTime(ending: Promise<unknown>): Promise<void> {
  await deadline(ending, CLOSE_TIMEOUT).catch(() => {});
}
