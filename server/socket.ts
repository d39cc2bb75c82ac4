/**
 * The seam between a connection and the transport that carries its WebSocket.
 *
 * @module
 */

/** A WebSocket, whichever transport carries it. */
export interface Socket {
  /** Bytes that wait for the peer to read them. It may take long to find out. */
  readonly unsent: number;
  /** Reports what happens from now on. Call it once, before the socket opens. */
  listen(events: SocketEvents): void;
  /** Sends a text frame, unless the socket is closing. */
  send(text: string): void;
  /** Closes the socket after what has been sent, within a deadline if the transport has one. */
  close(code: number, reason: string): void;
}

/** Events of a {@linkcode Socket}. */
export interface SocketEvents {
  /** The handshake is over. */
  onOpen(): void;
  /** A message came. Bytes are only valid during the call. */
  onMessage(frame: string | Uint8Array): void;
  /**
   * A message is longer than the limit: its first bytes, and how many have been announced so far.
   */
  onTooLong(head: Uint8Array, size: number): void;
  /** The transport could not read a message. */
  onReadError(error: unknown): void;
  /** The socket has ended, or will never open. May be called more than once. */
  onEnd(): void;
}

/** A request that has become a WebSocket, and the response to it. */
export interface Upgraded {
  readonly socket: Socket;
  readonly response: Response;
}

/**
 * Turns the request at hand into a WebSocket, with this subprotocol and these headers in the
 * response.
 *
 * @throws {TypeError} if the request does not ask for one.
 */
export type Upgrade = (
  protocol: string | undefined,
  headers: Record<string, string>,
) => Upgraded;

/** What a handler learns about the connection of a request. */
export interface RequestInfo {
  readonly remoteAddr: { readonly hostname: string };
  /** Resolves when the response has been written, or rejects if it could not be. */
  readonly completed: Promise<void>;
}

/**
 * Answers a request. Without `upgrade`, the request cannot become a WebSocket. A response to an
 * upgrade must be the one that `upgrade` returns, or its status must not be 101.
 */
export type Handler = (
  request: Request,
  info: RequestInfo,
  upgrade: Upgrade | undefined,
) => Response | Promise<Response>;
