/**
 * What a program gives to start a server, and what it gets.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import type { Protocol } from "../protocol/message.ts";
import type { AnswerFunction } from "../session/answer_responder.ts";
import type { Clock } from "../session/clock.ts";
import type { Limits } from "../session/context.ts";
import type { Delay } from "../session/delays.ts";
import type { FaultRates } from "../session/fault_policy.ts";
import type { FaultKind } from "../session/faults.ts";
import type { JournalEntry, JournalFilter } from "../session/journal.ts";
import type { RuleList } from "../session/rules.ts";
import type { Match, Rule } from "../session/rules_schema.ts";
import type { Tap } from "../session/tap.ts";
import type { ConnectionLimits } from "./connections.ts";
import type { ServerEvents } from "./events.ts";
import type { Certificate } from "./listener.ts";
import type { Hold, Release, Settings } from "./steering.ts";

/** Options for {@linkcode serve}. */
export interface ServeOptions<C extends Clock = Clock> {
  /** The host name or address to listen on. @default {"127.0.0.1"} */
  hostname?: string;
  /** The port to listen on; 0 picks a free port. @default {2707} */
  port?: number;
  /**
   * The delays of requests, in seconds: fixed, uniform, normal or lognormal.
   *
   * @default {{ min: 1, max: 5 }}
   */
  delay?: Delay;
  /**
   * An integer that makes the delay and the fault of a request a function of the seed and the id
   * alone.
   */
  seed?: number;
  /** Faults to inject, as shares of the requests. @default {none} */
  faults?: FaultRates;
  /**
   * Limits. By default, `maxConnectionsPerAddress` is 1,000, and does not apply to this machine.
   *
   * @default {{ maxPacketSize: 1 << 20, maxInFlight: 10_000, maxInFlightTotal: 1_000_000,
   * maxConsecutiveErrors: 100, maxConnections: 10_000, maxBuffered: 1 << 24 }}
   */
  limits?: Partial<Limits & ConnectionLimits>;
  /**
   * The token that clients must send: as `Authorization: Bearer TOKEN`, or from pages as the
   * subprotocol `asyncpkt.token.TOKEN`, percent-encoded. Letters, digits and `-._~+/`, with `=` at
   * the end.
   */
  token?: string;
  /** Origins of pages that may use the server, besides its own, such as `https://example.com`. */
  allowOrigins?: readonly string[];
  /** The certificate for `wss` and `https`. @default {none} */
  tls?: Certificate;
  /**
   * The transport of WebSockets: Deno's, or the project's own, which keeps its limits whatever
   * clients send.
   *
   * @default {"deno"}
   */
  websocket?: "deno" | "strict";
  /** Delay of each handshake, in milliseconds; needs the strict transport. @default {0} */
  handshakeDelay?: number;
  /** How many handshakes to refuse with 503 at first; needs the strict transport. @default {0} */
  refuseFirst?: number;
  /**
   * The protocol of the frames. Only packets have the console, and `asyncpkt.v1`.
   *
   * @default {packets}
   */
  protocol?: Protocol;
  /**
   * Computes the result of each request when it is due: a JSON value in place of the representation.
   * The time that it takes counts as lateness, not as delay.
   *
   * @default {the answer of the protocol}
   */
  answer?: AnswerFunction;
  /** How long `answer` may take, in milliseconds; then the error is `internal`. @default {30_000} */
  answerTimeout?: number;
  /** Whether browsers get the console. @default {true} */
  console?: boolean;
  /**
   * How long a drain waits for requests in flight, in milliseconds. By default, it does not wait for
   * those that no time answers: held ones, and all if the clock is manual.
   *
   * @default {the longest delay + 5000}
   */
  drainTimeout?: number;
  /** Rules; the first that matches a request decides what happens to it. @default {none} */
  rules?: readonly Rule[];
  /** The clock by which requests fall due. @default {the time as it passes} */
  clock?: C;
  /**
   * How many requests the journal keeps; 0 for none.
   *
   * @default {10_000 with rules, a clock or the control API, otherwise 0}
   */
  journal?: number;
  /**
   * Whether the control API is served at `/control`; it needs a journal. Everyone who may use the
   * server may then steer it.
   *
   * @default {false}
   */
  control?: boolean;
  /** Called with events of requests and connections. */
  events?: ServerEvents;
  /** Called with every frame. */
  tap?: Tap;
}

/** The result of a drain. */
export interface Drained {
  /** Requests that were still in flight after the timeout, and were not answered. */
  readonly dropped: number;
  /** Connections that did not close in time; their last answers may be unread. */
  readonly cut: number;
  /** Requests since the start of the server whose connection ended before they were due. */
  readonly disconnected: number;
}

/** A running server, or several on one port. */
export interface RunningServer extends AsyncDisposable {
  /** The URL of the server, such as `ws://127.0.0.1:2707`. */
  readonly url: string;
  /** The port of the server. */
  readonly port: number;
  /** The number of requests in flight. */
  readonly inFlight: number;
  /** The number of injected faults, by kind; undefined if nothing injects any. */
  readonly faults: Readonly<Record<FaultKind, number>> | undefined;
  /**
   * Replaces the certificate; with the same one, nothing happens. For a moment, no client can
   * connect. Open connections stay open, except on Deno 2.9, which closes WebSockets with 1001.
   *
   * @throws {RangeError} if the certificate is not valid; the server keeps the old one.
   */
  setCertificate(tls: Certificate): Promise<void>;
  /** The number of requests answered with a response. */
  readonly answered: number;
  /**
   * Ends the server: refuses new connections, refuses new requests with `shutting_down`, answers
   * requests in flight, then closes each connection with 1001. Resolves when all this is done or
   * has timed out.
   */
  drain(): Promise<Drained>;
}

/** A running server that a program can steer. */
export interface Server<C extends Clock = Clock> extends RunningServer {
  /** The rules, which may change at any time. */
  readonly rules: RuleList;
  /** The clock by which requests fall due. */
  readonly clock: C;
  /** The requests in the journal, in order of arrival. @throws {TypeError} without a journal. */
  readonly requests: JournalEntry[];
  /** The settings in use. */
  readonly settings: Settings;
  /** Holds the requests that match from now on. */
  hold(match?: Match): Hold;
  /** Answers held requests at once, in order; returns their ids. */
  release(which?: Release): RequestId[];
  /**
   * Returns the requests in the journal that match, as soon as there are this many.
   *
   * @throws {DOMException} `TimeoutError` if there are fewer within `timeout` milliseconds, 5,000 by
   * default.
   * @throws {TypeError} without a journal.
   */
  received(count: number, options?: JournalFilter & { timeout?: number }): Promise<JournalEntry[]>;
  /**
   * Changes settings for requests that arrive from now on; returns them all.
   *
   * @throws {RangeError} if one is wrong; then none changes.
   */
  change(settings: Partial<Settings>): Settings;
  /** Returns to the start: rules, settings, journal. Drops requests in flight. */
  reset(): void;
}
