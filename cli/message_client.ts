/**
 * A client of protocols other than packets: it sends requests as they are, each once, over one
 * connection.
 *
 * @module
 */

import type { Outcome, Reply, RetryStats } from "../client.ts";
import { AbortWatch } from "../client/abort_watch.ts";
import {
  AbortError,
  type ClientErrorCode,
  ConnectionError,
  type ErrorFactory,
  TimeoutError,
} from "../client/errors.ts";
import { PendingRequests } from "../client/pending.ts";
import { retryFirstConnection } from "../client/reconnecting_socket.ts";
import { settleAll, type WindowOptions } from "../client/window.ts";
import { connectAll, type HandshakeOptions, type OpenedSocket } from "../load/connect.ts";
import { splitTopLevel } from "../protocol/json_text.ts";
import type { MessageClientWire } from "../protocol/message_client_wire.ts";
import type { RequestId } from "../protocol/packet.ts";
import type { Frame } from "../protocol/wire.ts";
import type { WebSocketConnection } from "../websocket/connection.ts";

/** Status code of a connection that ended without one. */
const ABNORMAL = 1006;

/** An answer as it is reported. */
export interface Answered extends Pick<Reply, "requestId" | "latency" | "json"> {
  /** The code of the error, if it is one. */
  readonly error?: ClientErrorCode | undefined;
}

/** A request: its id, and the frame that holds it. */
export type MessageRequest = ReturnType<MessageClientWire["request"]>;

/** Options for {@linkcode MessageClient.connect}. All times are in milliseconds. */
export interface MessageClientOptions extends HandshakeOptions {
  readonly wire: MessageClientWire;
  /** The timeout of each attempt to connect. */
  readonly timeout: number;
  /** How long to retry the first connection; 0 tries once. */
  readonly wait: number;
  readonly signal: AbortSignal;
  /** Called if there is no connection; the next attempt follows after `wait` milliseconds. */
  readonly onDisconnect: (error: ConnectionError, wait: number) => void;
  /** Called with an answer to no request in flight. */
  readonly onUnmatched: (answer: string) => void;
  /** Called with a frame that holds no answers. */
  readonly onInvalidFrame: (frame: string) => void;
}

interface Pending {
  readonly id: RequestId;
  readonly sentAt: number;
  readonly deadline: number;
  readonly settle: (ending: Answered | ErrorFactory) => void;
}

/** Sends requests, and matches answers by their ids. */
export class MessageClient implements AsyncDisposable {
  /** It never sends anything again. */
  readonly retryStats: RetryStats = { reconnects: 0, resent: 0, retried: 0 };
  /** Resolves when the connection has ended. */
  readonly closed: Promise<void>;
  readonly #options: MessageClientOptions;
  readonly #connection: WebSocketConnection;
  readonly #pending = new PendingRequests<Pending>((_, { settle, sentAt, deadline }) =>
    settle(() => new TimeoutError(Math.round(deadline - sentAt)))
  );
  /** The keys of pending requests by their ids: several may have the same. */
  readonly #keys = new Map<RequestId, number[]>();
  readonly #aborts = new AbortWatch((key, reason) =>
    this.#pending.get(key)!.settle(() => new AbortError(reason))
  );
  #ending: ErrorFactory | undefined;
  #lastKey = 0;

  private constructor({ connection, surplus }: OpenedSocket, options: MessageClientOptions) {
    this.#options = options;
    this.#connection = connection;
    connection.listen({
      onMessage: (message) => this.#receive(message),
      onEnd: (code, reason) => {
        const text = code === ABNORMAL
          ? "the connection broke"
          : `the connection was closed with ${code} ${reason}`.trimEnd();
        this.#end(() => new ConnectionError("connection_lost", text));
      },
    });
    this.closed = connection.run(surplus);
  }

  /**
   * Connects to a server.
   *
   * @throws {ClientError} if that fails.
   */
  static async connect(url: string, options: MessageClientOptions): Promise<MessageClient> {
    const attempt = () => connectAll({ ...options, url: new URL(url), connections: 1 });
    const { wait, signal, onDisconnect } = options;
    const [socket] = await retryFirstConnection(
      attempt,
      { url, wait, signal },
      (why, wait) => onDisconnect(why() as ConnectionError, wait),
    );
    return new MessageClient(socket!, options);
  }

  /** The number of requests that wait for an answer. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** Sends requests, a window of them at once, and yields their outcomes. */
  requests(
    source: AsyncIterable<MessageRequest>,
    { timeout, ...options }: WindowOptions & { readonly timeout: number },
  ): AsyncGenerator<Outcome<Answered>, void, void> {
    const send = (request: MessageRequest, signal: AbortSignal) =>
      this.#send(request, timeout, signal);
    return settleAll(source, send, options);
  }

  /** Closes the connection. */
  async close(): Promise<void> {
    this.#end(() => new ConnectionError("closed", "the client was closed"));
    this.#connection.close(1000);
    await this.closed;
  }

  /** Calls {@linkcode MessageClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(
    { id, frame }: MessageRequest,
    timeout: number,
    signal: AbortSignal,
  ): Promise<Answered> {
    const ending = this.#ending ?? await new Promise<Answered | ErrorFactory>((resolve) => {
      const key = ++this.#lastKey;
      const settle = (ending: Answered | ErrorFactory) => {
        this.#pending.delete(key);
        this.#forget(id, key);
        this.#aborts.remove(signal, key);
        resolve(ending);
      };
      const sentAt = performance.now();
      this.#pending.set(key, { id, sentAt, deadline: sentAt + timeout, settle });
      this.#keys.set(id, [...this.#keys.get(id) ?? [], key]);
      this.#aborts.add(signal, key);
      this.#connection.send(frame);
    });
    if (typeof ending !== "function") return ending;
    const error = ending();
    error.requestId = id;
    throw error;
  }

  #forget(id: RequestId, key: number): void {
    const others = this.#keys.get(id)!.filter((each) => each !== key);
    if (others.length > 0) this.#keys.set(id, others);
    else this.#keys.delete(id);
  }

  #receive(frame: Frame): void {
    const now = performance.now();
    const text = typeof frame === "string" ? frame : new TextDecoder().decode(frame);
    const answers: { id: RequestId | null; error: string | undefined }[] = [];
    const isAnswer = this.#options.wire.read(frame, (id, error) => answers.push({ id, error }));
    if (!isAnswer) return this.#options.onInvalidFrame(text);
    const texts = answers.length > 1 ? splitTopLevel(text.trim()) : [text];
    for (const [i, { id, error }] of answers.entries()) {
      const [key] = id === null ? [] : this.#keys.get(id) ?? [];
      if (key === undefined) {
        this.#options.onUnmatched(texts[i]!);
        continue;
      }
      const { sentAt, settle } = this.#pending.get(key)!;
      // Line breaks in JSON stand between its parts only.
      const json = texts[i]!.replace(/[\r\n]+/g, " ");
      const answer = { requestId: id!, latency: now - sentAt, json };
      settle(error === undefined ? answer : { ...answer, error: error as ClientErrorCode });
    }
  }

  /** Ends all requests. Only the first call sets the reason. */
  #end(why: ErrorFactory): void {
    this.#ending ??= why;
    for (const { settle } of this.#pending.values()) settle(this.#ending);
    this.#pending.clear(); // stops its timer
  }
}
