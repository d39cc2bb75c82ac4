/**
 * Responders turn accepted requests into responses, in this process or with the help of others.
 *
 * @module
 */

import type { ErrorDetails } from "../protocol.ts";
import { NO_DELAY, type RequestReader, type Wire, type WrittenResponse } from "../protocol/wire.ts";
import type { RequestTable } from "./request_table.ts";

/** Callbacks of a responder that needs time, about requests in flight. */
export interface ResponderCallbacks {
  /** Whether requests fall due as time passes. */
  readonly isRealTime: boolean;
  accepted(entry: number): void;
  /** The request cannot be accepted; its client may try again. */
  rejected(entry: number): void;
  /** An error of the server keeps the request from being answered. */
  failed(entry: number, error: unknown): void;
  /** The response to a request that was due at time `due` is ready. */
  ready(entry: number, due: number): void;
}

/** Turns requests into responses. It adds requests to the table, and removes them. */
export interface Responder {
  /** Whether requests are accepted when they are submitted; otherwise a callback accepts them. */
  readonly acceptsAtOnce: boolean;
  /** Whether the servers that it depends on can be reached. */
  readonly isReachable: boolean;
  /** Called once, before anything else. */
  start?(requests: RequestTable, callbacks: ResponderCallbacks): void;
  /** Returns why a request with this much data cannot be submitted now; undefined if it can. */
  check?(dataBytes: number): ErrorDetails | undefined;
  /** Returns the response to packet `i` of a frame at once; valid until the next. */
  respondAtOnce?(reader: RequestReader, i: number, withDelay: boolean): WrittenResponse;
  /**
   * Adds packet `i` of a frame as a request of session `owner`; returns its entry.
   *
   * @param delay its delay, in milliseconds.
   */
  submit(owner: number, reader: RequestReader, i: number, delay: number): number;
  /** Returns the response to a request that was due at `due`, if it is ready; valid until the next. */
  respond(entry: number, due: number, withDelay: boolean): WrittenResponse | undefined;
  /** Gives up on a response; a call of {@linkcode Responder.remove} follows. */
  cancel(entry: number): void;
  remove(entry: number): void;
}

/** Requests of a session that were submitted, and neither accepted nor removed yet. */
export class Unaccepted extends Set<number> {
  #decided: PromiseWithResolvers<void> | undefined;

  /** Resolves once there are none; undefined if there are none now. */
  get decided(): Promise<void> | undefined {
    return this.size === 0 ? undefined : (this.#decided ??= Promise.withResolvers()).promise;
  }

  override delete(entry: number): boolean {
    const isDeleted = super.delete(entry);
    if (this.size === 0) {
      this.#decided?.resolve();
      this.#decided = undefined;
    }
    return isDeleted;
  }
}

/** Converts each request in this process, when it is due. */
export class LocalResponder implements Responder {
  readonly acceptsAtOnce = true;
  readonly isReachable = true;
  readonly #requests: RequestTable;
  readonly #wire: Wire;

  constructor(requests: RequestTable, wire: Wire) {
    this.#requests = requests;
    this.#wire = wire;
  }

  respondAtOnce(reader: RequestReader, i: number, withDelay: boolean): WrittenResponse {
    return this.#wire.response(
      reader.bytes,
      reader.idAt(i),
      reader.idEnd(i),
      reader.dataAt(i),
      reader.dataEnd(i),
      reader.isAscii,
      withDelay ? 0 : NO_DELAY,
    );
  }

  submit(owner: number, reader: RequestReader, i: number, delay: number): number {
    const dataAt = reader.dataAt(i); // may replace the bytes
    return this.#requests.add(
      owner,
      reader.bytes,
      reader.idAt(i),
      reader.idEnd(i),
      dataAt,
      reader.dataEnd(i),
      reader.isAscii,
      delay,
    );
  }

  respond(entry: number, _due: number, withDelay: boolean): WrittenResponse {
    return this.#requests.response(entry, withDelay);
  }

  cancel(): void {}

  remove(entry: number): void {
    this.#requests.remove(entry);
  }
}

/** Lets a protocol answer without a detour through bytes if there is no delay. */
export class MessageResponder extends LocalResponder {
  readonly #responseAtOnce: NonNullable<Wire["responseAtOnce"]>;

  constructor(
    requests: RequestTable,
    wire: Wire,
    responseAtOnce: NonNullable<Wire["responseAtOnce"]>,
  ) {
    super(requests, wire);
    this.#responseAtOnce = responseAtOnce;
  }

  override respondAtOnce(_reader: RequestReader, i: number): WrittenResponse {
    return this.#responseAtOnce(i);
  }
}

/** Returns the responder that needs no others. */
export function localResponder(requests: RequestTable, wire: Wire): Responder {
  const { responseAtOnce } = wire;
  return responseAtOnce === undefined
    ? new LocalResponder(requests, wire)
    : new MessageResponder(requests, wire, responseAtOnce);
}
