/**
 * A gateway: hands requests over to workers through NATS JetStream, and hears what they were converted to.
 *
 * A request counts as accepted once the queue has it, on disk. It waits there, and comes out of it a little
 * before it is due; some worker converts it and sends the answer to the gateway that asked, and only when
 * this one confirms that does the queue forget it. So a request may be converted more than once, and is
 * answered once.
 *
 * @module
 */

import { jetstream, JetStreamApiError, type JetStreamClient } from "@nats-io/jetstream";
import { headers, type Msg } from "@nats-io/nats-core";
import { delay as pause } from "@std/async/delay";
import type { Elsewhere, Told } from "../../session/responder.ts";
import { representationBound } from "../../protocol/conversion.ts";
import { Batch } from "./batch.ts";
import { DUPLICATE_WINDOW, Link, type LinkOptions } from "./nats_connection.ts";
import { CONFIRM, decodeConverted, DELAY, encodeRequest, ENVELOPE, GATEWAY } from "./message.ts";

/** How long the queue may take to say that it has a request before it is asked again, in milliseconds. */
const PUBLISH_TIMEOUT = 2000;

/** How long until a request is published again that could not be, in milliseconds. */
const RETRY_PAUSE = 100;

/** For how long the gateway tries to publish a request, in milliseconds; then it is refused. */
const PATIENCE = DUPLICATE_WINDOW / 2;

/** How many requests, and how many bytes of them, may wait for the queue to say that it has them. */
const MAX_WAITING = 10_000;
const MAX_WAITING_BYTES = 1 << 26;

/** JetStream's codes for a stream that has no room. */
const FULL: ReadonlySet<number> = new Set([
  10_023, // insufficient resources
  10_047, // no storage left
  10_054, // a message larger than the stream takes
  10_077, // a limit of the stream
]);

/** What confirms an answer, so that the queue forgets the request. */
const CONFIRMED = "+ACK";

/** What a gateway is told. */
export interface GatewayOptions extends LinkOptions {
  /** Told of faults that belong to no request. */
  onFault?: (error: unknown) => void;
}

/** A gateway; {@linkcode NatsResponder.open} begins one. */
export class NatsResponder implements Elsewhere, AsyncDisposable {
  readonly #id = crypto.randomUUID();
  readonly #link: Link;
  readonly #jetstream: JetStreamClient;
  readonly #onFault: (error: unknown) => void;
  readonly #closing = new AbortController();
  /** The subjects on which answers are to be confirmed. */
  readonly #confirmations = new Batch<string>((subjects) => {
    for (const subject of subjects) this.#link.connection.publish(subject, CONFIRMED);
  });
  #told: Told | undefined;
  #waiting = 0;
  #waitingBytes = 0;

  private constructor(link: Link, onFault: (error: unknown) => void = () => {}) {
    this.#link = link;
    this.#jetstream = jetstream(link.connection);
    this.#onFault = onFault;
    link.connection.subscribe(link.names.answers(this.#id), { callback: this.#onAnswer });
  }

  /**
   * Connects to NATS.
   *
   * @throws {LinkError} if that cannot be.
   */
  static async open(options: GatewayOptions): Promise<NatsResponder> {
    return new NatsResponder(await Link.open(options), options.onFault);
  }

  get longest(): number {
    const most = this.#link.connection.info?.max_payload ?? Infinity;
    // The answer has to fit as well.
    return Math.floor((most - ENVELOPE) / (representationBound(1) - representationBound(0)));
  }

  get hasRoom(): boolean {
    return this.#waiting < MAX_WAITING && this.#waitingBytes < MAX_WAITING_BYTES;
  }

  get isReachable(): boolean {
    return this.#link.isConnected;
  }

  begin(told: Told): void {
    this.#told = told;
  }

  take(key: string, source: Uint8Array, at: number, end: number, delay: number): void {
    void this.#take(key, source, at, end, delay);
  }

  drop(ticket: number): void {
    const { manager, names } = this.#link;
    // Where that fails, a worker converts it and nobody listens.
    manager.streams.deleteMessage(names.stream, ticket, false).catch(() => {});
  }

  /** Disconnects. What is still in the queue expires there. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#confirmations.flush();
    await this.#link.close();
  }

  async #take(
    key: string,
    source: Uint8Array,
    at: number,
    end: number,
    delay: number,
  ): Promise<void> {
    const told = this.#told!;
    try {
      const ticket = await this.#publish(key, encodeRequest(key, source, at, end), delay);
      if (ticket === undefined) told.refused(key);
      else if (!told.accepted(key, ticket)) this.drop(ticket);
    } catch (error) {
      told.failed(key, error);
    }
  }

  /** Brings a packet into the queue; resolves to its number there, or to undefined if that cannot be. */
  async #publish(key: string, packet: Uint8Array, delay: number): Promise<number | undefined> {
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

  #onAnswer = (error: Error | null, message: Msg): void => {
    try {
      if (error !== null) throw error;
      const answer = decodeConverted(message.string());
      if ("error" in answer) this.#told!.failed(answer.key, new Error(answer.error));
      else this.#told!.converted(answer.key, answer.representation);
      this.#confirmations.add(message.headers!.get(CONFIRM));
      if (this.#closing.signal.aborted) this.#confirmations.flush();
    } catch (error) {
      this.#onFault(error);
    }
  };
}
