/**
 * State that the sessions of a server share, and their interfaces to carriers and events.
 *
 * @module
 */

import { type ErrorCode, type ErrorDetails, ERRORS } from "../protocol.ts";
import type { Frame, RequestReader, Wire } from "../protocol/wire.ts";
import type { Counters } from "./counters.ts";
import type { FaultKind, Replacement, TransportFault } from "./faults.ts";
import type { Plan, Planner } from "./plan.ts";
import type { RequestTable } from "./request_table.ts";
import type { Responder } from "./responder.ts";
import type { ArrivedRequest } from "./rules.ts";
import type { TimingWheel } from "./timing_wheel.ts";

/** Returns an error with its default message. */
export function detailsOf(code: ErrorCode): ErrorDetails {
  return { code, message: ERRORS[code] };
}

/** Limits of sessions. */
export interface Limits {
  /** The longest frame, in bytes of UTF-8. */
  maxPacketSize: number;
  /** Requests in flight on one connection. */
  maxInFlight: number;
  /** Requests in flight on all connections together. */
  maxInFlightTotal: number;
  /** Wrong packets in a row after which the server closes the connection with 1008. */
  maxConsecutiveErrors: number;
}

/** The default limits. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  maxPacketSize: 1 << 20,
  maxInFlight: 10_000,
  maxInFlightTotal: 1_000_000,
  maxConsecutiveErrors: 100,
};

/** Events of sessions. An id is JSON text; it is `null` if a frame has none. */
export interface SessionEvents {
  /** A request was accepted; its answer is due after `delay` milliseconds. */
  accepted?(id: string, delay: number): void;
  /** A request was accepted that no time answers: it is held until its release, or forever. */
  held?(id: string, forever: boolean): void;
  /**
   * A request was answered with a response, `elapsed` milliseconds after it arrived by the clock of
   * the server.
   */
  answered?(id: string, elapsed: number): void;
  /** A request, or a frame without one, was answered with an error. */
  refused?(id: string, error: ErrorDetails): void;
  /** A request met an injected fault. */
  faulted?(id: string, kind: FaultKind): void;
  /** An error of the server itself. The client receives only the code `internal`. */
  failed?(id: string, error: unknown): void;
}

/** How a request ended. A fault that leaves no answer that the client can read counts as dropped. */
export type RequestOutcome =
  | "answered"
  | "dropped"
  | "cancelled"
  | "notification"
  | `error:${ErrorCode}`;

/** Hears of each request, such as to keep a journal. Its methods must not throw. */
export interface Observer {
  /** A request is in flight as `entry` until it ends. The plan is valid during the call only. */
  arrived(arrival: ArrivedRequest, entry: number, plan: Readonly<Plan>): void;
  /** A held request was released, after so many milliseconds; it ends as soon as it is ready. */
  released(entry: number, delay: number): void;
  ended(entry: number, outcome: RequestOutcome): void;
  /** A request ended as it arrived; without a plan, it was refused. */
  passed(arrival: ArrivedRequest, outcome: RequestOutcome, plan?: Readonly<Plan>): void;
}

/** A request in flight that no time answers. */
export interface HeldRequest {
  /** In milliseconds, by the clock of the server. */
  readonly arrivedAt: number;
  /** Whether it is never answered, and cannot be released. */
  readonly forever: boolean;
  readonly arrival: ArrivedRequest | undefined;
  /** The number of the rule that it follows. */
  readonly rule: number | undefined;
}

/** Carries the frames of a session, such as a WebSocket does. */
export interface Carrier {
  /** Sends a frame to the peer. It must not throw, and must not call back into a session. */
  send(frame: string): void;
  /** Sends `bytes[at .. end]`, which are ASCII, as a text frame. Without it, they become a string. */
  readonly sendAscii?: ((bytes: Uint8Array, at: number, end: number) => void) | undefined;
  /** Sends a binary frame; needed only for protocols that have them. */
  sendBinary?(frame: Uint8Array): void;
  /** The address of the peer, if it has one. */
  readonly address?: string | undefined;
  /** Closes the connection, such as for the fault `disconnect`. The session is closed already. */
  close?(code: number, reason: string): void;
  /** Resets the connection; returns false if the transport cannot. */
  reset?(): boolean;
  /**
   * Sends a frame in the way of a fault with this parameter; `stall` and `reset` send nothing. Without
   * this method, frames are sent as usual.
   */
  sendFaulty?(kind: TransportFault, frame: Frame, parameter?: number): void;
  /** Reports that a request met the fault `drop`, so no answer follows. */
  dropped?(): void;
}

/** State that the sessions of a server share. */
export interface SessionContext {
  readonly planner: Planner;
  readonly limits: Limits;
  readonly events: SessionEvents;
  readonly counters: Counters;
  /** Returns how many requests are in flight in other servers that share the limit. */
  readonly inFlightElsewhere: () => number;
  readonly wheel: TimingWheel;
  readonly requests: RequestTable;
  /** What replaces the responses of requests in flight, by entry. */
  readonly replacements: Map<number, Replacement>;
  /** By entry, in order of arrival. */
  readonly held: Map<number, HeldRequest>;
  /** When requests were due that the next flush answers, by entry. */
  readonly dueAtOnce: Map<number, number>;
  observer: Observer | undefined;
  readonly wire: Wire;
  /** The reader of the wire. */
  readonly reader: RequestReader;
  readonly responder: Responder;
  /** The sessions that have answers to flush. */
  readonly unsent: { flush(): void }[];
  isDraining: boolean;
}
