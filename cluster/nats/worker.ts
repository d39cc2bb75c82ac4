/**
 * A worker: takes requests from the queue, sends each back there until it is nearly due, then converts it
 * and sends the answer to the gateway that asked, which confirms it to the queue.
 *
 * A worker keeps nothing: whatever it has in hand when it dies, another gets.
 *
 * @module
 */

import { type ConsumerMessages, jetstream, type JsMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import type { Session } from "../../session/session.ts";
import { Sessions } from "../../session/sessions.ts";
import { uniformDelay } from "../../session/delays.ts";
import { Batch } from "./batch.ts";
import { Link, type LinkOptions, WORKERS } from "./nats_connection.ts";
import { CONFIRM, DELAY, GATEWAY, restOf } from "./message.ts";

/** How many messages a worker asks for at once: few enough to be done with in milliseconds. */
const BATCH = 500;

/** For how long a worker asks at once, and how often it wants to hear that the queue is there. */
const ASKING = 10_000;
const HEARTBEAT = 1000;

/**
 * An answer that nobody confirms is sent again for so long after it was due, in milliseconds, and at least
 * so often, as NATS may have been away: then its gateway is no more.
 */
const EXPIRY = 15_000;
const ATTEMPTS = 8;

/** What a worker is told. */
export interface WorkerOptions extends LinkOptions {
  /**
   * For how long after it was due a request is kept whose gateway does not confirm the answer, in
   * milliseconds.
   *
   * @default {15_000}
   */
  expiry?: number;
  /** Told of faults. */
  onFault?: (error: unknown) => void;
}

/** A worker; {@linkcode Worker.open} begins one. */
export class Worker implements AsyncDisposable {
  readonly #link: Link;
  readonly #expiry: number;
  readonly #onFault: (error: unknown) => void;
  readonly #session: Session;
  #messages: ConsumerMessages | undefined;
  /** The message that is being converted. */
  #current: JsMsg | undefined;
  /** Those that go back to the queue. */
  readonly #early = new Batch<JsMsg>((messages) => this.#sendBack(messages));
  #isStopping = false;

  private constructor(link: Link, { expiry = EXPIRY, onFault = () => {} }: WorkerOptions) {
    this.#link = link;
    this.#expiry = expiry;
    this.#onFault = onFault;
    const sessions = new Sessions({
      delays: uniformDelay({ min: 0, max: 0 }),
      // The gateway has seen to all limits.
      limits: { maxPacketSize: Number.MAX_SAFE_INTEGER },
      events: { failed: (_, error) => onFault(error) },
    });
    this.#session = sessions.open({ send: (frame) => this.#answer(frame) });
  }

  /**
   * Connects to NATS and begins to work.
   *
   * @throws {LinkError} if that cannot be.
   */
  static async open(options: WorkerOptions): Promise<Worker> {
    const link = await Link.open(options);
    const worker = new Worker(link, options);
    const { stream } = link.names;
    const consumer = await jetstream(link.connection).consumers.get(stream, WORKERS);
    worker.#messages = await consumer.consume({
      max_messages: BATCH,
      expires: ASKING,
      idle_heartbeat: HEARTBEAT,
      callback: (message) => worker.#take(message),
    });
    return worker;
  }

  /** Resolves when it gets no more requests, to the reason if there is one. */
  get ended(): Promise<Error | void> {
    return this.#messages!.closed();
  }

  /** Takes no more, sends back what it has in hand, and disconnects. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.#early.flush();
    await this.#link.close();
  }

  #take(message: JsMsg): void {
    const delay = delayOf(message);
    if (Number.isNaN(delay)) {
      message.term();
      return this.#onFault(new Error("there was a message in the queue that is not of a gateway"));
    }
    const now = Date.now();
    if (restOf(storedAt(message), delay, now) > 0) this.#putOff(message);
    else if (this.#isExpired(message, delay, now)) message.term();
    else this.#convert(message);
  }

  #putOff(message: JsMsg): void {
    this.#early.add(message);
    if (this.#isStopping) this.#early.flush();
  }

  #sendBack(messages: JsMsg[]): void {
    const now = Date.now();
    for (const message of messages) {
      const rest = Math.ceil(restOf(storedAt(message), delayOf(message), now));
      if (rest > 0) message.nak(rest);
      else this.#convert(message);
    }
  }

  #isExpired(message: JsMsg, delay: number, now: number): boolean {
    return message.info.deliveryCount > ATTEMPTS && now > storedAt(message) + delay + this.#expiry;
  }

  #convert(message: JsMsg): void {
    this.#current = message;
    this.#session.receive(message.data, 0);
  }

  #answer(frame: string): void {
    const message = this.#current!;
    const { connection, names } = this.#link;
    try {
      const subject = names.answers(message.headers!.get(GATEWAY));
      // The gateway confirms it to the queue, in the worker's place.
      const header = headers();
      header.set(CONFIRM, replyOf(message));
      connection.publish(subject, frame, { headers: header });
    } catch (error) {
      this.#onFault(error);
    }
  }
}

/** When the queue got it, in milliseconds by the queue's clock. */
function storedAt(message: JsMsg): number {
  return Number(message.timestampNanos / 1_000_000n);
}

/** NaN where no gateway has said it. */
function delayOf({ headers }: JsMsg): number {
  return headers?.get(GATEWAY) ? Number(headers.get(DELAY) || NaN) : NaN;
}

/** Where a message is confirmed, which its type leaves out. */
function replyOf(message: JsMsg): string {
  return (message as JsMsg & { readonly reply: string }).reply;
}
