/**
 * A WebSocket client for measuring. Deno's own has Nagle's algorithm on: it holds a frame back until the
 * one before has been acknowledged, for up to 44 ms, which would be measured as the server's doing. This
 * one has it off, and writes what is sent in the same task at once.
 *
 * @module
 */

import {
  closePayload,
  FrameDecoder,
  FrameEncoder,
  FrameError,
  Opcode,
} from "../websocket/frames.ts";
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
  readonly #connection: Deno.Conn;
  readonly #encoder = new FrameEncoder("client");
  readonly #decoder: FrameDecoder;
  readonly #surplus: Uint8Array;
  readonly #ended = Promise.withResolvers<void>();
  #handlers: SocketHandlers | undefined;
  #state: "open" | "closing" | "ended" = "open";
  #willFlush = false;
  #flushing: Promise<void> | undefined;

  private constructor(connection: Deno.Conn, { protocol, surplus }: Agreement) {
    this.#connection = connection;
    this.protocol = protocol;
    this.#surplus = surplus;
    this.#decoder = new FrameDecoder("client", {
      text: (text) => this.#handlers?.message(text),
      binary: () => this.#handlers?.message(undefined),
      ping: (payload) => {
        this.#encoder.frame(Opcode.pong, payload);
        this.#flushSoon();
      },
      close: (payload) => {
        if (this.#state === "open") this.#encoder.frame(Opcode.close, payload.slice(0, 2));
        this.#state = "closing";
        this.#flush().finally(() => this.#end());
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
    queueMicrotask(() => void this.#read());
  }

  /** Sends a message, by the end of the current task. */
  send(text: string): void {
    if (this.#state !== "open") return;
    this.#encoder.text(text);
    this.#flushSoon();
  }

  /** Closes the connection; resolves when the server has closed it too, or `timeout` is over. */
  async close(timeout: number): Promise<void> {
    if (this.#handlers === undefined) void this.#read();
    this.#handlers = undefined;
    if (this.#state === "open") {
      this.#state = "closing";
      this.#encoder.frame(Opcode.close, closePayload(1000));
      void this.#flush();
    }
    const timer = setTimeout(() => this.#end(), timeout);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  async #read(): Promise<void> {
    try {
      this.#decoder.write(this.#surplus);
      while (this.#state !== "ended") {
        const count = await this.#receive();
        if (count === undefined) break;
        this.#decoder.decode(count);
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
    } finally {
      this.#end();
    }
  }

  /** Reads what has come; returns how many bytes that is, undefined at the end, however it comes about. */
  async #receive(): Promise<number | undefined> {
    try {
      return await this.#connection.read(this.#decoder.space) ?? undefined;
    } catch {
      return undefined;
    }
  }

  #flushSoon(): void {
    if (this.#flushing !== undefined || this.#willFlush) return;
    this.#willFlush = true;
    queueMicrotask(() => {
      this.#willFlush = false;
      void this.#flush();
    });
  }

  /** Writes all that there is, and what is added meanwhile. */
  #flush(): Promise<void> {
    if (!this.#encoder.isEmpty && this.#state !== "ended") this.#flushing ??= this.#write();
    return this.#flushing ?? Promise.resolve();
  }

  async #write(): Promise<void> {
    try {
      while (!this.#encoder.isEmpty && this.#state !== "ended") {
        let bytes = this.#encoder.take();
        while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
      }
    } catch {
      this.#end();
    }
    // Not by a finally() outside: what is sent before that runs would never be written.
    this.#flushing = undefined;
  }

  #end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    closeQuietly(this.#connection);
    this.#ended.resolve();
    this.#handlers?.end();
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
