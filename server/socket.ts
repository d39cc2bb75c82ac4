/**
 * The seam between a connection and the transport that carries its WebSocket.
 *
 * @module
 */

import type { AsciiText } from "../protocol/wire.ts";

/** A WebSocket, whichever transport carries it. */
export interface Socket {
  /** Bytes that the peer has not read. Finding out may be slow. */
  readonly unsent: number;
  /** Sets the handler of its events. Call it once, before the socket opens. */
  listen(handler: SocketHandler): void;
  /** Sends a text frame, unless the socket is closing. */
  send(text: string): void;
  /** Sends `bytes[at .. end]`, which are ASCII, as a text frame, if the transport can. */
  sendAscii?(bytes: Uint8Array, at: number, end: number): void;
  /** Sends a binary frame, unless the socket is closing. */
  sendBinary(bytes: Uint8Array): void;
  /** Closes the socket after sending all frames; the transport may have a deadline. */
  close(code: number, reason: string): void;
  /** Resets the TCP connection at once; returns whether the transport can. */
  reset?(): boolean;
}

/** Handles the events of a {@linkcode Socket}. */
export interface SocketHandler {
  onOpen(): void;
  /** A message was received. Bytes are only valid during the call. */
  onMessage(frame: string | Uint8Array): void;
  /** A text message in ASCII was received, if the transport has its bytes. It is only valid during the call. */
  onAscii?(text: AsciiText): void;
  /** A message is longer than the limit. Of its `size` bytes or more, `head` are the first. */
  onTooLong(head: Uint8Array, size: number): void;
  /** The transport could not read a message. */
  onReadError(error: unknown): void;
  /** The socket has ended, or will never open. May be called more than once. */
  onEnd(): void;
}

/** The WebSocket of an upgraded request, and the response to the request. */
export interface Upgraded {
  readonly socket: Socket;
  readonly response: Response;
}

/**
 * Upgrades a request to a WebSocket, with this subprotocol and these response headers.
 *
 * @throws {TypeError} if the request does not ask for an upgrade.
 */
export type Upgrade = (
  protocol: string | undefined,
  headers: Record<string, string>,
) => Upgraded;

/** The connection of a request. */
export interface RequestInfo {
  readonly remoteAddr: { readonly hostname: string };
  /** Resolves when the response has been written, or rejects if it could not be. */
  readonly completed: Promise<void>;
}

/**
 * Answers a request. Without `upgrade`, the request cannot be upgraded. Only the response that
 * `upgrade` returns may have the status 101.
 */
export type RequestHandler = (
  request: Request,
  info: RequestInfo,
  upgrade: Upgrade | undefined,
) => Response | Promise<Response>;
