/**
 * The protocol's error table.
 *
 * @module
 */

/** A code of the protocol's error table. */
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
 * What a code means: the message of an error that has nothing more exact to say.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ERRORS } from "@asyncpkt/asyncpkt/protocol";
 *
 * assertEquals(ERRORS.cancelled, "given up by the client");
 * ```
 */
export const ERRORS: Readonly<Record<ErrorCode, string>> = {
  invalid_json: "the frame is not JSON",
  invalid_packet: 'not a packet: want {"request_id": string or integer, "data": string}',
  duplicate_request_id: "a request with this request_id is in flight on this connection",
  packet_too_large: "the frame is longer than the server's limit",
  overloaded: "too many requests in flight; send it again later",
  cancelled: "given up by the client",
  shutting_down: "the server is draining; send it again elsewhere",
  internal: "a fault of the server's own; its log says more",
};

/**
 * Whether `code` is one of the protocol's error table.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isErrorCode } from "@asyncpkt/asyncpkt/protocol";
 *
 * assert(isErrorCode("overloaded"));
 * assert(!isErrorCode("toString"));
 * ```
 */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}
