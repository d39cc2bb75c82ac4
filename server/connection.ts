/**
 * One WebSocket connection, from the upgrade to its end.
 *
 * @module
 */

import type { AsciiText, Frame } from "../protocol/wire.ts";
import type { Carrier } from "../session/context.ts";
import type { TransportFault } from "../session/faults.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import { guard, reportError, type ServerEvents } from "./events.ts";
import type { Driver } from "./driver.ts";
import type { Socket, SocketHandler } from "./socket.ts";
import { isFaulty, TRANSPORT_FAULTS } from "./transport_faults.ts";

/** Most bytes of a UTF-16 unit in a frame, and of the header of a frame. */
const MAX_BYTES = 3;
const MAX_HEADER = 14;

/** State that all connections of a server share. */
export interface ConnectionContext {
  readonly sessions: Sessions;
  readonly driver: Driver;
  readonly events: ServerEvents;
  /** Bytes that may wait for a peer to read them. */
  readonly maxBuffered: number;
}

/** A connection. Errors of the peer or of the server affect only the connection itself. */
export class ServerConnection implements Carrier, SocketHandler {
  readonly address: string;
  readonly ended: Promise<void>;

  readonly sendAscii: Carrier["sendAscii"];

  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #batched: boolean;
  readonly #end = Promise.withResolvers<void>();
  #session: Session | undefined;
  #isEvicted = false;
  /** Bytes that may be sent before asking the socket again how many bytes are unsent. */
  #room = 0;
  readonly #opened: () => void;

  /**
   * @param batched whether the peer speaks `asyncpkt.v1`.
   * @param onOpen called when it opens, which it may never do.
   */
  constructor(
    socket: Socket,
    address: string,
    batched: boolean,
    context: ConnectionContext,
    onOpen: () => void,
  ) {
    this.address = address;
    this.ended = this.#end.promise;
    this.#socket = socket;
    this.#context = context;
    this.#batched = batched;
    this.#opened = onOpen;
    if (socket.sendAscii !== undefined) this.sendAscii = this.#sendAscii;
    socket.listen(this);
  }

  /** Closes the connection after writing the frames that were sent. */
  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Sends a frame, unless the peer has left too much unread. */
  send(frame: string): void {
    try {
      if (this.#isFull(frame.length)) {
        // Later, as a session must not be closed while it sends.
        queueMicrotask(this.#evictSlowReader);
      } else {
        this.#socket.send(frame);
      }
    } catch (error) {
      queueMicrotask(() => this.#onError(error));
    }
  }

  /** Sends a binary frame, unless the peer has left too much unread. */
  sendBinary(frame: Uint8Array): void {
    if (this.#isFull(frame.length)) return queueMicrotask(this.#evictSlowReader);
    try {
      this.#socket.sendBinary(frame);
    } catch (error) {
      queueMicrotask(() => this.#onError(error));
    }
  }

  /** Sends a frame in the way of a fault, if the transport can; otherwise as usual. */
  sendFaulty(kind: TransportFault, frame: Frame, parameter = 0): void {
    const socket = this.#socket;
    if (!isFaulty(socket)) {
      return typeof frame === "string" ? this.send(frame) : this.sendBinary(frame);
    }
    if (this.#isFull(frame.length)) return queueMicrotask(this.#evictSlowReader);
    try {
      TRANSPORT_FAULTS[kind](socket, frame, parameter);
    } catch (error) {
      queueMicrotask(() => this.#onError(error));
    }
  }

  reset(): boolean {
    return this.#socket.reset?.() ?? false;
  }

  #sendAscii(bytes: Uint8Array, at: number, end: number): void {
    if (this.#isFull(end - at)) return queueMicrotask(this.#evictSlowReader);
    try {
      this.#socket.sendAscii!(bytes, at, end);
    } catch (error) {
      queueMicrotask(() => this.#onError(error));
    }
  }

  onOpen(): void {
    try {
      this.#opened();
      this.#session = this.#context.sessions.open(this, this.#batched);
    } catch (error) {
      this.#onError(error);
    }
  }

  onAscii(text: AsciiText): void {
    this.onMessage(text);
  }

  onMessage(frame: Frame | AsciiText): void {
    const session = this.#session;
    if (session === undefined) return;
    try {
      this.#context.driver.receive(session, frame);
      if (session.hasTooManyErrors) this.#evictAfterErrors(session);
    } catch (error) {
      this.#onError(error);
    }
  }

  onTooLong(head: Uint8Array, size: number): void {
    const session = this.#session;
    if (session === undefined) return;
    try {
      this.#context.driver.refuseTooLong(session, head, size);
      if (session.hasTooManyErrors) this.#evictAfterErrors(session);
    } catch (error) {
      this.#onError(error);
    }
  }

  onReadError(error: unknown): void {
    reportError(this.#context.events, error);
    this.#evict(1009, "The message could not be read");
  }

  onEnd(): void {
    guard(this.#context.events, () => {
      this.#end.resolve();
      if (this.#session !== undefined) this.#context.driver.close(this.#session);
    });
  }

  /**
   * Whether the peer has left too much unread. That cannot grow by more than what is sent, so the
   * socket, which may be slow to find out, is asked only when the answer can be yes.
   */
  #isFull(length: number): boolean {
    const most = MAX_BYTES * length + MAX_HEADER;
    if (this.#room < most) this.#room = this.#context.maxBuffered - this.#socket.unsent;
    if (this.#room < 0) return true;
    this.#room -= most;
    return false;
  }

  #evictSlowReader = (): void => {
    this.#evict(1013, `More than ${this.#context.maxBuffered} bytes of answers have not been read`);
  };

  #evictAfterErrors(session: Session): void {
    session.flush(); // sends the answer to each packet first
    const { maxConsecutiveErrors } = this.#context.sessions.limits;
    this.#evict(1008, `Too many wrong packets in a row: the limit is ${maxConsecutiveErrors}`);
  }

  /** Closes the connection, since the peer would wait for answers that may be lost. */
  #onError(error: unknown): void {
    reportError(this.#context.events, error);
    this.#evict(1011, "Internal server error");
  }

  /** Closes the connection without waiting for requests in flight. */
  #evict(code: number, reason: string): void {
    if (this.#isEvicted) return;
    this.#isEvicted = true;
    const { driver, events } = this.#context;
    const dropped = this.#session?.inFlight ?? 0;
    guard(events, () => this.#session && driver.close(this.#session));
    guard(events, () => this.close(code, reason));
    guard(events, () => events.evicted?.(this.address, code, reason, dropped));
  }
}
