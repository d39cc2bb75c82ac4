/**
 * A token that must not be found out.
 *
 * @module
 */

import process from "node:process";

/** What a token may consist of (RFC 6750), so that it can be put into a header. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

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

/**
 * Checks that a token can stand in a header.
 *
 * @throws {RangeError} that does not say what the token is.
 */
export function checkToken(token: string): void {
  if (TOKEN.test(token)) return;
  const got = token === "" ? "nothing" : "other characters";
  throw new RangeError(`want a token of letters, digits and -._~+/, with = at its end; got ${got}`);
}
