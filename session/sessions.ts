/**
 * All sessions of a process: one time, one set of limits, one table of the requests in flight. Carriers
 * bring the frames; a driver asks when the next request is due, and says when time has passed.
 *
 * @module
 */

import { FrameReader } from "../protocol/frame_reader.ts";
import {
  type Carrier,
  DEFAULT_LIMITS,
  type Limits,
  type SessionContext,
  type SessionEvents,
} from "./context.ts";
import { Counters } from "./counters.ts";
import type { DelayPolicy } from "./delays.ts";
import type { FaultKind, FaultPolicy } from "./fault_policy.ts";
import { type DisconnectedIds, Planner } from "./plan.ts";
import { RequestTable } from "./request_table.ts";
import { LocalResponder, type Responder, type ResponderCallbacks } from "./responder.ts";
import { Session } from "./session.ts";
import { type Tap, TappedSession } from "./tap.ts";
import { TimingWheel } from "./timing_wheel.ts";

/** Memory is reserved for up to so many requests in flight. */
const MAX_RESERVED = 1 << 20;

/** Options for {@linkcode Sessions}. */
export interface SessionsOptions {
  /** Delays of requests. */
  delays: DelayPolicy;
  /** Faults that requests meet. @default {none} */
  faults?: FaultPolicy | undefined;
  /** @default {DEFAULT_LIMITS} */
  limits?: Partial<Limits>;
  /** Called as requests come and go. What a callback throws fails that request alone. */
  events?: SessionEvents;
  /** Called for every frame. */
  tap?: Tap | undefined;
  /** Turns requests into responses. @default {in this process} */
  responder?: Responder | undefined;
  /** What counts. */
  counters?: Counters;
  /** The ids that disconnected their clients on purpose. @default {those of this process} */
  disconnectedIds?: DisconnectedIds | undefined;
  /**
   * Returns how many requests are in flight in other servers that share the limit; `inFlight` are in
   * flight here. @default {none}
   */
  inFlightElsewhere?: ((inFlight: number) => number) | undefined;
}

/**
 * All sessions of a process. Time is in milliseconds, on any clock that does not go back.
 */
export class Sessions {
  readonly #context: SessionContext;
  /** By number; the number of a session that has ended is given to another. */
  readonly #open: (Session | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #tap: Tap | undefined;
  #opened = 0;
  /** The time to which they were last advanced. */
  #now = 0;

  /** @throws {RangeError} if a limit is not a positive integer. */
  constructor(
    {
      delays,
      faults,
      limits,
      events = {},
      tap,
      responder,
      counters = new Counters(),
      disconnectedIds,
      inFlightElsewhere = () => 0,
    }: SessionsOptions,
  ) {
    const all = { ...DEFAULT_LIMITS, ...limits };
    for (const [name, limit] of Object.entries(all)) {
      if (Number.isSafeInteger(limit) && limit > 0) continue;
      throw new RangeError(`${name}: expected a positive integer, got ${limit}`);
    }
    const capacity = Math.min(all.maxInFlightTotal, MAX_RESERVED);
    const requests = new RequestTable(capacity);
    this.#tap = tap;
    this.#context = {
      planner: new Planner(delays, faults, disconnectedIds),
      limits: all,
      events,
      counters,
      inFlightElsewhere,
      wheel: new TimingWheel(0, capacity),
      requests,
      faults: new Map(),
      reader: new FrameReader(),
      responder: responder ?? new LocalResponder(requests),
      unsent: [],
      isDraining: false,
    };
  }

  /** The limits in force. */
  get limits(): Readonly<Limits> {
    return this.#context.limits;
  }

  /** Counts since the start. */
  get counters(): Readonly<Counters> {
    return this.#context.counters;
  }

  /** How many requests are in flight. */
  get inFlight(): number {
    return this.#context.requests.size;
  }

  /** How many requests have been answered with a response. */
  get answered(): number {
    return this.#context.counters.answered;
  }

  /** Nothing is due before this time; Infinity when nothing is in flight. */
  get nextDue(): number {
    return this.#context.wheel.nextDue;
  }

  /** Whether each request is answered within the call that receives it, so that time does not matter. */
  get isTimeless(): boolean {
    const { planner, responder } = this.#context;
    return planner.isImmediate && responder.respondAtOnce !== undefined;
  }

  /** How often requests met each kind of fault; undefined if none can. */
  get faults(): Readonly<Record<FaultKind, number>> | undefined {
    return this.#context.planner.hasFaults ? this.#context.counters.faults : undefined;
  }

  /** Whether answers wait for {@linkcode Sessions.flush}. */
  get hasUnsent(): boolean {
    return this.#context.unsent.length > 0;
  }

  /** Starts the responder, if it needs that; called once, before the first session opens. */
  start(callbacks: ResponderCallbacks): void {
    this.#context.responder.start?.(this.#context.requests, callbacks);
  }

  /**
   * Begins a session.
   *
   * @param carrier where its frames go.
   * @param batched whether the peer speaks `asyncpkt.v1`: answers then carry their delay, and wait for
   * {@linkcode Sessions.flush} to share a frame. Otherwise each is sent at once.
   */
  open(carrier: Carrier, batched = false): Session {
    const number = this.#freeNumbers.pop() ?? this.#open.length;
    const session = this.#tap === undefined
      ? new Session(this.#context, number, carrier, batched)
      : new TappedSession(this.#tap, ++this.#opened, this.#context, number, carrier, batched);
    this.#open[number] = session;
    return session;
  }

  /** Ends a session, whose requests in flight are dropped; a second call does nothing. */
  close(session: Session): void {
    if (this.#open[session.number] !== session) return;
    session.close();
    this.#open[session.number] = undefined;
    this.#freeNumbers.push(session.number);
  }

  /** From now on, new requests are refused with `shutting_down`. */
  drain(): void {
    this.#context.isDraining = true;
  }

  /** Answers the requests that are due at time `now`. */
  advance(now: number): void {
    if (now < this.nextDue) return;
    this.#now = now;
    this.#context.wheel.advance(now, this.#answer);
  }

  /** Sends the answers that waited to share frames. */
  flush(): void {
    const { unsent } = this.#context;
    for (const session of unsent) session.flush();
    unsent.length = 0;
  }

  /** Returns the session of a request in flight. */
  ownerOf(entry: number): Session {
    return this.#open[this.#context.requests.owner(entry)]!;
  }

  #answer = (entry: number, due: number): void =>
    this.ownerOf(entry).answerDue(entry, due, this.#now);
}
