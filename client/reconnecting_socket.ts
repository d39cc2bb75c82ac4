/**
 * A connection that is made again when it is lost: one socket after another.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { type Backoff, jitter } from "./backoff.ts";
import { isFinalFailure } from "./connect_failure.ts";
import { ClientError, ConnectionError, type ErrorFactory } from "./errors.ts";
import { type Loss, lossOf } from "./loss.ts";
import { connectSocket, type SocketOptions } from "./socket.ts";

/** How long to wait before connecting again. */
const RECONNECT: Backoff = { first: 500, most: 30_000 };

/** How long to wait before the next attempt of a first connection: servers start within seconds. */
const FIRST_CONNECTION: Backoff = { first: 100, most: 1000 };

/** A connection that stood for so long, in milliseconds, was a good one: the next wait is short again. */
const STEADY = 10_000;

/** What a connection is told. */
export interface ReconnectOptions extends Omit<SocketOptions, "signal"> {
  /** For how long a first connection is tried, in milliseconds; 0 tries once. */
  wait: number;
  /** Whether it is made again; a number says for how long it is tried, in milliseconds. */
  reconnect: boolean | number;
}

/** Who is told of what happens to a connection. */
export interface SocketEvents {
  /** It stands, for the first time or again. */
  onOpen(socket: WebSocket): void;
  onMessage(data: unknown): void;
  /** Whether another connection would do better, although its end with `code` says that it would not. */
  hasLearned(code: number): boolean;
  /** It has never stood so far; after `wait` milliseconds the next attempt is made. */
  onWait(why: ErrorFactory, wait: number): void;
  /** It does not stand; after `wait` milliseconds the next attempt is made. */
  onLost(why: ErrorFactory, wait: number): void;
  /** It has ended for good. */
  onEnd(why: ErrorFactory): void;
}

/** One socket at a time, and the attempts between two. */
export class ReconnectingSocket {
  readonly #url: string | URL;
  readonly #options: ReconnectOptions;
  readonly #events: SocketEvents;
  /** Aborted by `close()`. */
  readonly #abort = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  /** The socket that is open, or is closing. */
  #socket: WebSocket | undefined;
  #openedAt = 0;
  /** How many attempts were made since the last good connection. */
  #attempts = 0;

  constructor(url: string | URL, options: ReconnectOptions, events: SocketEvents) {
    this.#url = url;
    this.#options = options;
    this.#events = events;
  }

  /** Connects for the first time. After `wait`, the last attempt is made; its error is thrown. */
  async open(signal: AbortSignal | undefined): Promise<void> {
    const end = performance.now() + this.#options.wait;
    for (let attempt = 0;; attempt++) {
      try {
        return await this.#connect(signal);
      } catch (error) {
        const left = end - performance.now();
        // Any other error is the caller's own, such as a URL that is not valid.
        const mayPass = error instanceof ClientError && !isFinalFailure(error);
        if (left <= 0 || signal?.aborted || !mayPass) throw error;
        const wait = Math.min(jitter(FIRST_CONNECTION, attempt), left);
        this.#events.onWait(failureToConnect("connection_failed", error, this.#url), wait);
        // If it is aborted, the next attempt says so.
        await delay(wait, signal && { signal }).catch(() => {});
      }
    }
  }

  /** Resolves when it has ended for good, however it did. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Closes it, and ends all attempts. */
  close(): void {
    this.#abort.abort();
    this.#socket?.close(1000);
  }

  async #connect(signal: AbortSignal | undefined): Promise<void> {
    await connectSocket(this.#url, { ...this.#options, signal }, (socket) => this.#take(socket));
  }

  #take(socket: WebSocket): void {
    this.#socket = socket;
    this.#openedAt = performance.now();
    socket.onmessage = ({ data }) => {
      this.#attempts = 0;
      this.#events.onMessage(data);
    };
    // The first of them counts: either may come without the other.
    socket.onerror = socket.onclose = (event: Event) => {
      socket.onmessage = socket.onerror = socket.onclose = null;
      this.#socket = undefined;
      this.#lose(lossOf(event));
    };
    this.#events.onOpen(socket);
  }

  #lose({ why, code, isFinal }: Loss): void {
    const isOver = (isFinal && !this.#events.hasLearned(code)) ||
      this.#options.reconnect === false || this.#abort.signal.aborted;
    if (isOver) return this.#end(why);
    if (performance.now() - this.#openedAt > STEADY) this.#attempts = 0;
    void this.#reconnect(why);
  }

  async #reconnect(why: ErrorFactory): Promise<void> {
    const { reconnect } = this.#options;
    const { signal } = this.#abort;
    const end = performance.now() + (reconnect === true ? Infinity : Number(reconnect));
    while (true) {
      const left = end - performance.now();
      if (left <= 0) return this.#end(why);
      const wait = Math.min(jitter(RECONNECT, this.#attempts++), left);
      this.#events.onLost(why, wait);
      try {
        await delay(wait, { signal });
        return await this.#connect(signal);
      } catch (error) {
        why = failureToConnect("connection_lost", error, this.#url);
        if (signal.aborted || isFinalFailure(error)) return this.#end(why);
      }
    }
  }

  #end(why: ErrorFactory): void {
    this.#events.onEnd(why);
    this.#closed.resolve();
  }
}

/** Each request gets an error of its own, whose stack names who awaits it. */
function failureToConnect(
  code: "connection_failed" | "connection_lost",
  error: unknown,
  url: string | URL,
): ErrorFactory {
  const { message } = error as Error;
  const reason = error instanceof ConnectionError
    ? message
    : `cannot connect to ${url}: ${message}`;
  const cause = error instanceof ClientError ? error.cause : error;
  return () => new ConnectionError(code, reason, cause ? { cause } : {});
}
