/**
 * The server for programs: {@linkcode serve} starts it.
 *
 * @module
 */

import { type ServeOptions, type Server, startServer } from "./server/start.ts";

export type { Limits, SessionEvents } from "./session/context.ts";
export type { Tap } from "./session/tap.ts";
export type { Delay, DelayRange, LognormalDelay, NormalDelay } from "./session/delays.ts";
export type { FaultRates } from "./session/fault_policy.ts";
export type { FaultKind, TransportFault } from "./session/faults.ts";
export type { Certificate } from "./server/listener.ts";
export type { ConnectionLimits } from "./server/connections.ts";
export type { ServerEvents } from "./server/events.ts";
export { DEFAULT_PORT, type Drained, type ServeOptions, type Server } from "./server/start.ts";

/**
 * Starts a server that answers packets over WebSocket at `/` and over HTTP by `POST /`.
 *
 * @returns the server, which listens already. `await using` drains it.
 * @throws {RangeError} if an option is out of range.
 * @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of listening.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { serve } from "@asyncpkt/asyncpkt/server";
 *
 * await using server = serve({ port: 0, delay: { min: 0, max: 0 } });
 * const answer = await fetch(server.url.replace("ws", "http"), {
 *   method: "POST",
 *   body: '{"request_id":"01","data":"Hub&&name&&qwe"}',
 * });
 * assertEquals(await answer.json(), { request_id: "01", data: { Hub: { name: "qwe" } } });
 * ```
 */
export function serve(options: ServeOptions = {}): Server {
  return startServer(options);
}
