/**
 * A worker behind NATS. It takes requests from the queue and returns each until it is nearly due. Then
 * it converts the request and sends the answer to the gateway, which acknowledges it to the queue.
 *
 * Workers keep nothing: if one dies, another gets its requests.
 *
 * @module
 */

import { type ConsumerMessages, jetstream, type JsMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import type { Session } from "../../session/session.ts";
import { Sessions } from "../../session/sessions.ts";
import { delayPolicy } from "../../session/delays.ts";
import { Batch } from "./batch.ts";
import { CONFIRM, DELAY, GATEWAY, remainingWait } from "./message.ts";
import { type NatsOptions, QueueConnection } from "./nats_connection.ts";

/** Fewest deliveries of a request before it expires, since NATS may have been away meanwhile. */
const MIN_DELIVERIES = 8;

/** Options of a worker. */
export interface NatsWorkerOptions extends NatsOptions {
  /**
   * Time after which a request expires that no gateway acknowledges, in milliseconds from when it was
   * due.
   *
   * @default {15_000}
   */
  expiry?: number;
}

/** A worker. */
export class NatsWorker implements AsyncDisposable {
  readonly #queue: QueueConnection;
  readonly #expiry: number;
  readonly #onFault: (error: unknown) => void;
  readonly #session: Session;
  #messages!: ConsumerMessages;
  /** The message that is being converted. */
  #current: JsMsg | undefined;
  /** Messages that go back to the queue. */
  readonly #early = new Batch<JsMsg>((messages) => this.#sendBack(messages));
  #isStopping = false;

  private constructor(
    queue: QueueConnection,
    { expiry = 15_000, onFault = () => {} }: NatsWorkerOptions,
  ) {
    this.#queue = queue;
    this.#expiry = expiry;
    this.#onFault = onFault;
    const sessions = new Sessions({
      delays: delayPolicy({ min: 0, max: 0 }),
      limits: { maxPacketSize: Number.MAX_SAFE_INTEGER }, // the gateway applies all limits
      events: { failed: (_, error) => onFault(error) },
    });
    this.#session = sessions.open({ send: (frame) => this.#answer(frame) });
  }

  /**
   * Connects to NATS and starts to work.
   *
   * @throws {NatsConnectionError} if NATS cannot be used.
   */
  static async open(options: NatsWorkerOptions): Promise<NatsWorker> {
    const queue = await QueueConnection.open(options);
    const worker = new NatsWorker(queue, options);
    const consumer = jetstream(queue.connection).consumers.getConsumerFromInfo(queue.consumer);
    worker.#messages = await consumer.consume({
      max_messages: 500, // few enough to handle them in milliseconds
      expires: 10_000,
      idle_heartbeat: 1000,
      callback: (message) => worker.#take(message),
    });
    return worker;
  }

  /** Resolves when the worker gets no more requests, with the reason if there is one. */
  get ended(): Promise<Error | void> {
    return this.#messages.closed();
  }

  /** Stops, returns unconverted requests to the queue, and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#early.flush();
    await this.#queue.close();
  }

  #take(message: JsMsg): void {
    const delay = delayOf(message);
    if (Number.isNaN(delay)) {
      message.term();
      return this.#onFault(new Error("there was a message in the queue that no gateway has sent"));
    }
    const now = Date.now();
    if (remainingWait(storedAt(message), delay, now) > 0) {
      this.#early.add(message);
      if (this.#isStopping) this.#early.flush();
    } else if (
      message.info.deliveryCount > MIN_DELIVERIES &&
      now > storedAt(message) + delay + this.#expiry
    ) {
      message.term();
    } else {
      this.#convert(message);
    }
  }

  #sendBack(messages: JsMsg[]): void {
    const now = Date.now();
    for (const message of messages) {
      const wait = Math.ceil(remainingWait(storedAt(message), delayOf(message), now));
      if (wait > 0) message.nak(wait);
      else this.#convert(message);
    }
  }

  #convert(message: JsMsg): void {
    this.#current = message;
    this.#session.receive(message.data, 0);
  }

  #answer(frame: string): void {
    const message = this.#current!;
    try {
      const header = headers();
      // The subject on which the message is acknowledged. Its type lacks it.
      header.set(CONFIRM, (message as JsMsg & { readonly reply: string }).reply);
      const subject = this.#queue.answersTo(message.headers!.get(GATEWAY));
      this.#queue.connection.publish(subject, frame, { headers: header });
    } catch (error) {
      this.#onFault(error);
    }
  }
}

/** Returns when the queue stored a message, in milliseconds by the queue's clock. */
function storedAt(message: JsMsg): number {
  return Number(message.timestampNanos / 1_000_000n);
}

/** Returns the delay of a request; NaN if no gateway has sent the message. */
function delayOf({ headers }: JsMsg): number {
  return headers?.get(GATEWAY) ? Number(headers.get(DELAY) || NaN) : NaN;
}
