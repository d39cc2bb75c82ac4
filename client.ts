/**
 * The client: sends requests over one WebSocket, many at once, and waits for their answers.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import {
  AbortError,
  ClientError,
  type ClientErrorCode,
  ConnectionError,
  RequestError,
  TimeoutError,
} from "./client/errors.ts";
import { AbortWatch } from "./client/abort_watch.ts";
import { Outbox } from "./client/outbox.ts";
import { type Pending, PendingRequests } from "./client/pending.ts";
import { AnswerFrame, Reply } from "./client/reply.ts";
import { isCloseEvent, isErrorEvent } from "./client/socket_events.ts";
import { type Outcome, settleAll } from "./client/window.ts";
import {
  type Answer,
  decodeAnswers,
  encodeCancel,
  encodeRequest,
  ERRORS,
  isError,
  isRequestId,
  type RequestId,
  SUBPROTOCOL,
} from "./protocol.ts";

export { AbortError, ClientError, ConnectionError, Reply, RequestError, TimeoutError };
export type { ClientErrorCode, Outcome };

/** How long a request may take where nothing else is said, in milliseconds. */
const DEFAULT_TIMEOUT = 10_000;

/** How long a peer may take to close once this side has, in milliseconds. */
const CLOSE_TIMEOUT = 2000;

/** What connecting can be told. */
export interface ConnectOptions {
  /** Gives up connecting; a connection that stands is left alone. */
  signal?: AbortSignal;
  /** How long connecting may take, in milliseconds. @default {10_000} */
  timeout?: number;
  /** Told of answers to no request that waits: an error without an id, an id never sent. */
  onUnmatched?: (answer: Answer) => void;
  /** Told of frames that hold no answers. */
  onGarbage?: (frame: unknown) => void;
}

/** What a request can be told. */
export interface RequestOptions {
  /** Its id; one that is free is made up where none is given. */
  id?: RequestId;
  /** Gives the request up: the server is told so, and nobody waits any more. */
  signal?: AbortSignal;
  /** How long it may take, in milliseconds; Infinity is allowed. @default {10_000} */
  timeout?: number;
}

/** What many requests can be told. */
export interface RequestsOptions {
  /** How many are in flight at once, or have been answered and wait to be taken. @default {100} */
  window?: number;
  /** Whether outcomes come in the order of the requests, not as they arrive. @default {false} */
  ordered?: boolean;
  /** How long each may take, in milliseconds. @default {10_000} */
  timeout?: number;
  /** Gives up those in flight, and sends no more. */
  signal?: AbortSignal;
}

/** A request among many: its data, or data and an id. */
export type RequestInput = string | { data: string; id?: RequestId | undefined };

/** How a request ended, before it becomes a value or an error of its caller. */
type Ending = Reply | EndingInError;
type EndingInError = () => ClientError;

/**
 * A connection to a server of packets. It offers `asyncpkt.v1`, in which answers come with their delay
 * and many packets share a frame, and does without where the server does not know it.
 *
 * Every request settles exactly once: by its answer, its timeout, its signal, or the end of the
 * connection.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Client } from "@asyncpkt/asyncpkt/client";
 * import { serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0, delay: { min: 0.01, max: 0.02 } });
 * await using client = await Client.connect(server.url);
 *
 * const reply = await client.request("Hub&&name&&qwe&&id&&123&&");
 * assertEquals(reply.data, { Hub: { name: "qwe", id: "123" } });
 *
 * const names = [];
 * for await (const { reply } of client.requests(["a&&b&&c", "d&&e&&f"], { ordered: true })) {
 *   names.push(...Object.keys(reply!.data));
 * }
 * assertEquals(names, ["a", "d"]);
 * ```
 */
export class Client implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #options: ConnectOptions;
  readonly #outbox: Outbox;
  readonly #pending: PendingRequests<Ending>;
  /** Ids that were given up, whose answers are still to come and of no interest. */
  readonly #givenUp = new Set<RequestId>();
  readonly #aborts = new AbortWatch((id, reason) => {
    this.#pending.take(id)?.settle(() => new AbortError(reason));
    this.#giveUp(id);
  });
  readonly #closed = Promise.withResolvers<void>();
  /** Why no request can be made any more. */
  #ending: EndingInError | undefined;
  #lastId = 0;

  private constructor(socket: WebSocket, options: ConnectOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#outbox = new Outbox((frame) => socket.send(frame), socket.protocol === SUBPROTOCOL);
    this.#pending = new PendingRequests((id, { settle, sentAt, deadline }) => {
      settle(() => new TimeoutError(Math.round(deadline - sentAt)));
      this.#giveUp(id);
    });
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onerror = (event) => this.#end(lostBecause(event));
    socket.onclose = (event) => this.#end(lostBecause(event));
  }

  /**
   * Connects to a server.
   *
   * @param url such as `ws://127.0.0.1:2707`.
   * @throws {ConnectionError} `connection_failed` if it cannot be reached or is no such server.
   * @throws {TimeoutError} if it does not answer in time.
   * @throws {AbortError} if the signal is aborted first.
   * @throws {SyntaxError} if the URL is not valid.
   */
  static async connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
    const { signal, timeout = DEFAULT_TIMEOUT } = options;
    checkTimeout(timeout);
    if (signal?.aborted) throw new AbortError(signal.reason);
    const socket = new WebSocket(url, SUBPROTOCOL);
    const opened = Promise.withResolvers<Client>();
    // Made here and not after the wait, during which the first messages or a close would be missed.
    socket.onopen = () => opened.resolve(new Client(socket, options));
    const fail = (event: Event) => {
      const reason = isErrorEvent(event) && event.message || "the connection was closed";
      const message = `cannot connect to ${url}: ${reason}`;
      opened.reject(new ConnectionError("connection_failed", message, causeOf(event)));
    };
    socket.onerror = fail;
    socket.onclose = fail;
    const onAbort = () => opened.reject(new AbortError(signal?.reason));
    const onExpiry = () => opened.reject(new TimeoutError(timeout));
    // Not setTimeout, whose first use takes 4 ms, before the connection is even under way.
    const expiry = timeout < Infinity ? AbortSignal.timeout(Math.ceil(timeout)) : undefined;
    signal?.addEventListener("abort", onAbort);
    expiry?.addEventListener("abort", onExpiry);
    try {
      return await opened.promise;
    } catch (error) {
      socket.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      expiry?.removeEventListener("abort", onExpiry); // or the process would wait for it
    }
  }

  /** How many requests wait for an answer. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** The subprotocol that was agreed on: `asyncpkt.v1`, or empty for plain mode. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** Resolves when the connection has ended, however it did. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /**
   * Sends a request and waits for its response. The stack of an error points at the caller that awaits.
   *
   * @param data what is to be converted.
   * @throws {RequestError} if the server answers with an error, or would: the id cannot be one, or is in
   * flight.
   * @throws {TimeoutError} if it does not answer in time.
   * @throws {AbortError} if the signal is aborted first.
   * @throws {ConnectionError} if the connection has ended or ends first.
   * @throws {RangeError} if the timeout is not positive.
   */
  async request(data: string, options: RequestOptions = {}): Promise<Reply> {
    const id = options.id ?? this.#freeId();
    // The error is made here, after the wait, where the engine knows who awaits.
    const ending = this.#refusal(id, options) ?? await this.#exchange(id, data, options);
    if (ending instanceof Reply) return ending;
    const error = ending();
    error.request_id = id;
    throw error;
  }

  /**
   * Sends many requests, some at once, and gives their outcomes as they come. No outcome throws: it
   * carries its error. Leaving the loop gives up what is still in flight.
   *
   * @param source is read only as fast as requests are answered and outcomes taken.
   */
  requests(
    source: Iterable<RequestInput> | AsyncIterable<RequestInput>,
    options: RequestsOptions = {},
  ): AsyncGenerator<Outcome, void, void> {
    const { window = 100, ordered = false, timeout = DEFAULT_TIMEOUT } = options;
    checkTimeout(timeout);
    if (!Number.isSafeInteger(window) || window < 1) {
      throw new RangeError(`Cannot keep ${window} in flight: want a positive integer`);
    }
    const send = (input: RequestInput, signal: AbortSignal) => {
      const { data, id } = typeof input === "string" ? { data: input, id: undefined } : input;
      return this.request(data, id === undefined ? { timeout, signal } : { timeout, signal, id });
    };
    return settleAll(source, send, { window, ordered, signal: options.signal });
  }

  /**
   * Closes the connection; requests that still wait end with {@linkcode ConnectionError} `closed`.
   * Resolves when the peer has closed too, or has not within two seconds.
   */
  async close(): Promise<void> {
    this.#end(() => new ConnectionError("closed", "the client was closed"));
    this.#outbox.flush();
    this.#socket.close(1000);
    await deadline(this.#closed.promise, CLOSE_TIMEOUT).catch(() => {});
  }

  /** {@linkcode Client.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Why a request cannot even be sent. */
  #refusal(id: RequestId, options: RequestOptions): EndingInError | undefined {
    const { signal, timeout = DEFAULT_TIMEOUT } = options;
    checkTimeout(timeout);
    if (this.#ending !== undefined) return this.#ending;
    if (signal?.aborted) return () => new AbortError(signal.reason);
    if (!isRequestId(id)) {
      const message = `request_id is 1 to 256 UTF-16 units or an integer, not ${
        JSON.stringify(id)
      }`;
      return () => new RequestError("invalid_packet", message);
    }
    if (!this.#pending.has(id) && !this.#givenUp.has(id)) return undefined;
    return () => new RequestError("duplicate_request_id", ERRORS.duplicate_request_id);
  }

  #exchange(id: RequestId, data: string, options: RequestOptions): Promise<Ending> {
    const { signal, timeout = DEFAULT_TIMEOUT } = options;
    return new Promise((resolve) => {
      const sentAt = performance.now();
      const settle = signal === undefined ? resolve : (ending: Ending) => {
        this.#aborts.remove(signal, id);
        resolve(ending);
      };
      if (signal !== undefined) this.#aborts.add(signal, id);
      this.#pending.add(id, { sentAt, deadline: sentAt + timeout, settle });
      this.#outbox.add(encodeRequest(id, data));
    });
  }

  #giveUp(id: RequestId): void {
    this.#givenUp.add(id);
    this.#outbox.add(encodeCancel(id));
  }

  #freeId(): RequestId {
    let id: string;
    do id = String(++this.#lastId); while (this.#pending.has(id) || this.#givenUp.has(id));
    return id;
  }

  #receive(data: unknown): void {
    if (this.#ending !== undefined) return; // nobody waits for what comes while it closes
    const answers = typeof data === "string" ? decodeAnswers(data) : undefined;
    if (answers === undefined) return this.#options.onGarbage?.(data);
    const now = performance.now();
    const frame = new AnswerFrame(data as string);
    for (let i = 0; i < answers.length; i++) this.#settle(answers[i]!, now, frame, i);
  }

  #settle(answer: Answer, now: number, frame: AnswerFrame, index: number): void {
    const id = answer.request_id;
    const request: Pending<Ending> | undefined = id === null ? undefined : this.#pending.take(id);
    if (request === undefined) {
      if (id === null || !this.#givenUp.delete(id)) this.#options.onUnmatched?.(answer);
    } else if (isError(answer)) {
      const { code, message } = answer.error;
      request.settle(() => new RequestError(code, message));
    } else {
      request.settle(new Reply(answer, now - request.sentAt, frame, index));
    }
  }

  /** The first reason that is given for the end counts. */
  #end(ending: EndingInError): void {
    this.#ending ??= ending;
    for (const { settle } of this.#pending.takeAll()) settle(this.#ending);
    this.#givenUp.clear();
    if (this.#socket.readyState === WebSocket.CLOSED) this.#closed.resolve();
  }
}

function lostBecause(event: Event): EndingInError {
  let reason = "the connection broke";
  if (isErrorEvent(event) && event.message) reason += `: ${event.message}`;
  if (isCloseEvent(event) && event.code > 0) {
    reason = `the server closed the connection with ${event.code} ${event.reason}`.trimEnd();
  }
  return () => new ConnectionError("connection_lost", reason, causeOf(event));
}

function causeOf(event: Event): ErrorOptions {
  return isErrorEvent(event) && event.error ? { cause: event.error } : {};
}

function checkTimeout(timeout: number): void {
  if (timeout > 0) return;
  throw new RangeError(`Cannot wait for ${timeout} ms: want a positive number`);
}
