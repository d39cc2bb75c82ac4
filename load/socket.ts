/**
 * A WebSocket client for measuring. Deno's own has Nagle's algorithm on: it holds a frame back until the
 * one before has been acknowledged, for up to 44 ms, which would be measured as the server's doing. This
 * one has it off, and writes what is sent in the same task at once.
 *
 * @module
 */

import { WebSocketConnection } from "../websocket/connection.ts";
import { type Agreement, handshake } from "./handshake.ts";

/** What is told of what comes. */
export interface SocketHandlers {
  /** A message; undefined for one of bytes. */
  message(text: string | undefined): void;
  /** The connection has ended, and this side has not closed it. */
  end(): void;
}

/** What it takes to be let in. */
export interface Access {
  /** The token that the server asks for. */
  readonly token?: string | undefined;
  /** Authorities that are trusted as well: certificates in PEM. */
  readonly caCerts?: readonly string[] | undefined;
}

/** A connection that is open, or has been. */
export class Socket {
  /** The subprotocol that the server agreed to, or empty. */
  readonly protocol: string;
  readonly #connection: WebSocketConnection;
  readonly #surplus: Uint8Array;
  readonly #ended = Promise.withResolvers<void>();
  #handlers: SocketHandlers | undefined;
  #isReading = false;

  private constructor(connection: Deno.Conn, { protocol, surplus }: Agreement) {
    this.protocol = protocol;
    this.#surplus = surplus;
    // It measures what a server does, so it goes on reading while it writes.
    const options = { role: "client", maxBacklog: Infinity } as const;
    this.#connection = new WebSocketConnection(connection, options, {
      message: (message) =>
        this.#handlers?.message(typeof message === "string" ? message : undefined),
      ended: () => {
        this.#ended.resolve();
        this.#handlers?.end();
      },
    });
  }

  /**
   * Connects.
   *
   * @param url of the scheme ws or wss.
   * @param protocol the subprotocol to offer.
   * @param signal gives up.
   * @param access what it takes to be let in.
   * @throws {HandshakeError} if the server does not agree to talk WebSocket.
   * @throws whatever `Deno.connect` throws, and the signal's reason.
   */
  static async connect(
    url: URL,
    protocol: string,
    signal: AbortSignal,
    { token, caCerts }: Access = {},
  ): Promise<Socket> {
    let connection: Deno.Conn = await connectTcp(url, signal);
    const aborted = Promise.withResolvers<never>();
    // On Deno 2.7, closing a connection does not end a TLS handshake that waits for the server.
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const open = async () => {
      if (url.protocol === "wss:") {
        connection = await Deno.startTls(connection as Deno.TcpConn, {
          hostname: bareHost(url),
          alpnProtocols: ["http/1.1"],
          caCerts: [...caCerts ?? []],
        });
        if (signal.aborted) closeQuietly(connection);
      }
      return await handshake(connection, url, protocol, token);
    };
    try {
      signal.throwIfAborted();
      const agreement = await Promise.race([open(), aborted.promise]);
      return new Socket(connection, agreement); // which is another connection by now, over TLS
    } catch (error) {
      closeQuietly(connection);
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Begins to read what comes, after the current task; until then, it is kept. */
  listen(handlers: SocketHandlers): void {
    this.#handlers = handlers;
    queueMicrotask(() => this.#read());
  }

  /** Sends a message, by the end of the current task. */
  send(text: string): void {
    this.#connection.send(text);
  }

  /** Closes the connection; resolves when it has ended, which takes two seconds at most. */
  async close(): Promise<void> {
    this.#handlers = undefined;
    this.#connection.close(1000);
    this.#read();
    await this.#ended.promise;
  }

  /** Ends the connection at once. */
  abort(): void {
    this.#handlers = undefined;
    this.#connection.abort();
  }

  #read(): void {
    if (!this.#isReading) void this.#connection.run(this.#surplus);
    this.#isReading = true;
  }
}

async function connectTcp(url: URL, signal: AbortSignal): Promise<Deno.TcpConn> {
  const hostname = bareHost(url);
  const port = Number(url.port || (url.protocol === "wss:" ? 443 : 80));
  const connection = await Deno.connect({ hostname, port, signal }).catch((error) => {
    // Deno 2.7 tries no more than the first address, which may be ::1 where all listen on 127.0.0.1.
    if (hostname !== "localhost" || !(error instanceof Deno.errors.ConnectionRefused)) throw error;
    const { state } = Deno.permissions.querySync({ name: "net", host: `127.0.0.1:${port}` });
    if (state !== "granted") throw error; // or Deno would ask the user
    return Deno.connect({ hostname: "127.0.0.1", port, signal });
  });
  connection.setNoDelay(true);
  return connection;
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed before.
  }
}
