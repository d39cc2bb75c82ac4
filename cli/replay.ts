/**
 * Sends the requests of a recording again, each at its time, over as many connections as there were.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { Client, Outcome, RetryStats } from "../client.ts";
import { settleAll } from "../client/window.ts";
import { decodeFrame, type RequestId } from "../protocol.ts";
import { MAX_TIME, readRecorded } from "../session/recording.ts";
import { UsageError } from "./exit.ts";
import type { TextLine } from "./lines.ts";

/** How a recording is replayed. */
export interface ReplayOptions {
  /** Name of the recording in errors, such as its path. */
  readonly name: string;
  /** How many times as fast as it was recorded. */
  readonly speed: number;
  /** How long to wait for each answer, in milliseconds. */
  readonly timeout: number;
  /** Whether outcomes come in the order of the requests. */
  readonly ordered: boolean;
  /** Gives up those in flight, and sends no more. */
  readonly signal: AbortSignal;
  connect(): Promise<Client>;
  /** Told of each request that is about to be sent. */
  onSent(id: RequestId): void;
}

/** One connection, as there was one in the recording. */
interface Connection {
  readonly client: Promise<Client>;
  /** What gives up each request that has no answer yet. */
  readonly inFlight: Map<RequestId, AbortController>;
  /** Whether it had ended in the recording; it still waits for its answers. */
  isOver: boolean;
}

/** A request of the recording. */
interface Replayed {
  readonly connection: Connection;
  readonly id: RequestId;
  readonly data: string;
}

/** The replay of a recording. */
export class Replay {
  /** How many requests have no answer yet. */
  inFlight = 0;
  /** How many lines and packets were left out, because they are not valid. */
  leftOut = 0;
  /** Why the rest of the recording was not sent, if it was not. */
  error: UsageError | undefined;

  readonly #lines: AsyncIterable<TextLine>;
  readonly #options: ReplayOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #clients: Client[] = [];
  readonly #ended = new AbortController();

  constructor(lines: AsyncIterable<TextLine>, options: ReplayOptions) {
    this.#lines = lines;
    this.#options = options;
  }

  /** The sum of the counts of all connections. */
  get retryStats(): RetryStats {
    const all = this.#clients.map(({ retryStats }) => retryStats);
    const sum = (name: keyof RetryStats) => all.reduce((sum, one) => sum + one[name], 0);
    return { reconnects: sum("reconnects"), resent: sum("resent"), retried: sum("retried") };
  }

  /**
   * Sends everything at its time; gives the outcomes as they come. At a line whose time cannot be right, it
   * stops sending and sets {@linkcode Replay.error}.
   *
   * @throws {UsageError} if the first line is not one of a recording, and the error of `connect` if the
   * first connection cannot be made.
   */
  async *outcomes(): AsyncGenerator<Outcome, void, void> {
    const { ordered, signal } = this.#options;
    try {
      yield* settleAll(this.#requests(), this.#send, { window: Infinity, ordered, signal });
    } finally {
      this.#ended.abort();
      const ends = [...this.#connections.values()].map(async ({ client }) =>
        (await client).close()
      );
      await Promise.allSettled(ends);
    }
  }

  /** The requests, each when it is to be sent. */
  async *#requests(): AsyncGenerator<Replayed, void, void> {
    let startedAt = NaN;
    let firstTime = NaN;
    let lastTime = 0;
    for await (const { number, text } of this.#lines) {
      const recorded = readRecorded(text);
      if (recorded === undefined && Number.isNaN(firstTime)) {
        throw new UsageError(
          "the first line is not one of a recording, as serve --record makes it",
        );
      }
      if (recorded === undefined) {
        this.leftOut++;
        continue;
      }
      if (!(recorded.time >= lastTime && recorded.time <= MAX_TIME)) {
        this.error = new UsageError(
          `${this.#options.name}, line ${number}: expected a time from ${lastTime}, as in the line ` +
            `before, to ${MAX_TIME} seconds, got ${recorded.time}; the rest was not sent`,
        );
        return;
      }
      lastTime = recorded.time;
      if (Number.isNaN(firstTime)) {
        // The time runs once there is a connection.
        await this.#connection(recorded.connection).client;
        firstTime = recorded.time;
        startedAt = performance.now();
      }
      await this.#wait(startedAt + 1000 * (recorded.time - firstTime) / this.#options.speed);
      if (this.#ended.signal.aborted) return;
      if (recorded.event === "open") this.#connection(recorded.connection);
      else if (recorded.event === "close") this.#end(recorded.connection);
      else if (recorded.event === "in") yield* this.#packets(recorded.connection, recorded.frame);
    }
  }

  /** The requests of a frame; what it gives up is given up, and what is invalid is left out. */
  *#packets(number: number, frame: string | undefined): Generator<Replayed, void, void> {
    const packets = frame === undefined ? [undefined] : decodeFrame(frame);
    for (const packet of packets) {
      const connection = this.#connection(number);
      if (packet === undefined || "error" in packet) this.leftOut++;
      else if ("cancel" in packet) connection.inFlight.get(packet.request_id)?.abort();
      else {
        this.#options.onSent(packet.request_id);
        yield { connection, id: packet.request_id, data: packet.data };
      }
    }
  }

  #send = async ({ connection, id, data }: Replayed, signal: AbortSignal) => {
    const { inFlight } = connection;
    const abort = new AbortController();
    if (!inFlight.has(id)) inFlight.set(id, abort);
    this.inFlight++;
    try {
      const client = await connection.client;
      return await client.request(data, {
        id,
        timeout: this.#options.timeout,
        signal: AbortSignal.any([signal, abort.signal]),
      });
    } finally {
      this.inFlight--;
      if (inFlight.get(id) === abort) inFlight.delete(id);
      this.#closeWhenDone(connection);
    }
  };

  #connection(number: number): Connection {
    let connection = this.#connections.get(number);
    if (connection === undefined) {
      const client = this.#options.connect();
      client.then((client) => this.#clients.push(client), () => {}); // whoever sends gets to know
      connection = { client, inFlight: new Map(), isOver: false };
      this.#connections.set(number, connection);
    }
    return connection;
  }

  #end(number: number): void {
    const connection = this.#connections.get(number);
    if (connection === undefined) return;
    connection.isOver = true;
    this.#closeWhenDone(connection);
  }

  #closeWhenDone({ client, inFlight, isOver }: Connection): void {
    if (isOver && inFlight.size === 0) void client.then((client) => client.close(), () => {});
  }

  /** Waits at least until then: `delay()` cuts off a fraction of a millisecond. */
  async #wait(until: number): Promise<void> {
    const { signal } = this.#ended;
    for (let left; !signal.aborted && (left = until - performance.now()) > 0;) {
      await delay(Math.ceil(left), { signal }).catch(() => {});
    }
  }
}
