/**
 * The socket of the strict transport: a connection of our own on a TCP or TLS stream.
 *
 * @module
 */

import { type ByteStream, WebSocketConnection } from "../websocket/connection.ts";
import type { Socket, SocketEvents } from "./socket.ts";

/** Time for a peer to close, in milliseconds: longer than a drain waits, which reports those it cuts off. */
const CLOSE_TIMEOUT = 5000;

const EMPTY = new Uint8Array();

/** A socket of the strict transport. */
export class StrictSocket implements Socket {
  readonly #connection: WebSocketConnection;
  #events: SocketEvents | undefined;

  /** Resolves when the socket has ended. */
  readonly ended: Promise<void>;
  /** Bytes that came with the handshake. */
  #surplus: Uint8Array;

  /**
   * @param maxMessage longest message to accept, in bytes.
   * @param surplus bytes that came with the handshake.
   */
  constructor(stream: ByteStream, maxMessage: number, surplus: Uint8Array) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#surplus = surplus;
    const options = { role: "server", maxMessage, closeTimeout: CLOSE_TIMEOUT } as const;
    this.#connection = new WebSocketConnection(stream, options, {
      message: (frame) => this.#events?.onMessage(frame),
      tooLong: (head, size) => this.#events?.onTooLong(head, size),
      ended: () => {
        resolve();
        this.#events?.onEnd();
      },
    });
  }

  get unsent(): number {
    return this.#connection.unsent;
  }

  listen(events: SocketEvents): void {
    this.#events = events;
  }

  /** Opens the socket; resolves when it has ended. */
  run(): Promise<void> {
    this.#events?.onOpen();
    const surplus = this.#surplus;
    this.#surplus = EMPTY;
    return this.#connection.run(surplus);
  }

  send(text: string): void {
    this.#connection.send(text);
  }

  close(code: number, reason: string): void {
    this.#connection.close(code, reason);
  }

  /** See {@linkcode WebSocketConnection.checkAlive}. */
  checkAlive(): void {
    this.#connection.checkAlive();
  }

  /** Ends the socket at once. */
  abort(): void {
    this.#connection.abort();
  }
}
