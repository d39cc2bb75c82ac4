/**
 * The link to NATS that gateways and workers have: the connection, and the queue in JetStream.
 *
 * @module
 */

import {
  AckPolicy,
  DiscardPolicy,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import {
  type ConnectionOptions,
  credsAuthenticator,
  type NatsConnection,
} from "@nats-io/nats-core";
import { deadline } from "@std/async/deadline";
import { hostOf, showServers } from "./server_urls.ts";
import { connect } from "./transport.ts";

/** The name of the consumer that all workers share. */
export const WORKERS = "workers";

/** Where subjects and the stream's name begin where nothing else is said. */
export const DEFAULT_PREFIX = "asyncpkt";

/** How many requests the queue takes where nothing else is said. */
export const DEFAULT_QUEUE = 1_000_000;

/** How many bytes of requests the queue takes. */
const MAX_BYTES = 2 ** 30;

/** How long a worker may keep a request without a word where nothing else is said, in milliseconds. */
const ACK_WAIT = 2000;

/** After how long the queue drops a request in any case, in milliseconds: the longest delay, and an hour. */
const MAX_AGE = 25 * 3_600_000;

/** For how long a request that is published again is known to be the same, in milliseconds. */
export const DUPLICATE_WINDOW = 60_000;

/** How long one attempt to connect may take, and how long until the next, in milliseconds. */
const CONNECT_TIMEOUT = 5000;
const RECONNECT_WAIT = 250;

/** How often the connection is tried, in milliseconds; after two pings without an answer it is given up. */
const PING_INTERVAL = 5000;

/** How long closing in good order may take, in milliseconds. */
const CLOSE_TIMEOUT = 2000;

const NANOSECONDS = 1e6;

/** Which NATS, and what of it. */
export interface LinkOptions {
  /** Its servers, such as `nats://host:4222`, `tls://host`, `nats://user:password@host`. */
  servers: readonly string[];
  /** The content of a credentials file. */
  creds?: string;
  /** An authority to trust for TLS, as PEM. */
  ca?: string;
  /** Keeps it apart from others on the same NATS. @default {"asyncpkt"} */
  prefix?: string;
  /** How many requests the queue takes. @default {1_000_000, or what it has been set to} */
  queue?: number;
  /**
   * How long a worker may keep a request without a word, in milliseconds; then another gets it. Whatever the
   * death of a worker or of a server interrupts is taken up again after this long.
   *
   * @default {2000, or what it was when the queue was made}
   */
  ackWait?: number;
  /** Told when the connection is lost, and when it is back. */
  onStatus?: (isConnected: boolean) => void;
}

/** The link cannot be had; the message says why in one line. */
export class LinkError extends Error {
  override name = "LinkError";
}

/** A connection to NATS, and the queue there. */
export class Link {
  /** Whether there is a connection now. */
  isConnected = true;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly names: Names;

  readonly #options: LinkOptions;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    options: LinkOptions,
    names: Names,
  ) {
    this.connection = connection;
    this.manager = manager;
    this.names = names;
    this.#options = options;
    void this.#watch();
  }

  /**
   * Connects, and makes the queue unless there is one.
   *
   * @throws {LinkError} if that cannot be.
   */
  static async open(options: LinkOptions): Promise<Link> {
    const names = namesOf(options.prefix ?? DEFAULT_PREFIX);
    const where = showServers(options.servers);
    let connection: NatsConnection | undefined;
    try {
      connection = await connect(connectOptions(options));
      const manager = await jetstreamManager(connection);
      await makeQueue(manager, names, options);
      return new Link(connection, manager, options, names);
    } catch (error) {
      await connection?.close();
      throw new LinkError(`cannot use NATS at ${where}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Takes in what is on its way, sends what is to be sent, and closes. */
  async close(): Promise<void> {
    const drained = this.isConnected ? this.connection.drain() : Promise.reject();
    await deadline(drained, CLOSE_TIMEOUT).catch(() => this.connection.close());
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect" && this.isConnected) {
        this.isConnected = false;
        this.#options.onStatus?.(false);
      } else if (type === "reconnect" && !this.isConnected) {
        this.isConnected = true;
        this.#options.onStatus?.(true);
        // It may have come back with nothing of what it had.
        makeQueue(this.manager, this.names, this.#options).catch(() => {});
      }
    }
  }
}

/** The names that belong to a prefix. */
export interface Names {
  readonly stream: string;
  readonly requests: string;
  /** Where a gateway hears of answers. */
  answers(gateway: string): string;
}

function namesOf(prefix: string): Names {
  return {
    stream: prefix,
    requests: `${prefix}.requests`,
    answers: (gateway) => `${prefix}.answers.${gateway}`,
  };
}

/** Makes the stream and its consumer unless they are there; sets the limit if one is asked for. */
async function makeQueue(
  manager: JetStreamManager,
  { stream, requests }: Names,
  { queue, ackWait = ACK_WAIT }: LinkOptions,
): Promise<void> {
  const config: Partial<StreamConfig> & { name: string } = {
    name: stream,
    subjects: [requests],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs: queue ?? DEFAULT_QUEUE,
    max_bytes: MAX_BYTES,
    max_age: MAX_AGE * NANOSECONDS,
    duplicate_window: DUPLICATE_WINDOW * NANOSECONDS,
  };
  const there = await manager.streams.info(stream).catch(() => undefined);
  if (there === undefined) await manager.streams.add(config);
  else if (queue !== undefined && there.config.max_msgs !== queue) {
    await manager.streams.update(stream, { max_msgs: queue });
  }
  await manager.consumers.info(stream, WORKERS).catch(() =>
    manager.consumers.add(stream, {
      durable_name: WORKERS,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWait * NANOSECONDS,
      // Those that wait count as pending.
      max_ack_pending: -1,
      max_deliver: -1,
    })
  );
}

function connectOptions({ servers, creds, ca }: LinkOptions): ConnectionOptions {
  const urls = servers.map((server) => new URL(server));
  const { username, password } = urls.find(({ username }) => username !== "") ?? urls[0]!;
  const user = decodeURIComponent(username);
  const isSecure = ca !== undefined || urls.some(({ protocol }) => protocol === "tls:");
  return {
    servers: servers.map(hostOf),
    ...(creds === undefined
      ? {}
      : { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) }),
    ...(user === ""
      ? {}
      : password === ""
      ? { token: user }
      : { user, pass: decodeURIComponent(password) }),
    ...(isSecure ? { tls: ca === undefined ? {} : { ca } } : {}),
    timeout: CONNECT_TIMEOUT,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT,
    pingInterval: PING_INTERVAL,
    // Who is let in now may be let in again, once the server has read its users again.
    ignoreAuthErrorAbort: true,
  };
}

/** Why there is no link, for people; credentials are never part of it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "JetStreamNotEnabled") {
    return "JetStream is not on; start nats-server with -js";
  }
  if (error.name === "AuthorizationError") return "it does not accept the credentials";
  if (error.message === "unable to parse credentials") return "the credentials file is not one";
  return error.message;
}
