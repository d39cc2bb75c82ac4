/**
 * The token that a server may require.
 *
 * @module
 */

/** A bearer token (RFC 6750). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** The prefix of the subprotocol that contains a token: pages can send a token in no other way. */
export const TOKEN_PREFIX = "asyncpkt.token.";

/**
 * Checks the form of a token.
 *
 * @throws {RangeError} if it is invalid. The message does not contain the token.
 */
export function checkToken(token: string): void {
  if (TOKEN.test(token)) return;
  throw new RangeError(
    "expected a token of letters, digits and -._~+/, with = only at its end, " +
      `got ${token === "" ? "an empty text" : "other characters"}`,
  );
}

/**
 * Returns the subprotocol that contains a token.
 *
 * @throws {RangeError} if the token is invalid.
 */
export function offerOf(token: string): string {
  checkToken(token);
  return TOKEN_PREFIX + encodeURIComponent(token);
}
