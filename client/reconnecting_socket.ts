/**
 * Keeps a WebSocket open by reconnecting.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { isFinalFailure } from "./connect_failure.ts";
import { ClientError, ConnectionError, type ErrorFactory } from "./errors.ts";
import { connectSocket, type Loss, lossOf, type SocketOptions } from "./socket.ts";

/** Limits of waits, in milliseconds: `first` before the first attempt, doubling up to `most`. */
export interface Backoff {
  readonly first: number;
  readonly most: number;
}

const RECONNECT: Backoff = { first: 500, most: 30_000 };

/** Shorter waits for a first connection, since servers start within seconds. */
const FIRST_CONNECTION: Backoff = { first: 100, most: 1000 };

/** After a connection of this many milliseconds, the waits start from the shortest again. */
const STEADY = 10_000;

/** Options for {@linkcode ReconnectingSocket}. */
export interface ReconnectOptions extends Omit<SocketOptions, "signal"> {
  /** How long to retry the first connection, in milliseconds; 0 tries once. */
  wait: number;
  /** Whether to reconnect, or for how many milliseconds. */
  reconnect: boolean | number;
}

/** Events of a {@linkcode ReconnectingSocket}. */
export interface SocketEvents {
  /** A connection opened, the first or another. */
  onOpen(socket: WebSocket): void;
  onMessage(data: unknown): void;
  /** Returns whether to reconnect although the server closed the connection with a final code. */
  hasLearned(code: number): boolean;
  /** The first connection failed; the next attempt follows after `wait` milliseconds. */
  onWait(why: ErrorFactory, wait: number): void;
  /** There is no connection; the next attempt follows after `wait` milliseconds. */
  onLost(why: ErrorFactory, wait: number): void;
  /** There will be no connection any more. */
  onEnd(why: ErrorFactory): void;
}

/** One WebSocket at a time, and the attempts in between. */
export class ReconnectingSocket {
  readonly #url: string | URL;
  readonly #options: ReconnectOptions;
  readonly #events: SocketEvents;
  readonly #closing = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  #socket: WebSocket | undefined;
  #openedAt = 0;
  /** The number of attempts since the last steady connection. */
  #attempts = 0;

  constructor(url: string | URL, options: ReconnectOptions, events: SocketEvents) {
    this.#url = url;
    this.#options = options;
    this.#events = events;
  }

  /** Opens the first connection, or throws the error of the last attempt, which follows `wait`. */
  async open(signal: AbortSignal | undefined): Promise<void> {
    const { wait } = this.#options;
    const options = { url: this.#url, wait, signal };
    await retryFirstConnection(() => this.#connect(signal), options, this.#events.onWait);
  }

  /** Resolves when there will be no connection any more. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Closes the connection and stops all attempts. */
  close(): void {
    this.#closing.abort();
    this.#socket?.close(1000);
  }

  async #connect(signal: AbortSignal | undefined): Promise<void> {
    await connectSocket(this.#url, { ...this.#options, signal }, (socket) => this.#use(socket));
  }

  #use(socket: WebSocket): void {
    this.#socket = socket;
    this.#openedAt = performance.now();
    socket.onmessage = ({ data }) => {
      this.#attempts = 0;
      this.#events.onMessage(data);
    };
    // Either event may come without the other; the first counts.
    socket.onerror = socket.onclose = (event: Event) => {
      socket.onmessage = socket.onerror = socket.onclose = null;
      this.#socket = undefined;
      this.#lose(lossOf(event));
    };
    this.#events.onOpen(socket);
  }

  #lose({ why, code, isFinal }: Loss): void {
    const isOver = (isFinal && !this.#events.hasLearned(code)) ||
      this.#options.reconnect === false || this.#closing.signal.aborted;
    if (isOver) return this.#end(why);
    if (performance.now() - this.#openedAt > STEADY) this.#attempts = 0;
    void this.#reconnect(why);
  }

  async #reconnect(why: ErrorFactory): Promise<void> {
    const { reconnect } = this.#options;
    const { signal } = this.#closing;
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

/** Options for {@linkcode retryFirstConnection}. */
export interface FirstConnectionOptions {
  readonly url: string | URL;
  /** How long to retry, in milliseconds; 0 tries once. */
  readonly wait: number;
  /** Aborts the wait between two attempts, after which the next attempt should throw. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Opens a first connection.
 *
 * @param onWait called before each wait.
 * @throws the error of the last attempt, which follows `wait`.
 */
export async function retryFirstConnection<T>(
  connect: () => Promise<T>,
  { url, wait: patience, signal }: FirstConnectionOptions,
  onWait: SocketEvents["onWait"],
): Promise<T> {
  const end = performance.now() + patience;
  for (let attempt = 0;; attempt++) {
    try {
      return await connect();
    } catch (error) {
      const left = end - performance.now();
      // Other errors are mistakes of the caller, such as an invalid URL.
      const mayPass = error instanceof ClientError && !isFinalFailure(error);
      if (left <= 0 || signal?.aborted || !mayPass) throw error;
      const wait = Math.min(jitter(FIRST_CONNECTION, attempt), left);
      onWait(failureToConnect("connection_failed", error, url), wait);
      await delay(wait, signal && { signal }).catch(() => {});
    }
  }
}

function failureToConnect(
  code: "connection_failed" | "connection_lost",
  error: unknown,
  url: string | URL,
): ErrorFactory {
  const { message } = error as Error;
  const text = error instanceof ConnectionError ? message : `cannot connect to ${url}: ${message}`;
  const cause = error instanceof ClientError ? error.cause : error;
  return () => new ConnectionError(code, text, cause ? { cause } : {});
}

/**
 * Returns a wait with full jitter, in milliseconds: a random time up to a limit that doubles with
 * each attempt, from 0. Clients that were disconnected together do not reconnect together.
 */
export function jitter({ first, most }: Backoff, attempt: number, random = Math.random): number {
  return random() * Math.min(most, first * 2 ** attempt);
}
