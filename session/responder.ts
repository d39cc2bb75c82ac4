/**
 * Responders turn accepted requests into their responses: here, or with the help of other processes.
 *
 * @module
 */

import type { ErrorDetails } from "../protocol.ts";
import { NO_DELAY, responseText } from "../protocol/answer_writer.ts";
import type { FrameReader } from "../protocol/frame_reader.ts";
import type { RequestTable } from "./request_table.ts";

/** What a responder that needs time reports about requests in flight, which it knows by their entries. */
export interface ResponderCallbacks {
  /** The request counts as accepted from now on. */
  accepted(entry: number): void;
  /** The request cannot be taken on; its client may try again. */
  rejected(entry: number): void;
  /** The request cannot be answered, for a reason that is not its client's. */
  failed(entry: number, error: unknown): void;
  /** The response of a request that fell due at time `due` can be had now. */
  ready(entry: number, due: number): void;
}

/** Turns requests into responses. It adds each request to the table of those in flight, and removes it. */
export interface Responder {
  /** Whether requests count as accepted when they are submitted; else a callback says when. */
  readonly acceptsAtOnce: boolean;
  /** Whether what it depends on can be reached. */
  readonly isReachable: boolean;
  /** Called once, before anything else, where responses take time. */
  start?(requests: RequestTable, callbacks: ResponderCallbacks): void;
  /** Returns why a request with so many bytes of data cannot be submitted now; undefined if it can. */
  check?(dataBytes: number): ErrorDetails | undefined;
  /** Returns the response to packet `i` of a frame, as JSON text, where no time has to pass. */
  respondAtOnce?(reader: FrameReader, i: number, withDelay: boolean): string;
  /**
   * Takes on packet `i` of a frame, as a request of session `owner`; returns its entry.
   *
   * @param delay its delay, in milliseconds.
   */
  submit(owner: number, reader: FrameReader, i: number, delay: number): number;
  /**
   * Returns the response to a request that fell due at time `due`, as JSON text; undefined if it is not
   * ready yet: then a callback says when it is.
   */
  respond(entry: number, due: number, withDelay: boolean): string | undefined;
  /** No response is wanted any more; {@linkcode Responder.remove} follows. */
  cancel(entry: number): void;
  /** Removes a request from those in flight. */
  remove(entry: number): void;
}

/** Converts each request in this process, when it is due. */
export class LocalResponder implements Responder {
  readonly acceptsAtOnce = true;
  readonly isReachable = true;
  readonly #requests: RequestTable;

  constructor(requests: RequestTable) {
    this.#requests = requests;
  }

  respondAtOnce(reader: FrameReader, i: number, withDelay: boolean): string {
    return responseText(
      reader.bytes,
      reader.idAt(i),
      reader.idEnd(i),
      reader.dataAt(i),
      reader.dataEnd(i),
      reader.isAscii,
      withDelay ? 0 : NO_DELAY,
    );
  }

  submit(owner: number, reader: FrameReader, i: number, delay: number): number {
    return this.#requests.add(
      owner,
      reader.bytes,
      reader.idAt(i),
      reader.idEnd(i),
      reader.dataAt(i),
      reader.dataEnd(i),
      reader.isAscii,
      delay,
    );
  }

  respond(entry: number, _due: number, withDelay: boolean): string {
    return this.#requests.response(entry, withDelay);
  }

  cancel(): void {}

  remove(entry: number): void {
    this.#requests.remove(entry);
  }
}
