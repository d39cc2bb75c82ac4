/**
 * A responder that has others convert its requests: it hands each to a stream, and hears of answers. What
 * is due when, and to whom, stays here.
 *
 * @module
 */

import { type ErrorDetails, ERRORS } from "../../protocol.ts";
import type { FrameReader } from "../../protocol/frame_reader.ts";
import type { RequestTable } from "../../session/request_table.ts";
import type { Responder, ResponderCallbacks } from "../../session/responder.ts";
import { type Converted, encodeRequest } from "./message.ts";
import { RemoteRequests } from "./remote_requests.ts";

const NONE = -1;

/** A stream of requests that wait for a worker. */
export interface RequestStream {
  /** Whether the stream can be reached. */
  readonly isReachable: boolean;
  /** Whether another request can be published now. */
  readonly hasRoom: boolean;
  /** The most bytes of data that a request may have. */
  readonly maxDataBytes: number;
  /**
   * Publishes a request, which a worker should convert after `delay` milliseconds, or a little sooner.
   *
   * @returns its sequence in the stream; undefined if the stream has no room, or cannot be reached in time.
   */
  publish(key: string, packet: Uint8Array, delay: number): Promise<number | undefined>;
  /** Deletes a request, if it is still there. */
  delete(sequence: number): void;
}

/** Hands requests to a stream. */
export class RemoteResponder implements Responder {
  readonly acceptsAtOnce = false;

  readonly #stream: RequestStream;
  readonly #remote = new RemoteRequests();
  #requests!: RequestTable;
  #callbacks!: ResponderCallbacks;

  constructor(stream: RequestStream) {
    this.#stream = stream;
  }

  get isReachable(): boolean {
    return this.#stream.isReachable;
  }

  start(requests: RequestTable, callbacks: ResponderCallbacks): void {
    this.#requests = requests;
    this.#callbacks = callbacks;
  }

  check(dataBytes: number): ErrorDetails | undefined {
    const { hasRoom, maxDataBytes } = this.#stream;
    if (!hasRoom) return { code: "overloaded", message: ERRORS.overloaded };
    if (dataBytes <= maxDataBytes) return undefined;
    return { code: "packet_too_large", message: `the data is longer than ${maxDataBytes} bytes` };
  }

  submit(owner: number, reader: FrameReader, i: number, delay: number): number {
    const { bytes, isAscii } = reader;
    // The stream keeps the data, so no copy is needed here.
    const none = reader.dataAt(i);
    const entry = this.#requests
      .add(owner, bytes, reader.idAt(i), reader.idEnd(i), none, none, isAscii, delay);
    const key = this.#remote.add(entry);
    const packet = encodeRequest(key, bytes, reader.dataAt(i), reader.dataEnd(i));
    void this.#publish(key, packet, delay);
    return entry;
  }

  respond(entry: number, due: number, withDelay: boolean): string | undefined {
    this.#remote.setDue(entry, due);
    const representation = this.#remote.representation(entry);
    return representation && this.#requests.responseWith(entry, representation, withDelay);
  }

  cancel(entry: number): void {
    const sequence = this.#remote.sequence(entry);
    if (sequence !== NONE) this.#stream.delete(sequence);
  }

  remove(entry: number): void {
    this.#remote.remove(entry);
    this.#requests.remove(entry);
  }

  /** Takes the answer of a worker: early or late, once or more, or to a request that is gone. */
  take(answer: Converted): void {
    const remote = this.#remote;
    const entry = remote.find(answer.key);
    if (entry === NONE) return;
    if ("error" in answer) return this.#callbacks.failed(entry, new Error(answer.error));
    // The answer may have overtaken the acknowledgement of the stream.
    if (remote.accept(entry, NONE)) this.#callbacks.accepted(entry);
    // A callback that failed has removed the request.
    if (remote.find(answer.key) === NONE) return;
    remote.setRepresentation(entry, answer.representation);
    const due = remote.due(entry);
    if (due !== NONE) this.#callbacks.ready(entry, due);
  }

  async #publish(key: string, packet: Uint8Array, delay: number): Promise<void> {
    try {
      const sequence = await this.#stream.publish(key, packet, delay);
      const entry = this.#remote.find(key);
      if (sequence === undefined) {
        if (entry !== NONE) this.#callbacks.rejected(entry);
      } else if (entry === NONE) {
        this.#stream.delete(sequence);
      } else if (this.#remote.accept(entry, sequence)) {
        this.#callbacks.accepted(entry);
      }
    } catch (error) {
      const entry = this.#remote.find(key);
      if (entry !== NONE) this.#callbacks.failed(entry, error);
    }
  }
}
