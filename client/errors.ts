/**
 * The errors of the client.
 *
 * @module
 */

import type { ErrorCode, RequestId } from "../protocol.ts";

/** Codes of {@linkcode ClientError}. */
export type ClientErrorCode =
  | ErrorCode
  | "timed_out"
  | "aborted"
  | "connection_failed"
  | "connection_lost"
  | "closed";

/**
 * The reason why a connection or a request failed.
 *
 * @example
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { Client, ClientError } from "@asyncpkt/asyncpkt/client";
 *
 * const error = await assertRejects(() => Client.connect("ws://127.0.0.1:1"), ClientError);
 * assertEquals(error.code, "connection_failed");
 * ```
 */
export class ClientError extends Error {
  /** The name of the class. */
  override name = "ClientError";
  /** The reason, for programs; `message` is for people. */
  readonly code: ClientErrorCode;
  /** The id of the request that failed, if one did. */
  requestId?: RequestId;

  /** Creates an error; the client does this. */
  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * An error answer of the server. Codes unknown to this version are kept.
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
  /** The name of the class. */
  override name = "RequestError";
}

/**
 * A timeout. The client has cancelled the request. If the connection was lost or the server refused
 * the request before, that error is the `cause`.
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
  /** The name of the class. */
  override name = "TimeoutError";

  /** Creates an error for a timeout in milliseconds. */
  constructor(timeout: number, cause?: ClientError) {
    const last = cause === undefined ? "" : `; before that, ${cause.code}: ${cause.message}`;
    super("timed_out", `no answer within ${timeout / 1000} s${last}`, cause && { cause });
  }
}

/**
 * The caller aborted the signal; the `cause` is the reason of the signal.
 *
 * @example
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { AbortError, Client } from "@asyncpkt/asyncpkt/client";
 *
 * const signal = AbortSignal.abort("not today");
 * const connecting = Client.connect("ws://127.0.0.1:1", { signal });
 * const { cause } = await assertRejects(() => connecting, AbortError);
 * assertEquals(cause, "not today");
 * ```
 */
export class AbortError extends ClientError {
  /** The name of the class. */
  override name = "AbortError";

  /** Creates an error for the reason of a signal. */
  constructor(reason: unknown) {
    super("aborted", "aborted by the caller", { cause: reason });
  }
}

/**
 * The connection could not be opened, was lost, or was closed.
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
  /** The name of the class. */
  override name = "ConnectionError";
}

/** Creates the error of a request. It is called where the stack still shows the caller. */
export type ErrorFactory = () => ClientError;
