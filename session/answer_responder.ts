/**
 * Lets a function of the program compute the results of requests.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";
import type { Frame, RequestReader } from "../protocol/wire.ts";
import { MAX_TIMEOUT } from "./clock.ts";
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
  readonly value: () => unknown;
  readonly aborter: AbortController;
  /** The result, as JSON text, once it is there. */
  result?: string;
}

/** Asks a function for the result of each request when it is due. */
export class AnswerResponder implements Responder {
  readonly acceptsAtOnce = true;
  readonly isReachable = true;
  readonly #answer: AnswerFunction;
  readonly #timeout: number;
  readonly #submitted = new Map<number, Submitted>();
  #requests!: RequestTable;
  #callbacks!: ResponderCallbacks;

  /**
   * @param timeout how long the function may take, in milliseconds.
   * @throws {RangeError} if the timeout is not positive.
   */
  constructor(answer: AnswerFunction, timeout = TIMEOUT) {
    if (!(timeout > 0)) {
      throw new RangeError(`answerTimeout: expected a positive number, got ${timeout}`);
    }
    this.#answer = answer;
    this.#timeout = Math.min(timeout, MAX_TIMEOUT);
  }

  start(requests: RequestTable, callbacks: ResponderCallbacks): void {
    this.#requests = requests;
    this.#callbacks = callbacks;
  }

  submit(owner: number, reader: RequestReader, i: number, delay: number): number {
    const [id, data] = [reader.idText(i), reader.dataText(i)];
    const value = reader.value(i, data);
    const [idAt, idEnd] = [reader.idAt(i), reader.idEnd(i)];
    // The result may be any text.
    const isAscii = false;
    const entry = this.#requests.add(
      owner,
      reader.bytes,
      idAt,
      idEnd,
      idEnd,
      idEnd,
      isAscii,
      delay,
    );
    this.#submitted.set(entry, { entry, id, data, value, aborter: new AbortController() });
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
    const { entry, data, aborter: { signal } } = submitted;
    const id = parseJson(submitted.id) as RequestId | null;
    const isInFlight = () => this.#submitted.get(entry) === submitted;
    const { promise: over, resolve, reject } = Promise.withResolvers<unknown>();
    signal.addEventListener("abort", resolve);
    const timer = setTimeout(() => {
      reject(new Error(`expected a result within ${this.#timeout} ms, got none`));
    }, this.#timeout);
    try {
      const value = submitted.value();
      const result = await Promise.race([this.#answer({ id, data, value, signal }), over]);
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
