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
import { Outbox, type Posted } from "./client/outbox.ts";
import { PendingRequests } from "./client/pending.ts";
import { type Backoff, jitter, ReconnectingSocket } from "./client/reconnecting_socket.ts";
import { AnswerFrame, Reply } from "./client/reply.ts";
import { type Outcome, settleAll } from "./client/window.ts";
import { ERRORS } from "./protocol/errors.ts";
import {
  type Answer,
  decodeAnswers,
  encodeCancel,
  encodeRequest,
  errorAnswer,
  type ErrorDetails,
  isError,
  isRequestId,
  MAX_ID_LENGTH,
  type RequestId,
  SUBPROTOCOL,
} from "./protocol/packet.ts";

export { AbortError, ClientError, ConnectionError, Reply, RequestError, TimeoutError };
export type { ClientErrorCode, Outcome };

/** The default timeout, in milliseconds. */
const DEFAULT_TIMEOUT = 10_000;

/** How long to wait for the server's side of a close, in milliseconds. */
const CLOSE_TIMEOUT = 2000;

/** Waits before a request is sent again that the server refused as `overloaded`. */
const RETRY: Backoff = { first: 50, most: 2000 };

/** Options for {@linkcode Client.connect}. */
export interface ConnectOptions {
  /** Aborts connecting; an open connection stays open. */
  signal?: AbortSignal;
  /** The timeout of each attempt to connect, in milliseconds. @default {10_000} */
  timeout?: number;
  /** The token that the server requires. */
  token?: string;
  /** Trusted authorities besides the well-known ones: certificates in PEM. Only for Deno. */
  caCerts?: readonly string[];
  /**
   * How long to retry the first connection, in milliseconds, or Infinity. Errors that would repeat,
   * such as a wrong token, are not retried. @default {0}, a single attempt
   */
  wait?: number;
  /** Whether to reconnect, or for how many milliseconds. @default {true} */
  reconnect?: boolean | number;
  /**
   * Whether to send unanswered requests again after reconnecting; otherwise, they fail with
   * `connection_lost`. A request has no side effect, so it may be sent twice. @default {true}
   */
  resend?: boolean;
  /**
   * Whether to send requests again, within their timeout, that the server refused as `overloaded`
   * (after a wait) or `shutting_down` (over the next connection). @default {true}
   */
  retry?: boolean;
  /** Called if there is no connection; the next attempt follows after `wait` milliseconds. */
  onDisconnect?: (error: ConnectionError, wait: number) => void;
  /** Called after reconnecting. */
  onReconnect?: () => void;
  /** Called with answers to no request in flight, such as an error without an id. */
  onUnmatched?: (answer: Answer) => void;
  /** Called with frames that hold no answers. */
  onInvalidFrame?: (frame: unknown) => void;
}

/** Options for {@linkcode Client.request}. */
export interface RequestOptions {
  /** The id. @default {a free one} */
  id?: RequestId | undefined;
  /** Cancels the request. */
  signal?: AbortSignal;
  /** The timeout, in milliseconds, or Infinity. @default {10_000} */
  timeout?: number;
}

/** Options for {@linkcode Client.requests}. */
export interface RequestsOptions {
  /** The most requests in flight, or settled and not yet taken. @default {100} */
  window?: number;
  /** Whether outcomes come in the order of the requests, not as they arrive. @default {false} */
  ordered?: boolean;
  /** The timeout of each request, in milliseconds, or Infinity. @default {10_000} */
  timeout?: number;
  /** Cancels the requests in flight, and sends no more. */
  signal?: AbortSignal;
}

/** A request among many: its data, or data and an id. */
export type RequestInput = string | { data: string; id?: RequestId | undefined };

/** Counts of reconnects and of requests sent again. */
export interface RetryStats {
  /** How often the client reconnected. */
  readonly reconnects: number;
  /** How many requests were sent again because the connection was lost. */
  readonly resent: number;
  /** How many requests were sent again because the server refused them. */
  readonly retried: number;
}

/** The end of a request. */
type Ending = Reply | ErrorFactory;

/** A request without an answer; times are in milliseconds. */
interface Pending extends Posted {
  readonly data: string;
  readonly sentAt: number;
  readonly deadline: number;
  readonly settle: (ending: Ending) => void;
  /** Whether it was sent and not refused, so that the server may be working on it. */
  isOut: boolean;
  /** How often the server was overloaded. */
  refusals: number;
  lastRefusal: ErrorFactory | undefined;
}

/**
 * A client of a server. It offers `asyncpkt.v1`, in which packets share frames and responses have
 * their delay, and uses plain mode if the server does not know it.
 *
 * If the connection is lost, the client reconnects after a random wait of up to 0.5 s, which
 * doubles up to 30 s, and sends unanswered requests again. It gives up on TLS errors, on statuses
 * below 500, and on closes that blame the client.
 *
 * Every request settles exactly once: by its answer, timeout or signal, or when the client closes.
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
  /** Undefined while there is no connection. */
  #outbox: Outbox | undefined;
  /** The largest frame that packets may share, in bytes, as learned from former connections. */
  #frameLimit = Infinity;
  #protocol = "";
  readonly #pending: PendingRequests<Pending>;
  /** Pending requests that wait to be sent again after the server was overloaded. */
  readonly #refused: PendingRequests<{ readonly deadline: number }>;
  /** Ids of cancelled requests whose answers are still to come. */
  readonly #cancelled = new Set<RequestId>();
  readonly #aborts = new AbortWatch((id, reason) => {
    const request = this.#pending.get(id)!;
    this.#pending.delete(id);
    request.settle(() => new AbortError(reason));
    this.#cancel(id, request);
  });
  readonly #retryStats = { reconnects: 0, resent: 0, retried: 0 };
  /** The reason why there is no connection, while the client reconnects. */
  #lost: ErrorFactory | undefined;
  /** The reason why there will be no connection any more. */
  #ending: ErrorFactory | undefined;
  #lastId = 0;

  private constructor(url: string | URL, options: ConnectOptions, timeout: number) {
    this.#options = options;
    this.#pending = new PendingRequests((id, request) => {
      const { settle, sentAt, deadline, lastRefusal } = request;
      const before = this.#lost ?? lastRefusal;
      settle(() => new TimeoutError(Math.round(deadline - sentAt), before?.()));
      this.#cancel(id, request);
    });
    this.#refused = new PendingRequests((id) => this.#sendAgain(id));
    const { wait = 0, reconnect = true, token, caCerts } = options;
    this.#socket = new ReconnectingSocket(url, { timeout, wait, reconnect, token, caCerts }, {
      onOpen: (socket) => this.#open(socket),
      onMessage: (data) => this.#receive(data),
      hasLearned: (code) => this.#hasLearned(code),
      onWait: (why, wait) => options.onDisconnect?.(why() as ConnectionError, wait),
      onLost: (why, wait) => this.#lose(why, wait),
      onEnd: (why) => this.#end(why),
    });
  }

  /**
   * Connects to a server.
   *
   * @param url such as `ws://127.0.0.1:2707`.
   * @throws {ConnectionError} `connection_failed` if the server refuses or cannot be reached.
   * @throws {TimeoutError} if the server does not answer in time.
   * @throws {AbortError} if the signal is aborted first.
   * @throws {SyntaxError} if the URL is invalid.
   * @throws {RangeError} if the token is invalid, or a time is not positive.
   */
  static async connect(url: string | URL, options: ConnectOptions = {}): Promise<Client> {
    const { signal, timeout = DEFAULT_TIMEOUT, wait = 0, reconnect } = options;
    checkTime("timeout", timeout);
    if (wait !== 0) checkTime("wait", wait);
    if (typeof reconnect === "number") checkTime("reconnect", reconnect);
    const client = new Client(url, options, timeout);
    await client.#socket.open(signal);
    return client;
  }

  /** The number of requests that wait for an answer. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** The subprotocol in use: `asyncpkt.v1`, or empty in plain mode. */
  get protocol(): string {
    return this.#protocol;
  }

  /** Resolves when the client has closed, or will not reconnect. */
  get closed(): Promise<void> {
    return this.#socket.closed;
  }

  /** Counts of reconnects and of requests sent again, so far. */
  get retryStats(): RetryStats {
    return { ...this.#retryStats };
  }

  /**
   * Sends a request and waits for its response. The stack of an error points at the caller.
   *
   * @param data the text to convert.
   * @throws {RequestError} if the server answers with an error, or the id is invalid or in flight.
   * @throws {TimeoutError} if the server does not answer in time.
   * @throws {AbortError} if the signal is aborted first.
   * @throws {ConnectionError} if the client is closed, or will not reconnect.
   * @throws {RangeError} if the timeout is not positive.
   */
  async request(data: string, options: RequestOptions = {}): Promise<Reply> {
    const { id = this.#freeId() } = options;
    // The error is created after the wait, where the engine knows the caller.
    const ending = this.#refusal(id, options) ?? await this.#exchange(id, data, options);
    if (ending instanceof Reply) return ending;
    const error = ending();
    error.requestId = id;
    throw error;
  }

  /**
   * Sends many requests, a window of them at once, and yields their outcomes. An outcome carries
   * its error instead of throwing it. Leaving the loop cancels the requests in flight.
   *
   * @param source the requests, read only as fast as outcomes are taken.
   * @throws {RangeError} if the timeout or the window is not positive.
   */
  requests(
    source: Iterable<RequestInput> | AsyncIterable<RequestInput>,
    options: RequestsOptions = {},
  ): AsyncGenerator<Outcome, void, void> {
    const { window = 100, ordered = false, timeout = DEFAULT_TIMEOUT } = options;
    checkTime("timeout", timeout);
    if (!Number.isSafeInteger(window) || window < 1) {
      throw new RangeError(`window: expected a positive integer, got ${window}`);
    }
    const send = (input: RequestInput, signal: AbortSignal) => {
      const { data, id } = typeof input === "string" ? { data: input, id: undefined } : input;
      return this.request(data, { id, timeout, signal });
    };
    return settleAll(source, send, { window, ordered, signal: options.signal });
  }

  /**
   * Closes the connection. Unanswered requests fail with {@linkcode ConnectionError} `closed`.
   * Resolves when the server has closed its side, or after two seconds.
   */
  async close(): Promise<void> {
    this.#end(() => new ConnectionError("closed", "the client was closed"));
    this.#outbox?.flush();
    this.#socket.close();
    await deadline(this.closed, CLOSE_TIMEOUT).catch(() => {});
  }

  /** Calls {@linkcode Client.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Returns the reason why a request cannot be sent, if any. */
  #refusal(id: RequestId, options: RequestOptions): ErrorFactory | undefined {
    const { signal, timeout = DEFAULT_TIMEOUT } = options;
    checkTime("timeout", timeout);
    if (this.#ending !== undefined) return this.#ending;
    if (signal?.aborted) return () => new AbortError(signal.reason);
    if (!isRequestId(id)) {
      const message =
        `id: expected a string of 1 to ${MAX_ID_LENGTH} UTF-16 units or an integer, ` +
        `got ${JSON.stringify(id)}`;
      return () => new RequestError("invalid_packet", message);
    }
    if (!this.#isInUse(id)) return undefined;
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
        lastRefusal: undefined,
        frameSize: 0,
      };
      this.#pending.set(id, request);
      outbox?.add(encodeRequest(id, data), request);
    });
  }

  #cancel(id: RequestId, { isOut }: Pending): void {
    this.#refused.delete(id);
    if (!isOut || this.#outbox === undefined) return; // the server does not have the request
    this.#cancelled.add(id);
    this.#outbox.add(encodeCancel(id));
  }

  #isInUse(id: RequestId): boolean {
    return this.#pending.has(id) || this.#cancelled.has(id);
  }

  #freeId(): RequestId {
    let id: string;
    do id = String(++this.#lastId); while (this.#isInUse(id));
    return id;
  }

  #receive(data: unknown): void {
    if (this.#ending !== undefined) return;
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
      if (id === null || !this.#cancelled.delete(id)) this.#options.onUnmatched?.(answer);
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
    request.lastRefusal = refusal;
    if (goesElsewhere) return; // the next connection sends all pending requests
    const wait = jitter(RETRY, request.refusals++);
    this.#refused.set(id, { deadline: performance.now() + wait });
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
    if (this.#lost === undefined) return; // the first connection
    this.#lost = undefined;
    this.#retryStats.reconnects++;
    for (const [id, request] of this.#pending) {
      if (request.isOut) this.#retryStats.resent++;
      this.#sendAgain(id);
    }
    this.#options.onReconnect?.();
  }

  /**
   * A server that closes because of a large frame, or of too many errors about large frames,
   * accepts the same packets in shorter frames.
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
    this.#refused.clear();
    this.#cancelled.clear();
    if (!resend) {
      for (const [id, { isOut, settle }] of this.#pending) {
        if (!isOut) continue;
        this.#pending.delete(id);
        settle(why);
      }
    }
    onDisconnect?.(why() as ConnectionError, wait);
  }

  /** Ends all requests. Only the first call sets the reason. */
  #end(why: ErrorFactory): void {
    this.#ending ??= why;
    for (const { settle } of this.#pending.values()) settle(this.#ending);
    this.#pending.clear();
    this.#refused.clear();
    this.#cancelled.clear();
  }
}

function checkTime(option: string, milliseconds: number): void {
  if (milliseconds > 0) return;
  throw new RangeError(
    `${option}: expected a positive number of milliseconds, got ${milliseconds}`,
  );
}
