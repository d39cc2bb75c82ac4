/**
 * A gateway: hands requests to workers through NATS JetStream.
 *
 * A request counts as accepted once the stream has it, on disk. It waits there, and comes out of it a
 * little before it is due. Some worker converts it and sends the answer to the gateway that asked; only
 * when the gateway confirms the answer does the stream forget the request. So a request may be converted
 * more than once, and is answered once.
 *
 * @module
 */

import { jetstream, JetStreamApiError, type JetStreamClient } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { delay as pause } from "@std/async/delay";
import { representationBound } from "../../protocol/conversion.ts";
import { Batch } from "./batch.ts";
import { DUPLICATE_WINDOW, Link, type LinkOptions } from "./nats_connection.ts";
import { CONFIRM, type Converted, decodeConverted, DELAY, ENVELOPE, GATEWAY } from "./message.ts";
import { RemoteResponder, type RequestStream } from "./remote_responder.ts";

/** How long the stream may take to acknowledge a request before it is published again, in milliseconds. */
const PUBLISH_TIMEOUT = 2000;

/** The pause before a failed request is published again, in milliseconds. */
const RETRY_PAUSE = 100;

/** How long the gateway tries to publish a request before it refuses it, in milliseconds. */
const PATIENCE = DUPLICATE_WINDOW / 2;

/** How many requests, and bytes of them, may wait for their acknowledgement. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 1 << 26;

/** JetStream's codes for a stream that has no room. */
const FULL: ReadonlySet<number> = new Set([
  10_023, // insufficient resources
  10_047, // no storage left
  10_054, // a message larger than the stream takes
  10_077, // a limit of the stream
]);

/** Confirms an answer, so that the stream forgets the request. */
const CONFIRMED = "+ACK";

/** Options of a gateway. */
export interface GatewayOptions extends LinkOptions {
  /** Called with failures that belong to no request. */
  onFault?: (error: unknown) => void;
}

/** The stream of requests in JetStream, and the answers that come back. */
class NatsStream implements RequestStream, AsyncDisposable {
  readonly #id = crypto.randomUUID();
  readonly #link: Link;
  readonly #jetstream: JetStreamClient;
  readonly #onFault: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** The subjects on which answers are confirmed. */
  readonly #confirmations = new Batch<string>((subjects) => {
    for (const subject of subjects) this.#link.connection.publish(subject, CONFIRMED);
  });
  #waiting = 0;
  #waitingBytes = 0;

  constructor(link: Link, onFault: (error: unknown) => void) {
    this.#link = link;
    this.#jetstream = jetstream(link.connection);
    this.#onFault = onFault;
  }

  get isReachable(): boolean {
    return this.#link.isConnected;
  }

  get hasRoom(): boolean {
    return this.#waiting < MAX_WAITING && this.#waitingBytes < MAX_WAITING_BYTES;
  }

  get maxDataBytes(): number {
    const most = this.#link.connection.info?.max_payload ?? Infinity;
    // The answer has to fit as well.
    return Math.floor((most - ENVELOPE) / (representationBound(1) - representationBound(0)));
  }

  /** Calls `onAnswer` for each answer of a worker. */
  listen(onAnswer: (answer: Converted) => void): void {
    const { connection, names } = this.#link;
    connection.subscribe(names.answers(this.#id), {
      callback: (error, message) => {
        try {
          if (error !== null) throw error;
          onAnswer(decodeConverted(message.string()));
          this.#confirmations.add(message.headers!.get(CONFIRM));
          if (this.#closing.signal.aborted) this.#confirmations.flush();
        } catch (error) {
          this.#onFault(error);
        }
      },
    });
  }

  async publish(key: string, packet: Uint8Array, delay: number): Promise<number | undefined> {
    const header = headers();
    header.set(GATEWAY, this.#id);
    header.set(DELAY, `${delay}`);
    // By its name it is known should it come twice, because the first acknowledgement was lost.
    const options = { msgID: `${this.#id}.${key}`, headers: header, timeout: PUBLISH_TIMEOUT };
    this.#waiting++;
    this.#waitingBytes += packet.length;
    try {
      const end = performance.now() + PATIENCE;
      do {
        try {
          if (this.#link.isConnected) {
            return (await this.#jetstream.publish(this.#link.names.requests, packet, options)).seq;
          }
        } catch (error) {
          if (error instanceof JetStreamApiError) {
            if (FULL.has(error.code)) return undefined;
            throw error;
          }
        }
        await pause(RETRY_PAUSE, { signal: this.#closing.signal }).catch(() => {});
      } while (performance.now() < end && !this.#closing.signal.aborted);
      return undefined;
    } finally {
      this.#waiting--;
      this.#waitingBytes -= packet.length;
    }
  }

  delete(sequence: number): void {
    const { manager, names } = this.#link;
    // Where that fails, a worker converts it and nobody listens.
    manager.streams.deleteMessage(names.stream, sequence, false).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#confirmations.flush();
    await this.#link.close();
  }
}

/** Has workers behind NATS convert requests; {@linkcode NatsResponder.open} makes one. */
export class NatsResponder extends RemoteResponder implements AsyncDisposable {
  readonly #stream: NatsStream;

  private constructor(stream: NatsStream) {
    super(stream);
    this.#stream = stream;
    stream.listen((answer) => this.take(answer));
  }

  /**
   * Connects to NATS.
   *
   * @throws {LinkError} if that fails.
   */
  static async open(options: GatewayOptions): Promise<NatsResponder> {
    const { onFault = () => {} } = options;
    return new NatsResponder(new NatsStream(await Link.open(options), onFault));
  }

  /** Disconnects. The requests that are still in the stream expire there. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stream[Symbol.asyncDispose]();
  }
}
