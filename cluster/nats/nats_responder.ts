/**
 * A gateway: hands requests to workers through NATS JetStream.
 *
 * A request counts as accepted once the stream has stored it on disk. It leaves the stream shortly
 * before it is due. A worker converts it and sends the answer to its gateway. Only when the gateway
 * acknowledges the request does the stream forget it. So a request may be converted more than once,
 * but is answered once.
 *
 * @module
 */

import { jetstream, JetStreamApiError, type JetStreamClient } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { delay as pause } from "@std/async/delay";
import { representationBound } from "../../protocol/conversion.ts";
import { Batch } from "./batch.ts";
import {
  CONFIRM,
  decodeAnswer,
  DELAY,
  GATEWAY,
  MAX_ENVELOPE,
  type WorkerAnswer,
} from "./message.ts";
import { DUPLICATE_WINDOW, type NatsOptions, QueueConnection } from "./nats_connection.ts";
import { RemoteResponder, type RequestStream } from "./remote_responder.ts";

/** How long the stream may take to acknowledge a request before it is published again, in milliseconds. */
const PUBLISH_TIMEOUT = 2000;

/** Pause before a request is published again, in milliseconds. */
const RETRY_PAUSE = 100;

/** How long the gateway tries to publish a request before it rejects it, in milliseconds. */
const PUBLISH_PATIENCE = DUPLICATE_WINDOW / 2;

/** Most unacknowledged requests, and most bytes of them. */
const MAX_UNACKNOWLEDGED = 10_000;
const MAX_UNACKNOWLEDGED_BYTES = 1 << 26;

/** JetStream's error codes for a stream without room. */
const FULL: ReadonlySet<number> = new Set([
  10_023, // insufficient resources
  10_047, // no storage left
  10_054, // a message larger than the stream takes
  10_077, // a limit of the stream
]);

/**
 * Opens a responder whose requests are converted by workers behind NATS.
 *
 * @throws {NatsConnectionError} if NATS cannot be used.
 */
export async function openNatsResponder(options: NatsOptions): Promise<RemoteResponder> {
  return new RemoteResponder(new NatsStream(await QueueConnection.open(options), options));
}

/** The stream of requests in JetStream, and the answers to this gateway. */
class NatsStream implements RequestStream {
  readonly #id = crypto.randomUUID();
  readonly #queue: QueueConnection;
  readonly #jetstream: JetStreamClient;
  readonly #onFault: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** The subjects on which answered requests are acknowledged. */
  readonly #acknowledgements = new Batch<string>((subjects) => {
    for (const subject of subjects) this.#queue.connection.publish(subject, "+ACK");
  });
  #unacknowledged = 0;
  #unacknowledgedBytes = 0;

  constructor(queue: QueueConnection, { onFault = () => {} }: NatsOptions) {
    this.#queue = queue;
    this.#jetstream = jetstream(queue.connection);
    this.#onFault = onFault;
  }

  get isReachable(): boolean {
    return this.#queue.isConnected;
  }

  get hasRoom(): boolean {
    return this.#unacknowledged < MAX_UNACKNOWLEDGED &&
      this.#unacknowledgedBytes < MAX_UNACKNOWLEDGED_BYTES;
  }

  get maxDataBytes(): number {
    const maxPayload = this.#queue.connection.info?.max_payload ?? Infinity;
    // The answer has to fit as well.
    const growth = representationBound(1) - representationBound(0);
    return Math.floor((maxPayload - MAX_ENVELOPE) / growth);
  }

  listen(onAnswer: (answer: WorkerAnswer) => void): void {
    this.#queue.connection.subscribe(this.#queue.answersTo(this.#id), {
      callback: (error, message) => {
        try {
          if (error !== null) throw error;
          onAnswer(decodeAnswer(message.string()));
          this.#acknowledgements.add(message.headers!.get(CONFIRM));
          if (this.#closing.signal.aborted) this.#acknowledgements.flush();
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
    // JetStream recognizes the id if the first acknowledgement is lost and the request comes again.
    const options = { msgID: `${this.#id}.${key}`, headers: header, timeout: PUBLISH_TIMEOUT };
    const { signal } = this.#closing;
    this.#unacknowledged++;
    this.#unacknowledgedBytes += packet.length;
    try {
      const end = performance.now() + PUBLISH_PATIENCE;
      do {
        try {
          if (this.isReachable) {
            return (await this.#jetstream.publish(this.#queue.requests, packet, options)).seq;
          }
        } catch (error) {
          if (error instanceof JetStreamApiError) {
            if (FULL.has(error.code)) return undefined;
            throw error;
          }
        }
        await pause(RETRY_PAUSE, { signal }).catch(() => {});
      } while (performance.now() < end && !signal.aborted);
      return undefined;
    } finally {
      this.#unacknowledged--;
      this.#unacknowledgedBytes -= packet.length;
    }
  }

  delete(sequence: number): void {
    const { manager, stream } = this.#queue;
    // If this fails, a worker converts the request, and the gateway ignores the answer.
    manager.streams.deleteMessage(stream, sequence, false).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#acknowledgements.flush();
    await this.#queue.close();
  }
}
