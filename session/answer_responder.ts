/**
 * Lets a function of the program compute the results of requests.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";
import type { Frame, RequestReader, Wire } from "../protocol/wire.ts";
import type { RequestTable } from "./request_table.ts";
import type { Responder, ResponderCallbacks } from "./responder.ts";

/** How long a function may take by default, in milliseconds. */
const TIMEOUT = 30_000;

/** A request that a function answers. */
export interface AnswerRequest {
  /** The id; null if it has none. */
  readonly id: RequestId | null;
  /** The data of a packet, or the text of a message. */
  readonly data: string;
  /** The representation of the data, or the value of a message. */
  readonly value: unknown;
  /** Aborted when the answer is not needed any more. */
  readonly signal: AbortSignal;
}

/** Returns the result of a request: a JSON value. What it throws becomes the error `internal`. */
export type AnswerFunction = (request: AnswerRequest) => unknown;

interface Submitted {
  readonly entry: number;
  readonly id: string;
  readonly data: string;
  readonly aborter: AbortController;
  /** The result, as JSON text, once it is there. */
  result?: string;
}

/** Asks a function for the result of each request when it is due. */
export class AnswerResponder implements Responder {
  readonly acceptsAtOnce = true;
  readonly isReachable = true;
  readonly #wire: Wire;
  readonly #answer: AnswerFunction;
  readonly #timeout: number;
  readonly #submitted = new Map<number, Submitted>();
  #requests!: RequestTable;
  #callbacks!: ResponderCallbacks;

  /** @param timeout how long the function may take, in milliseconds. */
  constructor(wire: Wire, answer: AnswerFunction, timeout = TIMEOUT) {
    this.#wire = wire;
    this.#answer = answer;
    this.#timeout = timeout;
  }

  start(requests: RequestTable, callbacks: ResponderCallbacks): void {
    this.#requests = requests;
    this.#callbacks = callbacks;
  }

  submit(owner: number, reader: RequestReader, i: number, delay: number): number {
    const { bytes, isAscii } = reader;
    const none = reader.dataAt(i);
    const entry = this.#requests
      .add(owner, bytes, reader.idAt(i), reader.idEnd(i), none, none, isAscii, delay);
    const [id, data] = [reader.idText(i), reader.dataText(i)];
    this.#submitted.set(entry, { entry, id, data, aborter: new AbortController() });
    return entry;
  }

  respond(entry: number, due: number, withDelay: boolean): Frame | undefined {
    const submitted = this.#submitted.get(entry)!;
    const { result } = submitted;
    if (result !== undefined) return this.#requests.responseWith(entry, result, withDelay);
    void this.#compute(submitted, due);
    return undefined;
  }

  cancel(entry: number): void {
    this.#submitted.get(entry)!.aborter.abort();
  }

  remove(entry: number): void {
    this.#submitted.delete(entry);
    this.#requests.remove(entry);
  }

  async #compute(submitted: Submitted, due: number): Promise<void> {
    const { entry, id, data, aborter: { signal } } = submitted;
    const isInFlight = () => this.#submitted.get(entry) === submitted;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new Error(`expected a result within ${this.#timeout} ms, got none`));
    }, this.#timeout);
    try {
      const value = this.#wire.valueOf(data);
      const request = { id: parseJson(id) as RequestId | null, data, value, signal };
      const result = await Promise.race([this.#answer(request), late]);
      if (!isInFlight()) return;
      submitted.result = JSON.stringify(result) ?? "null";
      this.#callbacks.ready(entry, due);
    } catch (error) {
      if (isInFlight()) this.#callbacks.failed(entry, error);
    } finally {
      clearTimeout(timer);
    }
  }
}
