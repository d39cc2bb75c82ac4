/**
 * The frames that are sent, of which all but the ids is made beforehand.
 *
 * @module
 */

import { encodeFrame, encodeRequest } from "../protocol.ts";

/** The text of any request up to its id, which is a string of digits: every server takes that. */
const HEAD = '{"request_id":"';

/** Data to be sent in turn. */
export class Payload {
  /** The text of each request from its id on. */
  readonly #tails: readonly string[];
  readonly #batch: string[] = [];
  #turn = 0;

  /** @param data is not empty. */
  constructor(data: readonly string[]) {
    this.#tails = data.map((one) => encodeRequest("", one).slice(HEAD.length));
  }

  /** The frame of `count` requests, numbered from `first` on. */
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

/**
 * The number of the request that an answer names; 0 if it is none that a {@linkcode Payload} gives out.
 */
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
