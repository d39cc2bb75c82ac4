/**
 * A responder whose requests are converted elsewhere. It publishes each request to a stream and takes
 * the answers of workers. Only the gateway knows whose request it is, and sends the answer when due.
 *
 * @module
 */

import { type ErrorDetails, ERRORS } from "../../protocol.ts";
import type { Frame, RequestReader } from "../../protocol/wire.ts";
import type { RequestTable } from "../../session/request_table.ts";
import type { Responder, ResponderCallbacks } from "../../session/responder.ts";
import { encodeWorkerRequest, type WorkerAnswer } from "./message.ts";

/** A stream of requests that wait for a worker. */
export interface RequestStream extends AsyncDisposable {
  /** Whether the stream can be reached. */
  readonly isReachable: boolean;
  /** Whether there is room to publish another request now. */
  readonly hasRoom: boolean;
  /** Most bytes of data in a request. */
  readonly maxDataBytes: number;
  /** Calls `onAnswer` for each answer of a worker. Called once, before anything else. */
  listen(onAnswer: (answer: WorkerAnswer) => void): void;
  /**
   * Publishes a request, which a worker should convert about `delay` milliseconds later.
   *
   * @returns its sequence number in the stream; undefined if there was no room in time.
   */
  publish(key: string, packet: Uint8Array, delay: number): Promise<number | undefined>;
  /** Deletes a request, if it is still in the stream. */
  delete(sequence: number): void;
}

/** A request in flight. */
interface RemoteRequest {
  readonly entry: number;
  /** Known to workers. It contains the entry; no other request ever has the same key. */
  readonly key: string;
  isAccepted: boolean;
  sequence?: number;
  /** When the request was due, once its delay is over. */
  due?: number;
  /** The answer, as JSON text. */
  representation?: string;
}

/** Hands requests to a stream. */
export class RemoteResponder implements Responder, AsyncDisposable {
  readonly acceptsAtOnce = false;

  readonly #stream: RequestStream;
  /** The requests by their entries in the table. */
  readonly #remote: (RemoteRequest | undefined)[] = [];
  #lastSerial = 0;
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
    this.#stream.listen((answer) => this.#take(answer));
  }

  check(dataBytes: number): ErrorDetails | undefined {
    const { hasRoom, maxDataBytes } = this.#stream;
    if (!hasRoom) return { code: "overloaded", message: ERRORS.overloaded };
    if (dataBytes <= maxDataBytes) return undefined;
    return { code: "packet_too_large", message: `the data is longer than ${maxDataBytes} bytes` };
  }

  submit(owner: number, reader: RequestReader, i: number, delay: number): number {
    const { bytes, isAscii } = reader;
    // The stream keeps the data, so the table gets none.
    const none = reader.dataAt(i);
    const entry = this.#requests
      .add(owner, bytes, reader.idAt(i), reader.idEnd(i), none, none, isAscii, delay);
    const request = { entry, key: `${entry}-${++this.#lastSerial}`, isAccepted: false };
    this.#remote[entry] = request;
    const packet = encodeWorkerRequest(request.key, bytes, reader.dataAt(i), reader.dataEnd(i));
    // Workers wait as time passes; by another clock, the request may be due at once.
    void this.#publish(request, packet, this.#callbacks.isRealTime ? delay : 0);
    return entry;
  }

  respond(entry: number, due: number, withDelay: boolean): Frame | undefined {
    const request = this.#remote[entry]!;
    request.due = due;
    const { representation } = request;
    return representation && this.#requests.responseWith(entry, representation, withDelay);
  }

  cancel(entry: number): void {
    const { sequence } = this.#remote[entry]!;
    if (sequence !== undefined) this.#stream.delete(sequence);
  }

  remove(entry: number): void {
    this.#remote[entry] = undefined;
    this.#requests.remove(entry);
  }

  /** Closes the stream. Requests that are still in it expire there. */
  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#stream[Symbol.asyncDispose]();
  }

  /** Takes an answer, which may be early, late, repeated, or for a request that is gone. */
  #take(answer: WorkerAnswer): void {
    const request = this.#remote[parseInt(answer.key)];
    if (request?.key !== answer.key) return;
    const { entry } = request;
    if ("error" in answer) return this.#callbacks.failed(entry, new Error(answer.error));
    // The answer may have overtaken the acknowledgement of the stream.
    this.#accept(request);
    if (!this.#isInFlight(request)) return; // a callback that failed has removed it
    request.representation = answer.representation;
    if (request.due !== undefined) this.#callbacks.ready(entry, request.due);
  }

  async #publish(request: RemoteRequest, packet: Uint8Array, delay: number): Promise<void> {
    const { entry, key } = request;
    try {
      const sequence = await this.#stream.publish(key, packet, delay);
      if (sequence === undefined) {
        if (this.#isInFlight(request)) this.#callbacks.rejected(entry);
      } else if (this.#isInFlight(request)) {
        request.sequence = sequence;
        this.#accept(request);
      } else {
        this.#stream.delete(sequence);
      }
    } catch (error) {
      if (this.#isInFlight(request)) this.#callbacks.failed(entry, error);
    }
  }

  #accept(request: RemoteRequest): void {
    if (request.isAccepted) return;
    request.isAccepted = true;
    this.#callbacks.accepted(request.entry);
  }

  #isInFlight(request: RemoteRequest): boolean {
    return this.#remote[request.entry] === request;
  }
}
