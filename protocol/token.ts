/**
 * The token that a server may ask for.
 *
 * @module
 */

/** What can stand in a header as it is (RFC 6750). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * Checks that a text can be a token.
 *
 * @throws {RangeError} if it cannot; that does not say what it is.
 */
export function checkToken(token: string): void {
  if (TOKEN.test(token)) return;
  const reason = token === "" ? "it is empty" : "it has other characters";
  throw new RangeError(`want a token of letters, digits and -._~+/, with = at its end; ${reason}`);
}

/** What stands before a token among the subprotocols, the only place where a page can put one. */
export const TOKEN_PREFIX = "asyncpkt.token.";

/**
 * The subprotocol by which a client shows its token.
 *
 * @throws {RangeError} if the text cannot be a token.
 */
export function offerOf(token: string): string {
  checkToken(token);
  return TOKEN_PREFIX + encodeURIComponent(token);
}
