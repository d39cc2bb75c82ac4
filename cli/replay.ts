/**
 * Sends the requests of a recording again, each at its time and on its connection.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { Client, Outcome, RetryStats } from "../client.ts";
import { settleAll } from "../client/window.ts";
import { decodeFrame, type Request, type RequestId } from "../protocol.ts";
import { MAX_TIME, readRecorded, type Recorded } from "../session/recording.ts";
import { UsageError } from "./command.ts";
import type { TextLine } from "./input.ts";

/** Options for {@linkcode Replay}. */
export interface ReplayOptions {
  /** Name of the recording in errors, such as its path. */
  readonly name: string;
  /** Factor by which time runs faster than in the recording. */
  readonly speed: number;
  /** Time limit for each answer, in milliseconds. */
  readonly timeout: number;
  /** Whether outcomes come in the order of the requests. */
  readonly ordered: boolean;
  /** Aborts the requests in flight and sends no more. */
  readonly signal: AbortSignal;
  connect(): Promise<Client>;
  /** Called before each request is sent. */
  onSent(id: RequestId): void;
}

/** A connection of the recording. */
interface ReplayedConnection {
  readonly client: Promise<Client>;
  /** Aborts requests in flight. */
  readonly inFlight: Map<RequestId, AbortController>;
  /** Whether it was closed in the recording. It still waits for its answers. */
  isOver: boolean;
}

/** A request of the recording. */
type ReplayedRequest = Request & { readonly connection: ReplayedConnection };

/** Replay of a recording. */
export class Replay {
  /** Number of requests in flight. */
  inFlight = 0;
  /** Number of invalid lines and packets, which are left out. */
  leftOut = 0;
  /** Why the rest of the recording was not sent, if so. */
  error: UsageError | undefined;

  readonly #lines: AsyncIterable<TextLine>;
  readonly #options: ReplayOptions;
  readonly #connections = new Map<number, ReplayedConnection>();
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
   * Sends each request at its time, and yields the outcomes as they come. At a line whose time cannot
   * be right, it stops sending and sets {@linkcode Replay.error}.
   *
   * @throws {UsageError} if the first line is not one of a recording.
   * @throws the error of `connect` if the first connection fails.
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

  /** Yields each request when it is due. */
  async *#requests(): AsyncGenerator<ReplayedRequest, void, void> {
    let first: { readonly time: number; readonly at: number } | undefined;
    for await (const { event, time, connection, frame } of this.#events()) {
      if (first === undefined) {
        await this.#connection(connection).client; // the clock starts with the first connection
        first = { time, at: performance.now() };
      }
      await this.#wait(first.at + 1000 * (time - first.time) / this.#options.speed);
      if (this.#ended.signal.aborted) return;
      if (event === "open") this.#connection(connection);
      else if (event === "in") yield* this.#packets(this.#connection(connection), frame);
      else if (event === "close") {
        const closed = this.#connections.get(connection);
        if (closed === undefined) continue;
        closed.isOver = true;
        closeWhenDone(closed);
      }
    }
  }

  /** Yields the valid lines of the recording, up to a time that cannot be right. */
  async *#events(): AsyncGenerator<Recorded, void, void> {
    let last: number | undefined;
    for await (const { number, text } of this.#lines) {
      const recorded = readRecorded(text);
      if (recorded === undefined) {
        const problem = "the first line is not one of a recording, as serve --record makes it";
        if (last === undefined) throw new UsageError(problem);
        this.leftOut++;
        continue;
      }
      const { time } = recorded;
      const from = last ?? 0;
      if (!(time >= from && time <= MAX_TIME)) {
        const range = `from ${from}, as in the line before, to ${MAX_TIME} seconds`;
        const problem = `expected a time ${range}, got ${time}; the rest was not sent`;
        this.error = new UsageError(`${this.#options.name}, line ${number}: ${problem}`);
        return;
      }
      last = time;
      yield recorded;
    }
  }

  /** Yields the requests of a frame, and carries out its cancellations. */
  *#packets(
    connection: ReplayedConnection,
    frame: string | undefined,
  ): Generator<ReplayedRequest, void, void> {
    for (const packet of frame === undefined ? [undefined] : decodeFrame(frame)) {
      if (packet === undefined || "error" in packet) this.leftOut++;
      else if ("cancel" in packet) connection.inFlight.get(packet.request_id)?.abort();
      else {
        this.#options.onSent(packet.request_id);
        yield { ...packet, connection };
      }
    }
  }

  #send = async ({ connection, request_id: id, data }: ReplayedRequest, signal: AbortSignal) => {
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
      closeWhenDone(connection);
    }
  };

  #connection(number: number): ReplayedConnection {
    let connection = this.#connections.get(number);
    if (connection === undefined) {
      const client = this.#options.connect();
      client.then((client) => this.#clients.push(client), () => {}); // requests report the error
      connection = { client, inFlight: new Map(), isOver: false };
      this.#connections.set(number, connection);
    }
    return connection;
  }

  /** Waits until a time, and never less: `delay()` cuts off fractions of a millisecond. */
  async #wait(until: number): Promise<void> {
    const { signal } = this.#ended;
    for (let left; !signal.aborted && (left = until - performance.now()) > 0;) {
      await delay(Math.ceil(left), { signal }).catch(() => {});
    }
  }
}

function closeWhenDone({ client, inFlight, isOver }: ReplayedConnection): void {
  if (isOver && inFlight.size === 0) void client.then((client) => client.close(), () => {});
}
