/**
 * The errors of the client, one tree.
 *
 *     ClientError
 *     ├── RequestError     the server answered with an error; `code` is of the protocol's table
 *     ├── TimeoutError     timed_out
 *     ├── AbortError       aborted
 *     └── ConnectionError  connection_failed, connection_lost, closed
 *
 * @module
 */

import type { ErrorCode, RequestId } from "../protocol.ts";

/** What {@linkcode ClientError} has for `code`. */
export type ClientErrorCode =
  | ErrorCode
  | "timed_out"
  | "aborted"
  | "connection_failed"
  | "connection_lost"
  | "closed";

/**
 * Why a request has no response. `code` says it to programs, `message` to people.
 *
 * @example
 * ```ts
 * import { assert, assertEquals, assertRejects } from "@std/assert";
 * import { Client, ClientError } from "@asyncpkt/asyncpkt/client";
 *
 * const error = await assertRejects(() => Client.connect("ws://127.0.0.1:1"));
 * assert(error instanceof ClientError);
 * assertEquals(error.code, "connection_failed");
 * ```
 */
export class ClientError extends Error {
  override name = "ClientError";
  /** What happened, for programs. */
  readonly code: ClientErrorCode;
  /** The request that has no response, if it is the error of one. */
  requestId?: RequestId;

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The server answered with an error. A code that the protocol does not know is kept as it came.
 *
 * @example
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { Client, RequestError } from "@asyncpkt/asyncpkt/client";
 * import { serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0, limits: { maxPacketSize: 64 } });
 * await using client = await Client.connect(server.url);
 * const error = await assertRejects(() => client.request("a".repeat(100)), RequestError);
 * assertEquals(error.code, "packet_too_large");
 * ```
 */
export class RequestError extends ClientError {
  override name = "RequestError";
}

/**
 * No answer came in time; the server was told that nobody waits for it any more. If something is known to
 * have stood in the way, a lost connection or a refusal, it is the `cause`.
 *
 * @example
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { Client, TimeoutError } from "@asyncpkt/asyncpkt/client";
 * import { serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0 });
 * await using client = await Client.connect(server.url);
 * const error = await assertRejects(() => client.request("", { timeout: 20 }), TimeoutError);
 * assertEquals(error.code, "timed_out");
 * ```
 */
export class TimeoutError extends ClientError {
  override name = "TimeoutError";

  /** @param timeout in milliseconds. */
  constructor(timeout: number, cause?: ClientError) {
    const last = cause === undefined ? "" : `; before that, ${cause.code}: ${cause.message}`;
    super("timed_out", `no answer within ${timeout / 1000} s${last}`, cause && { cause });
  }
}

/**
 * The caller's signal was aborted, for the reason that is the `cause`.
 *
 * @example
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { AbortError, Client } from "@asyncpkt/asyncpkt/client";
 *
 * const signal = AbortSignal.abort("not today");
 * const error = await assertRejects(() => Client.connect("ws://127.0.0.1:1", { signal }), AbortError);
 * assertEquals(error.cause, "not today");
 * ```
 */
export class AbortError extends ClientError {
  override name = "AbortError";

  constructor(reason: unknown) {
    super("aborted", "given up by the caller", { cause: reason });
  }
}

/**
 * There is no connection, or there is none any more.
 *
 * @example
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { Client, ConnectionError } from "@asyncpkt/asyncpkt/client";
 * import { serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0 });
 * const client = await Client.connect(server.url);
 * await client.close();
 * const error = await assertRejects(() => client.request("a&&b&&c"), ConnectionError);
 * assertEquals(error.code, "closed");
 * ```
 */
export class ConnectionError extends ClientError {
  override name = "ConnectionError";
}

/** Makes the error of a request. It is called where the engine knows who awaits, for the stack. */
export type ErrorFactory = () => ClientError;
