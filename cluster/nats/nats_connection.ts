/**
 * The connection of a gateway or a worker to NATS, and the queue of requests in JetStream.
 *
 * @module
 */

import {
  AckPolicy,
  type ConsumerInfo,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import {
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
} from "@nats-io/nats-core";
import { deadline } from "@std/async/deadline";
import { hostOf, showServers } from "./server_urls.ts";
import { connect } from "./transport.ts";

/** Consumer that all workers share. */
const WORKERS = "workers";

/** How long the queue recognizes a request that is published again, in milliseconds. */
export const DUPLICATE_WINDOW = 60_000;

/** How long a graceful close may take, in milliseconds. */
const CLOSE_TIMEOUT = 2000;

const NANOSECONDS = 1e6;
const HOUR = 3_600_000;

/** Options of a connection to NATS. */
export interface NatsOptions {
  /** Servers, such as `nats://host:4222`, `tls://host` or `nats://user:password@host`. */
  servers: readonly string[];
  /** Content of a credentials file. */
  creds?: string;
  /** Certificate authority to trust for TLS, as PEM. */
  ca?: string;
  /** Separates deployments on the same NATS. @default {"asyncpkt"} */
  prefix?: string;
  /** Limit of requests in the queue. @default {1_000_000, or the present limit} */
  queue?: number;
  /**
   * Time after which another worker gets an unanswered request, in milliseconds. After this long,
   * requests go on that the end of a worker or of NATS has interrupted.
   *
   * @default {2000, or the present time if the queue exists}
   */
  ackWait?: number;
  /** Called when the connection is lost, and when it is back. */
  onStatus?: (isConnected: boolean) => void;
  /** Called with errors that belong to no request. */
  onFault?: (error: unknown) => void;
}

/** An error in connecting to NATS. The message gives the reason in one line, without credentials. */
export class NatsConnectionError extends Error {
  override name = "NatsConnectionError";
}

/** A connection to NATS, and the queue of requests there. */
export class QueueConnection {
  /** Whether there is a connection now. */
  isConnected = true;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  /** Name of the stream that is the queue. */
  readonly stream: string;
  /** Consumer that all workers share. */
  readonly consumer: ConsumerInfo;
  readonly #options: NatsOptions;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    consumer: ConsumerInfo,
    options: NatsOptions,
  ) {
    this.connection = connection;
    this.manager = manager;
    this.stream = consumer.stream_name;
    this.consumer = consumer;
    this.#options = options;
    void this.#watch();
  }

  /**
   * Connects, and creates the queue if there is none.
   *
   * @throws {NatsConnectionError} if either fails.
   */
  static async open(options: NatsOptions): Promise<QueueConnection> {
    let connection: NatsConnection | undefined;
    const openQueue = async (connection: NatsConnection) => {
      const manager = await jetstreamManager(connection);
      const consumer = await ensureQueue(manager, options);
      return new QueueConnection(connection, manager, consumer, options);
    };
    try {
      const connected = connection = await connect(connectOptions(options));
      return await openQueue(connected).catch((error) => {
        // JetStream may drop requests while it starts.
        if (error.name === "TimeoutError") return openQueue(connected);
        throw error;
      });
    } catch (error) {
      await connection?.close();
      const message = `cannot use NATS at ${showServers(options.servers)}: ${reasonOf(error)}`;
      throw new NatsConnectionError(message, { cause: error });
    }
  }

  /** Subject of requests. */
  get requests(): string {
    return `${this.stream}.requests`;
  }

  /** Returns the subject of answers to a gateway. */
  answersTo(gateway: string): string {
    return `${this.stream}.answers.${gateway}`;
  }

  /** Handles messages that are on their way, sends unsent ones, and closes. */
  async close(): Promise<void> {
    const drained = this.isConnected ? this.connection.drain() : Promise.reject();
    await deadline(drained, CLOSE_TIMEOUT).catch(() => this.connection.close());
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type !== (this.isConnected ? "disconnect" : "reconnect")) continue;
      this.isConnected = !this.isConnected;
      this.#options.onStatus?.(this.isConnected);
      // NATS may have come back without its data.
      if (this.isConnected) ensureQueue(this.manager, this.#options).catch(() => {});
    }
  }
}

/** Creates the stream and its consumer unless they exist, and applies the limit if one is given. */
async function ensureQueue(
  manager: JetStreamManager,
  { prefix: stream = "asyncpkt", queue, ackWait = 2000 }: NatsOptions,
): Promise<ConsumerInfo> {
  const info = await unlessMissing(manager.streams.info(stream));
  if (info === undefined) {
    await manager.streams.add({
      name: stream,
      subjects: [`${stream}.requests`],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_msgs: queue ?? 1_000_000,
      max_bytes: 2 ** 30,
      max_age: 25 * HOUR * NANOSECONDS, // the longest delay and an hour
      duplicate_window: DUPLICATE_WINDOW * NANOSECONDS,
    });
  } else if (queue !== undefined && info.config.max_msgs !== queue) {
    await manager.streams.update(stream, { max_msgs: queue });
  }
  return await unlessMissing(manager.consumers.info(stream, WORKERS)) ??
    await manager.consumers.add(stream, {
      durable_name: WORKERS,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWait * NANOSECONDS,
      max_ack_pending: -1, // requests that wait out their delays count as pending
      max_deliver: -1,
    });
}

/**
 * Resolves to undefined if JetStream replies that there is no such stream or consumer. Other errors,
 * such as a lost connection, do not mean that.
 */
function unlessMissing<T>(info: Promise<T>): Promise<T | undefined> {
  return info.catch((error) => {
    if (!(error instanceof JetStreamApiError)) throw error;
    return undefined;
  });
}

function connectOptions({ servers, creds, ca }: NatsOptions): ConnectionOptions {
  const urls = servers.map((server) => new URL(server));
  const { username, password } = urls.find(({ username }) => username !== "") ?? urls[0]!;
  const user = decodeURIComponent(username);
  const isSecure = ca !== undefined || urls.some(({ protocol }) => protocol === "tls:");
  const options: ConnectionOptions = {
    servers: servers.map(hostOf),
    timeout: 5000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 5000, // after two unanswered pings the connection counts as lost
    // The server may accept these credentials again once it has reloaded its users.
    ignoreAuthErrorAbort: true,
  };
  if (creds !== undefined) {
    options.authenticator = credsAuthenticator(new TextEncoder().encode(creds));
  }
  if (user !== "" && password === "") options.token = user;
  else if (user !== "") Object.assign(options, { user, pass: decodeURIComponent(password) });
  if (isSecure) options.tls = ca === undefined ? {} : { ca };
  return options;
}

/** Returns the reason of an error for people, without credentials. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "JetStreamNotEnabled") {
    return "JetStream is disabled; start nats-server with -js";
  }
  if (error.name === "AuthorizationError") return "it rejects the credentials";
  if (error.message === "unable to parse credentials") return "the credentials file is invalid";
  return error.message;
}
