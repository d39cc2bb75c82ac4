/**
 * Frames to send. Their text is made in advance, except for the ids.
 *
 * @module
 */

import { encodeFrame, encodeRequest } from "../protocol.ts";

/** The text of a request up to its id. Ids are strings of digits, which every server accepts. */
const HEAD = '{"request_id":"';

/** Data of the requests, used in turn. */
export class Payload {
  /** The text of a request after its id, for each data. */
  readonly #tails: readonly string[];
  readonly #batch: string[] = [];
  #turn = 0;

  /** @param data at least one. */
  constructor(data: readonly string[]) {
    this.#tails = data.map((one) => encodeRequest("", one).slice(HEAD.length));
  }

  /** Returns the frame of `count` requests, numbered from `first`. */
  frame(first: number, count: number): string {
    if (count === 1) return this.#request(first);
    this.#batch.length = 0;
    for (let i = 0; i < count; i++) this.#batch.push(this.#request(first + i));
    return encodeFrame(this.#batch);
  }

  #request(number: number): string {
    const tail = this.#tails[this.#turn]!;
    if (++this.#turn === this.#tails.length) this.#turn = 0;
    return HEAD + number + tail;
  }
}

/** Returns the number of a request by its id; 0 if no {@linkcode Payload} makes such an id. */
export function numberOf(id: string | number | null): number {
  if (typeof id !== "string" || id.length > 15) return 0;
  let number = 0;
  for (let i = 0; i < id.length; i++) {
    const digit = id.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9 || number === 0 && digit === 0) return 0;
    number = 10 * number + digit;
  }
  return number;
}
