/**
 * A WebSocket client for measuring. Deno's own uses Nagle's algorithm: it holds a frame back until
 * the one before is acknowledged, for up to 44 ms, which would count as the server's latency.
 *
 * @module
 */

import { WebSocketConnection } from "../websocket/connection.ts";

/** Callbacks of a {@linkcode LoadSocket}. */
export interface SocketHandlers {
  /** Receives a text message; undefined for a binary one. */
  message(text: string | undefined): void;
  /** Called when the connection has ended, unless this side closed it. */
  end(): void;
}

/** A WebSocket that starts to read when somebody listens. */
export class LoadSocket {
  /** The subprotocol that the server agreed to, or empty. */
  readonly protocol: string;
  readonly #connection: WebSocketConnection;
  readonly #surplus: Uint8Array;
  readonly #ended = Promise.withResolvers<void>();
  #handlers: SocketHandlers | undefined;
  #isReading = false;

  /**
   * @param connection on which the handshake is done, with Nagle's algorithm off.
   * @param surplus the bytes that came after the handshake.
   */
  constructor(connection: Deno.Conn, protocol: string, surplus: Uint8Array) {
    this.protocol = protocol;
    this.#surplus = surplus;
    // A load keeps reading while it writes, however slowly the server reads.
    const options = { role: "client", maxBacklog: Infinity } as const;
    this.#connection = new WebSocketConnection(connection, options);
    this.#connection.listen({
      onMessage: (message) =>
        this.#handlers?.message(typeof message === "string" ? message : undefined),
      onEnd: () => {
        this.#ended.resolve();
        this.#handlers?.end();
      },
    });
  }

  /** Starts reading after the current task. Bytes that come before are kept. */
  listen(handlers: SocketHandlers): void {
    this.#handlers = handlers;
    queueMicrotask(() => this.#read());
  }

  /** Sends a message, by the end of the current task. */
  send(text: string): void {
    this.#connection.send(text);
  }

  /** Closes the connection; resolves when it has ended, within two seconds. */
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
