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
  type ErrorFactory,
  RequestError,
  TimeoutError,
} from "./client/errors.ts";
import { AbortWatch } from "./client/abort_watch.ts";
import { type Backoff, jitter } from "./client/backoff.ts";
import { ReconnectingSocket, type SocketEvents } from "./client/reconnecting_socket.ts";
import { Outbox, type Posted } from "./client/outbox.ts";
import { PendingRequests } from "./client/pending.ts";
import { AnswerFrame, Reply } from "./client/reply.ts";
import { type Outcome, settleAll } from "./client/window.ts";
import {
  type Answer,
  decodeAnswers,
  encodeCancel,
  encodeRequest,
  errorAnswer,
  type ErrorDetails,
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

/** How long to wait before a request is sent again that the server had no room for. */
const RETRY: Backoff = { first: 50, most: 2000 };

/** What connecting can be told. */
export interface ConnectOptions {
  /** Gives up connecting; a connection that stands is left alone. */
  signal?: AbortSignal;
  /** How long each attempt to connect may take, in milliseconds. @default {10_000} */
  timeout?: number;
  /** The token that the server asks for. */
  token?: string;
  /** Authorities that are trusted as well, besides the well-known ones: certificates in PEM. */
  caCerts?: readonly string[];
  /**
   * For how long to keep trying to connect to a server that is not there yet, in milliseconds; Infinity is
   * allowed. The last attempt is made when that time is over. What would fail the same way again, such as
   * a wrong token, is not tried again. @default {0}, a single attempt
   */
  wait?: number;
  /**
   * Whether a connection that is lost is made again; a number says for how many milliseconds it is tried.
   * @default {true}
   */
  reconnect?: boolean | number;
  /**
   * Whether requests in flight are sent again once there is a connection again; otherwise they end with
   * `connection_lost`. A conversion has no side effect, so that to do it twice does no harm.
   * @default {true}
   */
  resend?: boolean;
  /**
   * Whether requests that are refused as `overloaded` or `shutting_down` are sent again, within their
   * timeout: the former after a while, the latter to the next connection. @default {true}
   */
  retry?: boolean;
  /** Told why there is no connection; the next attempt is made after `wait` milliseconds. */
  onDisconnect?: (error: ConnectionError, wait: number) => void;
  /** Told that there is a connection again. */
  onReconnect?: () => void;
  /** Told of answers to no request that waits: an error without an id, an id never sent. */
  onUnmatched?: (answer: Answer) => void;
  /** Told of frames that hold no answers. */
  onInvalidFrame?: (frame: unknown) => void;
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

/** What was done so that requests are answered all the same. */
export interface RetryStats {
  /** How often there was a connection again. */
  readonly reconnects: number;
  /** How many requests were sent again because a connection was lost. */
  readonly resent: number;
  /** How many refusals were not the last word. */
  readonly retried: number;
}

/** How a request ended, before it becomes a value or an error of its caller. */
type Ending = Reply | ErrorFactory;

/** A request that waits for its answer. */
interface Pending extends Posted {
  readonly data: string;
  /** When it was made, in milliseconds. */
  readonly sentAt: number;
  /** When it is given up, in milliseconds. */
  readonly deadline: number;
  readonly settle: (ending: Ending) => void;
  /** Whether it was sent and not refused: the server may be at work on it. */
  isOut: boolean;
  /** How often it was refused, and how the last time. */
  refusals: number;
  refusal: ErrorFactory | undefined;
}

/**
 * A connection to a server of packets. It offers `asyncpkt.v1`, in which answers come with their delay
 * and many packets share a frame, and does without where the server does not know it.
 *
 * A connection that is lost is made again, after a random wait of up to 0.5 s that doubles up to 30 s, and
 * what has no answer is sent again. What would fail the same way is not tried again: other statuses than
 * 5xx, TLS that does not agree, a close that blames the client.
 *
 * Every request settles exactly once: by its answer, its timeout, its signal, or the end of the client.
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
  readonly #options: ConnectOptions;
  readonly #socket: ReconnectingSocket;
  /** There is one while there is a connection. */
  #outbox: Outbox | undefined;
  /** The largest frame that packets may share, in bytes, as far as former connections have shown. */
  #frameLimit = Infinity;
  #protocol = "";
  readonly #pending: PendingRequests<Pending>;
  /** Those of the pending ones that were refused, until they are sent again. */
  readonly #refused: PendingRequests<{ readonly deadline: number }>;
  /** Ids that were given up, whose answers are still to come and of no interest. */
  readonly #givenUp = new Set<RequestId>();
  readonly #aborts = new AbortWatch((id, reason) => {
    const request = this.#pending.take(id);
    request?.settle(() => new AbortError(reason));
    if (request !== undefined) this.#giveUp(id, request);
  });
  readonly #retryStats = { reconnects: 0, resent: 0, retried: 0 };
  /** Why there is no connection at the moment. */
  #lost: ErrorFactory | undefined;
  /** Why no request can be made any more. */
  #ending: ErrorFactory | undefined;
  #closing: Promise<void> | undefined;
  #lastId = 0;

  private constructor(url: string | URL, options: ConnectOptions, timeout: number) {
    this.#options = options;
    this.#pending = new PendingRequests((id, request) => {
      const { settle, sentAt, deadline, refusal } = request;
      const before = this.#lost ?? refusal;
      settle(() => new TimeoutError(Math.round(deadline - sentAt), before?.()));
      this.#giveUp(id, request);
    });
    this.#refused = new PendingRequests((id) => this.#sendAgain(id));
    const events: SocketEvents = {
      onOpen: (socket) => this.#open(socket),
      onMessage: (data) => this.#receive(data),
      hasLearned: (code) => this.#hasLearned(code),
      onWait: (why, wait) => this.#options.onDisconnect?.(why() as ConnectionError, wait),
      onLost: (why, wait) => this.#lose(why, wait),
      onEnd: (why) => this.#end(why),
    };
    const { wait = 0, reconnect = true, token, caCerts } = options;
    this.#socket = new ReconnectingSocket(
      url,
      { timeout, wait, reconnect, token, caCerts },
      events,
    );
  }

  /**
   * Connects to a server. A server that is not there yet is waited for only if `wait` says so.
   *
   * @param url such as `ws://127.0.0.1:2707`.
   * @throws {ConnectionError} `connection_failed` if it cannot be reached or is no such server.
   * @throws {TimeoutError} if it does not answer in time.
   * @throws {AbortError} if the signal is aborted first.
   * @throws {SyntaxError} if the URL is not valid.
   * @throws {RangeError} if the token cannot be one.
   * @throws {RangeError} if a length of time is not positive.
   */
  static async connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
    const { signal, timeout = DEFAULT_TIMEOUT, wait = 0, reconnect } = options;
    checkTimeout(timeout);
    if (wait !== 0) checkTimeout(wait);
    if (typeof reconnect === "number") checkTimeout(reconnect);
    const client = new Client(url, options, timeout);
    await client.#socket.open(signal);
    return client;
  }

  /** How many requests wait for an answer. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** The subprotocol that was agreed on: `asyncpkt.v1`, or empty for plain mode. */
  get protocol(): string {
    return this.#protocol;
  }

  /** Resolves when the connection has ended for good, however it did. */
  get closed(): Promise<void> {
    return this.#socket.closed;
  }

  /** What was done so far about lost connections and refusals. */
  get retryStats(): RetryStats {
    return { ...this.#retryStats };
  }

  /**
   * Sends a request and waits for its response. The stack of an error points at the caller that awaits.
   *
   * @param data what is to be converted.
   * @throws {RequestError} if the server answers with an error, or would: the id cannot be one, or is in
   * flight.
   * @throws {TimeoutError} if it does not answer in time.
   * @throws {AbortError} if the signal is aborted first.
   * @throws {ConnectionError} if the connection has ended for good or does first.
   * @throws {RangeError} if the timeout is not positive.
   */
  async request(data: string, options: RequestOptions = {}): Promise<Reply> {
    const id = options.id === undefined ? this.#freeId() : options.id;
    // The error is made here, after the wait, where the engine knows who awaits.
    const ending = this.#refusal(id, options) ?? await this.#exchange(id, data, options);
    if (ending instanceof Reply) return ending;
    const error = ending();
    error.requestId = id;
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
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#end(() => new ConnectionError("closed", "the client was closed"));
    this.#outbox?.flush();
    this.#socket.close();
    await deadline(this.closed, CLOSE_TIMEOUT).catch(() => {});
  }

  /** {@linkcode Client.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Why a request cannot even be sent. */
  #refusal(id: RequestId, options: RequestOptions): ErrorFactory | undefined {
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
      const outbox = this.#outbox;
      const request: Pending = {
        data,
        sentAt,
        deadline: sentAt + timeout,
        settle,
        isOut: outbox !== undefined,
        refusals: 0,
        refusal: undefined,
        frameSize: 0,
      };
      this.#pending.add(id, request);
      outbox?.add(encodeRequest(id, data), request);
    });
  }

  #giveUp(id: RequestId, { isOut }: Pending): void {
    this.#refused.take(id);
    if (!isOut || this.#outbox === undefined) return; // the server knows nothing of it
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
    if (answers === undefined) return this.#options.onInvalidFrame?.(data);
    const now = performance.now();
    const frame = new AnswerFrame(data as string);
    for (let i = 0; i < answers.length; i++) this.#settle(answers[i]!, now, frame, i);
  }

  #settle(answer: Answer, now: number, frame: AnswerFrame, index: number): void {
    const id = answer.request_id;
    const request = id === null ? undefined : this.#pending.get(id);
    if (request?.isOut) this.#outbox!.accept(request);
    if (isError(answer) && this.#outbox!.repair(answer)) {
      this.#retryStats.retried++;
    } else if (!request?.isOut) {
      if (id === null || !this.#givenUp.delete(id)) this.#options.onUnmatched?.(answer);
    } else if (isError(answer)) {
      this.#refuse(id!, request, answer.error);
    } else {
      this.#pending.delete(id!);
      request.settle(new Reply(answer, now - request.sentAt, frame, index));
    }
  }

  #refuse(id: RequestId, request: Pending, { code, message }: ErrorDetails): void {
    const { reconnect = true, retry = true } = this.#options;
    const refusal = () => new RequestError(code, message);
    const goesElsewhere = code === "shutting_down" && reconnect !== false;
    if (!retry || !(code === "overloaded" || goesElsewhere)) {
      this.#pending.delete(id);
      return request.settle(refusal);
    }
    this.#retryStats.retried++;
    request.isOut = false;
    request.refusal = refusal;
    // What goes elsewhere waits for the next connection, which takes all that is pending.
    if (goesElsewhere) return;
    const wait = jitter(RETRY, request.refusals++);
    this.#refused.add(id, { deadline: performance.now() + wait });
  }

  #sendAgain(id: RequestId): void {
    const request = this.#pending.get(id)!;
    request.isOut = true;
    this.#outbox!.add(encodeRequest(id, request.data), request);
  }

  #open(socket: WebSocket): void {
    this.#protocol = socket.protocol;
    const batched = socket.protocol === SUBPROTOCOL;
    this.#outbox = new Outbox((frame) => socket.send(frame), batched, this.#frameLimit);
    if (this.#lost === undefined) return; // it is the first
    this.#lost = undefined;
    this.#retryStats.reconnects++;
    for (const [id, request] of this.#pending.entries()) {
      if (request.isOut) this.#retryStats.resent++;
      this.#sendAgain(id);
    }
    this.#options.onReconnect?.();
  }

  /**
   * A server that closes because of a frame that is too large, or of too many errors, did so because of
   * frames that need not be shared.
   */
  #hasLearned(code: number): boolean {
    const outbox = this.#outbox!;
    if (code === 1009) outbox.repair(errorAnswer(null, "packet_too_large"));
    return (code === 1008 || code === 1009) && outbox.limit < this.#frameLimit;
  }

  #lose(why: ErrorFactory, wait: number): void {
    const { resend = true, onDisconnect } = this.#options;
    this.#lost = why;
    if (this.#outbox !== undefined) this.#frameLimit = this.#outbox.limit;
    this.#outbox = undefined;
    this.#refused.takeAll();
    this.#givenUp.clear();
    if (!resend) {
      for (const [id, request] of [...this.#pending.entries()]) {
        if (request.isOut) this.#pending.take(id)!.settle(why);
      }
    }
    onDisconnect?.(why() as ConnectionError, wait);
  }

  /** The first reason that is given for the end counts. */
  #end(why: ErrorFactory): void {
    this.#ending ??= why;
    for (const { settle } of this.#pending.takeAll()) settle(this.#ending);
    this.#refused.takeAll();
    this.#givenUp.clear();
  }
}

function checkTimeout(timeout: number): void {
  if (timeout > 0) return;
  throw new RangeError(`Cannot wait for ${timeout} ms: want a positive number`);
}
