/**
 * The error codes of the protocol.
 *
 * @module
 */

/** An error code of the protocol. */
export type ErrorCode =
  | "invalid_json"
  | "invalid_packet"
  | "duplicate_request_id"
  | "packet_too_large"
  | "overloaded"
  | "cancelled"
  | "shutting_down"
  | "internal";

/**
 * The error codes and their default messages.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ERRORS } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(ERRORS.cancelled, "cancelled by the client");
 * ```
 */
export const ERRORS: Readonly<Record<ErrorCode, string>> = {
  invalid_json: "the frame is not JSON",
  invalid_packet: 'expected {"request_id": string or integer, "data": string}',
  duplicate_request_id: "a request with this request_id is in flight on this connection",
  packet_too_large: "the frame is longer than the server's limit",
  overloaded: "too many requests in flight; send it again later",
  cancelled: "cancelled by the client",
  shutting_down: "the server is draining; send it again elsewhere",
  internal: "internal error; see the log of the server",
};

/**
 * Whether a value is an error code of the protocol.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isErrorCode } from "@asyncpkt/asyncpkt/protocol";
 *
 * assert(isErrorCode("overloaded") && !isErrorCode("toString"));
 * ```
 */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}
