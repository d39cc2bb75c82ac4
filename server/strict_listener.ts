/**
 * Listens with the strict transport, which reads the heads of requests itself. It keeps WebSockets,
 * and passes other requests on to Deno's HTTP server, which listens on this machine only.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import {
  checkUpgradeRequest,
  HandshakeError,
  type Head,
  upgradeResponse,
} from "../websocket/handshake.ts";
import { closeQuietly, readHead, writeAll } from "../websocket/streams.ts";
import { IDLE_TIMEOUT, Listener, type ListenerOptions, RETRY_DELAY } from "./listener.ts";
import { ResettableListener } from "./resettable_listener.ts";
import { WebSocketConnection } from "../websocket/connection.ts";
import { ReadBudget } from "../websocket/read_budget.ts";
import type { RequestInfo, Upgrade } from "./socket.ts";

/** Time for the head of a request to arrive, TLS handshake included, in milliseconds. */
const HEAD_TIMEOUT = 10_000;

/** Time for a peer to close, in milliseconds; longer than that of a drain, which then counts it. */
const CLOSE_TIMEOUT = 5000;

const INNER = "127.0.0.1";

/** Options for {@linkcode StrictListener}. */
export interface StrictListenerOptions extends ListenerOptions {
  /** Longest message to accept, in bytes. */
  readonly maxMessage: number;
  /** Time before each handshake is answered, in milliseconds. */
  readonly handshakeDelay: number;
  /** Whether connections can be reset, which makes them slower. @default {false} */
  readonly canReset?: boolean;
}

/** A socket after its handshake, and the bytes that were read after the handshake. */
interface Opened {
  readonly socket: WebSocketConnection;
  readonly surplus: Uint8Array;
}

type Listening = Deno.TcpListener | Deno.TlsListener | ResettableListener;
type Stream = Awaited<ReturnType<Listening["accept"]>>;

/** Listens with the strict transport. */
export class StrictListener extends Listener {
  readonly port: number;

  readonly #options: StrictListenerOptions;
  readonly #scheme: "http" | "https";
  /** Undefined while the certificate changes. */
  #listener: Listening | undefined;
  readonly #closed = new AbortController();
  /** Streams whose head has not been read. */
  readonly #heads = new Set<Stream>();
  /** How many streams are open, and what resolves when none is any more. */
  #streams = 0;
  #allClosed = Promise.withResolvers<void>();
  readonly #sockets = new Set<WebSocketConnection>();
  readonly #budget: ReadBudget;
  readonly #keepalive: ReturnType<typeof setInterval>;
  /** Deno's HTTP server, and the clients of its connections, by the port of each connection. */
  readonly #http: Deno.HttpServer<Deno.NetAddr>;
  readonly #clients = new Map<number, Deno.NetAddr>();

  /** @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of listening. */
  constructor(options: StrictListenerOptions) {
    super(options.tls);
    this.#options = options;
    this.#scheme = options.tls === undefined ? "http" : "https";
    const listener = this.#listener = this.#listen(options.port);
    this.port = (listener.addr as Deno.NetAddr).port;
    this.#http = Deno.serve(
      { hostname: INNER, port: 0, onListen: () => {}, onError: options.onError },
      (request, info) => this.#answer(request, info),
    );
    this.#budget = new ReadBudget();
    const tick = IDLE_TIMEOUT * 1000 / 3;
    this.#keepalive = setInterval(() => this.#sockets.forEach((each) => each.checkAlive()), tick);
    void this.#acceptFrom(listener);
  }

  /** Also ends all sockets; resolves when all streams are closed. */
  async close(): Promise<void> {
    await this.stop();
    this.#closed.abort();
    this.pause();
    clearInterval(this.#keepalive);
    for (const stream of this.#heads) closeQuietly(stream);
    for (const socket of this.#sockets) socket.abort();
    await this.#http.shutdown();
    if (this.#streams > 0) await this.#allClosed.promise;
    await this.#budget.close();
  }

  protected pause(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  protected resume(): void {
    const listener = this.#listener = this.#listen(this.port);
    void this.#acceptFrom(listener);
  }

  #listen(port: number): Listening {
    const { hostname, reusePort, canReset = false } = this.#options;
    const address = { hostname, port, reusePort };
    if (canReset) return new ResettableListener(address, this.tls);
    return this.tls === undefined
      ? Deno.listen(address)
      : Deno.listenTls({ ...address, ...this.tls, alpnProtocols: ["http/1.1"] });
  }

  async #acceptFrom(listener: Listening): Promise<void> {
    while (this.#listener === listener) {
      try {
        void this.#serve(await listener.accept());
      } catch (error) {
        if (this.#listener !== listener) return;
        // A client that resets its connection before that is accepted must not delay the others.
        if (error instanceof Deno.errors.NotConnected) continue;
        // File descriptors may have run out; connections that end free theirs.
        this.#options.onError(error);
        await delay(RETRY_DELAY, this.#closed).catch(() => {});
      }
    }
  }

  async #serve(stream: Stream): Promise<void> {
    let socket: WebSocketConnection | undefined;
    this.#streams++;
    try {
      if ("setNoDelay" in stream) stream.setNoDelay(true);
      // In two steps, so that an open socket keeps no memory of its handshake.
      const opened = await this.#receive(stream);
      if (opened === undefined) return;
      socket = opened.socket;
      this.#sockets.add(socket);
      await socket.run(opened.surplus);
    } catch (error) {
      if (!isPeerError(error)) this.#options.onError(error);
    } finally {
      if (socket !== undefined) this.#sockets.delete(socket);
      closeQuietly(stream);
      this.#streams--;
      if (this.#streams === 0 && this.#closed.signal.aborted) this.#allClosed.resolve();
    }
  }

  async #receive(stream: Stream): Promise<Opened | undefined> {
    const deadline = setTimeout(() => closeQuietly(stream), HEAD_TIMEOUT);
    this.#heads.add(stream);
    const { head, bytes, rest } = await readHead(stream, "server").finally(() => {
      clearTimeout(deadline);
      this.#heads.delete(stream);
    });
    const key = keyOf(head);
    if (key === undefined) return await this.#passOn(stream, bytes, rest);
    const socket = await this.#open(stream, head, key);
    return socket && { socket, surplus: rest };
  }

  /** Asks the handler for a socket, and finishes the handshake. */
  async #open(stream: Stream, head: Head, key: string): Promise<WebSocketConnection | undefined> {
    const { handler, handshakeDelay, maxMessage, onError } = this.#options;
    const remoteAddr = stream.remoteAddr as Deno.NetAddr;
    const info: RequestInfo = { remoteAddr, completed: Promise.resolve() };
    let socket: WebSocketConnection | undefined;
    let protocol: string | undefined;
    const upgrade: Upgrade = (agreed, headers) => {
      socket = new WebSocketConnection(stream, {
        role: "server",
        maxMessage,
        closeTimeout: CLOSE_TIMEOUT,
        budget: this.#budget,
      });
      protocol = agreed;
      return { socket, response: new Response(null, { status: 101, headers }) };
    };
    try {
      // While it waits, the end of the connection goes unnoticed: the handshake then fails.
      if (handshakeDelay > 0) await delay(handshakeDelay, this.#closed).catch(() => {});
      const response = await handler(requestOf(head, this.#scheme), info, upgrade);
      const headers = Object.fromEntries(response.headers);
      if (socket === undefined) return void await writeResponse(stream, response);
      await writeAll(stream, encoder.encode(await upgradeResponse(key, protocol, headers)));
      return socket;
    } catch (error) {
      socket?.abort();
      if (isPeerError(error)) throw error;
      await writeResponse(stream, onError(error));
    }
  }

  /** Passes a stream on to the HTTP server: this request, and those that follow it. */
  async #passOn(stream: Stream, head: Uint8Array, rest: Uint8Array): Promise<undefined> {
    const inner = await Deno.connect({ hostname: INNER, port: this.#http.addr.port });
    const { port } = inner.localAddr as Deno.NetAddr;
    this.#clients.set(port, stream.remoteAddr as Deno.NetAddr);
    let asked: Promise<void> | undefined;
    try {
      inner.setNoDelay(true);
      await writeAll(inner, head);
      await writeAll(inner, rest);
      asked = pipe(stream, inner);
      await pipe(inner, stream);
    } finally {
      this.#clients.delete(port);
      closeQuietly(inner);
      closeQuietly(stream);
      await asked;
    }
  }

  #answer(request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) {
    const remoteAddr = this.#clients.get(info.remoteAddr.port);
    // Another process on this machine may connect to the HTTP server. Its requests are refused,
    // since admission depends on the address of the client.
    if (remoteAddr === undefined) return new Response(null, { status: 403 });
    const { completed } = info;
    const { method, headers, body } = request;
    // A copy of the request would also copy its signal, and Deno would warn of that.
    const original = this.#scheme === "http"
      ? request
      : new Request(request.url.replace("http", "https"), { method, headers, body });
    return this.#options.handler(original, { remoteAddr, completed }, undefined);
  }
}

const encoder = new TextEncoder();

/** Returns the key of a request for a WebSocket; undefined if it is another request. */
function keyOf(head: Head): string | undefined {
  try {
    return checkUpgradeRequest(head).key;
  } catch {
    return undefined;
  }
}

/** The host of the URL is that of the Host header: a path such as `//host/` must not replace it. */
function requestOf({ start, headers }: Head, scheme: string): Request {
  const [, path] = start.split(" ");
  const url = URL.parse(`${scheme}://${headers.get("host")}${path}`);
  return new Request(url ?? `${scheme}://invalid`, { headers: Object.fromEntries(headers) });
}

async function writeResponse(stream: Stream, response: Response): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.set("connection", "close");
  headers.set("content-length", `${body.length}`);
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const { status, statusText } = response;
  await writeAll(stream, encoder.encode(`HTTP/1.1 ${status} ${statusText}\r\n${lines}\r\n`));
  await writeAll(stream, body);
}

/** Copies bytes until one side ends, and then ends the other. */
async function pipe(from: Stream, to: Stream): Promise<void> {
  const buffer = new Uint8Array(1 << 14);
  try {
    for (let count; (count = await from.read(buffer)) !== null;) {
      await writeAll(to, buffer.subarray(0, count));
    }
    await to.closeWrite();
  } catch {
    // One side is gone, so the other is closed as well.
    closeQuietly(from);
    closeQuietly(to);
  }
}

function isPeerError(error: unknown): boolean {
  return error instanceof HandshakeError || error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.InvalidData || error instanceof Deno.errors.UnexpectedEof ||
    error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.NotConnected;
}
