/**
 * A token that must not be found out.
 *
 * @module
 */

import process from "node:process";
import { checkToken } from "../protocol/token.ts";

/**
 * A token that can be compared and not be read. Both sides are hashed with a key of this process first, so
 * the time that it takes tells nothing of how much of a guess is right.
 */
export class Secret {
  readonly #hash: (text: string) => Uint8Array;
  readonly #isEqual: (a: Uint8Array, b: Uint8Array) => boolean;
  readonly #expected: Uint8Array;

  /** @throws {RangeError} if the token could not stand in a header. */
  constructor(token: string) {
    checkToken(token);
    // Loaded here, as servers without a token are to start sooner.
    const { createHmac, timingSafeEqual } = process.getBuiltinModule("node:crypto");
    const key = crypto.getRandomValues(new Uint8Array(32));
    this.#hash = (text) => createHmac("sha256", key).update(text).digest();
    this.#isEqual = timingSafeEqual;
    this.#expected = this.#hash(token);
  }

  /** Whether a token is this one. */
  is(token: string): boolean {
    return this.#isEqual(this.#hash(token), this.#expected);
  }
}
