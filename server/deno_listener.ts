/**
 * The default transport: Deno's HTTP server and WebSockets, with the workarounds that they need.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { ReadFairness } from "./deno_workarounds.ts";
import { IDLE_TIMEOUT, Listener, type ListenerOptions, RETRY_DELAY } from "./listener.ts";
import type { Socket, SocketHandler, Upgraded } from "./socket.ts";

/**
 * Time after which a server that was shut down certainly accepts no more connections, in
 * milliseconds. It is a few turns of the event loop; if other servers share the port, nothing
 * signals its end.
 */
const RELEASE_TIME = 100;

/** Listens with Deno's HTTP server, even after accepting connections has failed. */
export class DenoListener extends Listener {
  readonly port: number;

  readonly #options: ListenerOptions;
  #server: Deno.HttpServer<Deno.NetAddr>;
  /** Servers that no longer listen, until the last of their connections has ended. */
  readonly #retired = new Map<Deno.HttpServer, Promise<unknown>>();
  #again: ReturnType<typeof setTimeout> | undefined;

  /** @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of listening. */
  constructor(options: ListenerOptions) {
    super(options.tls);
    this.#options = options;
    this.#server = this.#listen(options.port);
    this.port = this.#server.addr.port;
  }

  override async stop(): Promise<void> {
    clearTimeout(this.#again);
    await super.stop();
  }

  async close(): Promise<void> {
    await this.stop();
    await Promise.all([this.#server.shutdown(), ...this.#retired.values()]);
  }

  protected async pause(): Promise<void> {
    clearTimeout(this.#again);
    const server = this.#server;
    const ended = Promise.allSettled([server.shutdown(), server.finished]);
    this.#retired.set(server, ended);
    void ended.then(() => this.#retired.delete(server));
    if (this.#options.reusePort) await delay(RELEASE_TIME);
  }

  protected resume(): void {
    this.#server = this.#listen(this.port);
  }

  #listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, reusePort, handler, onError } = this.#options;
    const server = Deno.serve(
      { hostname, port, reusePort, ...this.tls, onListen: () => {}, onError },
      (request, info) =>
        handler(request, info, (protocol, headers) => upgrade(request, protocol, headers)),
    );
    // Deno ends a server that cannot accept, such as when file descriptors run out; open
    // connections go on.
    server.finished.catch((error) => {
      onError(error);
      if (!this.#retired.has(server)) this.#listenAgain();
    });
    return server;
  }

  #listenAgain(): void {
    if (this.isStopped) return;
    this.#again = setTimeout(() => {
      try {
        this.resume();
      } catch {
        this.#listenAgain();
      }
    }, RETRY_DELAY);
  }
}

function upgrade(
  request: Request,
  protocol: string | undefined,
  headers: Record<string, string>,
): Upgraded {
  // Deno pings after half of the timeout.
  const options = { idleTimeout: IDLE_TIMEOUT, ...protocol !== undefined && { protocol } };
  const { socket, response } = Deno.upgradeWebSocket(request, options);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return { socket: new DenoSocket(socket), response };
}

/** Deno's WebSocket as a {@linkcode Socket}. */
export class DenoSocket implements Socket {
  readonly #socket: WebSocket;
  #fairness: ReadFairness | undefined;

  /** @param socket from an upgrade in the same task. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get unsent(): number {
    return this.#socket.bufferedAmount;
  }

  listen(handler: SocketHandler): void {
    const socket = this.#socket;
    const fairness = this.#fairness = new ReadFairness(
      socket,
      (error) => handler.onReadError(error),
    );
    socket.binaryType = "arraybuffer";
    socket.onopen = () => handler.onOpen();
    socket.onmessage = ({ data }) => {
      // On Deno 2.7 a message after the end may come without data.
      if (data === null) return;
      const frame = typeof data === "string" ? data : new Uint8Array(data);
      handler.onMessage(frame);
      fairness.spend(frame.length);
      fairness.endIfSpent();
    };
    // Either may come without the other, and a close twice.
    socket.onerror = socket.onclose = () => handler.onEnd();
  }

  send(text: string): void {
    const fairness = this.#fairness!;
    if (fairness.isEnding) fairness.reopen();
    this.#socket.send(text);
    fairness.spend(text.length);
  }

  sendBinary(bytes: Uint8Array<ArrayBuffer>): void {
    const fairness = this.#fairness!;
    if (fairness.isEnding) fairness.reopen();
    this.#socket.send(bytes);
    fairness.spend(bytes.length);
  }

  close(code: number, reason: string): void {
    this.#fairness?.reopen();
    this.#socket.close(code, reason);
  }
}
