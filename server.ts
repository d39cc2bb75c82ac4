/**
 * The server for programs: {@linkcode serve} starts it.
 *
 * @module
 */

import type { Clock } from "./session/clock.ts";
import type { ServeOptions, Server } from "./server/api.ts";
import { startServer } from "./server/start.ts";

export {
  type Clock,
  type ManualClock,
  manualClock,
  scaledClock,
  skippingClock,
} from "./session/clock.ts";
export { echoProtocol } from "./protocol/echo.ts";
export { jsonProtocol, type JsonProtocolOptions } from "./protocol/json_protocol.ts";
export { type JsonRpcOptions, jsonRpcProtocol } from "./protocol/json_rpc.ts";
export type { Message, Protocol } from "./protocol/message.ts";
export type { AnswerFunction, AnswerRequest } from "./session/answer_responder.ts";
export type { Limits, RequestOutcome, SessionEvents } from "./session/context.ts";
export type { JournalEntry, JournalFilter } from "./session/journal.ts";
export type { RuleList, RuleState } from "./session/rules.ts";
export type { Effect, Match, Rule } from "./session/rules_schema.ts";
export type { Hold, Release, Settings } from "./server/steering.ts";
export type { Tap } from "./session/tap.ts";
export type { Delay, DelayRange, LognormalDelay, NormalDelay } from "./session/delays.ts";
export type { FaultRates } from "./session/fault_policy.ts";
export type { FaultKind, TransportFault } from "./session/faults.ts";
export type { Certificate } from "./server/listener.ts";
export type { ConnectionLimits } from "./server/connections.ts";
export type { ServerEvents } from "./server/events.ts";
export type { Drained, RunningServer, ServeOptions, Server } from "./server/api.ts";
export { DEFAULT_PORT } from "./server/start.ts";

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
 * await using server = serve({ port: 0, delay: 0 });
 * const answer = await fetch(server.url.replace("ws", "http"), {
 *   method: "POST",
 *   body: '{"request_id":"01","data":"Hub&&name&&qwe"}',
 * });
 * assertEquals(await answer.json(), { request_id: "01", data: { Hub: { name: "qwe" } } });
 * ```
 */
export function serve<C extends Clock = Clock>(options: ServeOptions<C> = {}): Server<C> {
  return startServer(options);
}
