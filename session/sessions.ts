/**
 * The sessions of a server, with one time, one set of limits, and one table of the requests in
 * flight.
 *
 * @module
 */

import { packetWire } from "../protocol/packet_wire.ts";
import type { Wire } from "../protocol/wire.ts";
import {
  type Carrier,
  DEFAULT_LIMITS,
  type HeldRequest,
  type Limits,
  type Observer,
  type SessionContext,
  type SessionEvents,
} from "./context.ts";
import { Counters } from "./counters.ts";
import type { DelayPolicy } from "./delays.ts";
import type { FaultPolicy } from "./fault_policy.ts";
import { type DisconnectedIds, Planner } from "./plan.ts";
import { RequestTable } from "./request_table.ts";
import { localResponder, type Responder, type ResponderCallbacks } from "./responder.ts";
import type { Rules } from "./rules.ts";
import { Session } from "./session.ts";
import { type Tap, TappedSession } from "./tap.ts";
import { TimingWheel } from "./timing_wheel.ts";

/** Memory is reserved for this many requests in flight, or for the limit if it is lower. */
const MAX_CAPACITY = 1 << 20;

/** Options for {@linkcode Sessions}. */
export interface SessionsOptions {
  /** The protocol of the frames. @default {packetWire()} */
  wire?: Wire | undefined;
  delays: DelayPolicy;
  /** Faults that requests meet. @default {none} */
  faults?: FaultPolicy | undefined;
  /** Rules, which have precedence over delays and faults. @default {none} */
  rules?: Rules | undefined;
  /** @default {DEFAULT_LIMITS} */
  limits?: Partial<Limits>;
  /** Called as requests come and go. A callback that throws fails only its request. */
  events?: SessionEvents;
  /** Called for every frame. */
  tap?: Tap | undefined;
  /** Hears of each request. */
  observer?: Observer | undefined;
  /** Turns requests into responses. @default {a LocalResponder} */
  responder?: Responder | undefined;
  /** Counts requests, errors and bytes. @default {new Counters()} */
  counters?: Counters;
  /** Remembers ids that disconnected their clients on purpose. @default {new RecentIds()} */
  disconnectedIds?: DisconnectedIds | undefined;
  /** Returns how many requests are in flight in other servers that share the limit. @default {0} */
  inFlightElsewhere?: (() => number) | undefined;
}

/**
 * The sessions of a server. Times are in milliseconds, of any clock that does not go back. A
 * carrier brings the frames of a session; a driver asks when the next request is due, and passes
 * the time.
 */
export class Sessions {
  readonly #context: SessionContext;
  /** By number; numbers of closed sessions are used again. */
  readonly #open: (Session | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #tap: Tap | undefined;
  /** The last number of a session. */
  #numbered = 0;
  /** The last number of a session for the tap, which no reset changes. */
  #tapped = 0;
  /** The time of the last {@linkcode Sessions.advance}. */
  #now = 0;

  /** @throws {RangeError} if a limit is not a positive integer. */
  constructor(options: SessionsOptions) {
    const { events = {}, counters = new Counters(), inFlightElsewhere = () => 0 } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    for (const [name, limit] of Object.entries(limits)) {
      if (Number.isSafeInteger(limit) && limit > 0) continue;
      throw new RangeError(`${name}: expected a positive integer, got ${limit}`);
    }
    const capacity = Math.min(limits.maxInFlightTotal, MAX_CAPACITY);
    const { wire = packetWire() } = options;
    const requests = new RequestTable(capacity, wire);
    this.#tap = options.tap;
    this.#context = {
      planner: new Planner(
        options.delays,
        options.faults,
        options.rules,
        options.disconnectedIds,
      ),
      limits,
      events,
      counters,
      inFlightElsewhere,
      wheel: new TimingWheel(0, capacity),
      requests,
      replacements: new Map(),
      held: new Map(),
      dueAtOnce: new Map(),
      observer: options.observer,
      wire,
      reader: wire.reader,
      responder: options.responder ?? localResponder(requests, wire),
      unsent: [],
      isDraining: false,
    };
  }

  get limits(): Readonly<Limits> {
    return this.#context.limits;
  }

  get counters(): Readonly<Counters> {
    return this.#context.counters;
  }

  get inFlight(): number {
    return this.#context.requests.size;
  }

  /** Plans requests; its delays and faults may change. */
  get planner(): Planner {
    return this.#context.planner;
  }

  /** The requests that no time answers, by entry, in order of arrival. */
  get held(): ReadonlyMap<number, HeldRequest> {
    return this.#context.held;
  }

  /** Returns the id of a request in flight, as JSON text. */
  idOf(entry: number): string {
    return this.#context.requests.idText(entry);
  }

  /** Returns when the next request is due; Infinity if none is. Looks at all requests. */
  earliestDue(): number {
    return this.#context.wheel.earliestDue();
  }

  /** Returns when the last request is due; −Infinity if none is. Looks at all requests. */
  latestDue(): number {
    return this.#context.wheel.latestDue();
  }

  /** Makes an observer hear of each request from now on. */
  observe(observer: Observer): void {
    this.#context.observer = observer;
  }

  /** Returns the open sessions, in the order in which they were opened. */
  list(): Session[] {
    return this.#open.filter((session) => session !== undefined)
      .sort((a, b) => a.connection - b.connection);
  }

  /** Drops all requests in flight. */
  dropAll(): void {
    for (const session of this.#open) session?.dropAll();
  }

  /** Drops all requests in flight, and numbers sessions and their requests from 1 again. */
  restart(): void {
    this.dropAll();
    const sessions = this.list();
    sessions.forEach((session, i) => {
      session.connection = i + 1;
      session.received = 0;
    });
    this.#numbered = sessions.length;
  }

  /** A time before which no request is due; Infinity when none is in flight. */
  get nextDue(): number {
    return this.#context.wheel.nextDue;
  }

  /** Whether each request is answered when it is received, so that the time does not matter. */
  get isTimeless(): boolean {
    const { planner, responder } = this.#context;
    return planner.isImmediate && responder.respondAtOnce !== undefined;
  }

  /** Whether answers wait for {@linkcode Sessions.flush}. */
  get hasUnsent(): boolean {
    return this.#context.unsent.length > 0 || this.#context.dueAtOnce.size > 0;
  }

  /** Starts the responder; called once, before the first session opens. */
  start(callbacks: ResponderCallbacks): void {
    this.#context.responder.start?.(this.#context.requests, callbacks);
  }

  /**
   * Opens a session.
   *
   * @param carrier sends its frames.
   * @param batched whether the peer speaks `asyncpkt.v1`: answers then report their delay, and wait
   * for {@linkcode Sessions.flush} to share a frame. Otherwise each is sent at once.
   */
  open(carrier: Carrier, batched = false): Session {
    const number = this.#freeNumbers.pop() ?? this.#open.length;
    const parts = [this.#context, number, ++this.#numbered, carrier, batched] as const;
    const session = this.#tap === undefined
      ? new Session(...parts)
      : new TappedSession(this.#tap, ++this.#tapped, ...parts);
    this.#open[number] = session;
    return session;
  }

  /** Closes a session and drops its requests in flight; a second call does nothing. */
  close(session: Session): void {
    if (this.#open[session.number] !== session) return;
    session.close();
    this.#open[session.number] = undefined;
    this.#freeNumbers.push(session.number);
  }

  /** Refuses new requests with `shutting_down` from now on. */
  drain(): void {
    this.#context.isDraining = true;
  }

  /** Answers the requests that are due by the time `now`. */
  advance(now: number): void {
    if (now < this.nextDue) return;
    this.#now = now;
    this.#context.wheel.advance(now, this.#answer);
  }

  /** Answers the requests that were due when they arrived, and sends all answers that wait. */
  flush(): void {
    const { unsent, dueAtOnce } = this.#context;
    for (const [entry, due] of dueAtOnce) {
      dueAtOnce.delete(entry);
      this.ownerOf(entry).answerDue(entry, due, due);
    }
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
