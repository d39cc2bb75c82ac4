/**
 * All sessions of a process: one clock, one set of limits, one structure for what is in flight.
 * Carriers (WebSocket, HTTP) bring the frames, ask when something is due, and say when time has passed.
 *
 * @module
 */

import type { DelayPolicy } from "./delays.ts";
import { TimingWheel } from "./timing_wheel.ts";
import type { FaultKind, FaultPolicy } from "./fault_policy.ts";
import { FrameReader } from "../protocol.ts";
import { type Events, type Limits, Session, type Shared } from "./session.ts";
import { Counters } from "./counters.ts";
import type { Crew } from "./crew.ts";
import { type Elsewhere, HandedOver } from "./responder.ts";
import { Faults } from "./faults.ts";
import { InFlight } from "./request_table.ts";
import { type Tap, TappedSession } from "./tap.ts";

/** The limits where nothing else is said. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  maxPacketSize: 1 << 20,
  inFlight: 10_000,
  maxInFlightTotal: 1_000_000,
  maxConsecutiveErrors: 100,
};

const NONE = -1;

/** For how many requests memory is reserved, if so many may be in flight. */
const MAX_RESERVED = 1 << 20;

/** How {@linkcode Sessions} are to be held. */
export interface SessionsOptions {
  /** How long each request waits. */
  delays: DelayPolicy;
  /** What trouble is made on purpose. @default {none} */
  faults?: FaultPolicy | undefined;
  /** @default {DEFAULT_LIMITS} */
  limits?: Partial<Limits>;
  /** Told of what happens; it may throw, which is then a fault of that request alone. */
  events?: Events;
  /** Told of every frame. @default {nobody} */
  tap?: Tap | undefined;
  /** Who converts the requests, if not this process. */
  elsewhere?: Elsewhere | undefined;
  /** Where it counts. */
  counters?: Counters;
  /** The workers that this one shares its server with. @default {none} */
  crew?: Crew | undefined;
}

/**
 * All sessions of a process. Time is in milliseconds, on any clock that does not go back, such as
 * `performance.now()`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { uniformDelay } from "./delays.ts";
 * import { Sessions } from "./sessions.ts";
 *
 * const sessions = new Sessions({ delays: uniformDelay({ min: 2, max: 2 }) });
 * const sent: string[] = [];
 * const session = sessions.open((frame) => sent.push(frame));
 * session.receive('{"request_id":"01","data":"Hub&&name&&qwe"}', 500);
 * assertEquals(sessions.nextDue, 2500);
 * sessions.advance(2500);
 * assertEquals(sent, ['{"request_id":"01","data":{"Hub":{"name":"qwe"}}}']);
 * ```
 */
export class Sessions {
  /** Whether each request is answered within the call that receives it, so that time does not matter. */
  readonly isTimeless: boolean;

  readonly #shared: Shared;
  /** By number; the number of a session that has ended is given to another. */
  readonly #open: (Session | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #tap: Tap | undefined;
  #opened = 0;
  /** The time to which they were last advanced. */
  #now = 0;

  /** @throws {RangeError} if a limit is not a positive integer. */
  constructor(
    { delays, faults, limits, events = {}, tap, elsewhere, counters = new Counters(), crew }:
      SessionsOptions,
  ) {
    const all = { ...DEFAULT_LIMITS, ...limits };
    for (const [name, limit] of Object.entries(all)) {
      if (Number.isSafeInteger(limit) && limit > 0) continue;
      throw new RangeError(`Cannot limit ${name} to ${limit}: want a positive integer`);
    }
    const capacity = Math.min(all.maxInFlightTotal, MAX_RESERVED);
    this.isTimeless = delays.longest === 0 && faults === undefined && elsewhere === undefined;
    this.#tap = tap;
    this.#shared = {
      delays,
      limits: all,
      events,
      counters,
      crew,
      wheel: new TimingWheel(0, capacity),
      inFlight: new InFlight(capacity, counters.inFlight),
      faults: faults && new Faults(faults, counters.faults, crew?.brokenOff),
      reader: new FrameReader(),
      elsewhere,
      handedOver: new HandedOver(),
      unsent: [],
      isDraining: false,
    };
  }

  /** The limits that hold. */
  get limits(): Readonly<Limits> {
    return this.#shared.limits;
  }

  /** What has happened so far. */
  get counters(): Readonly<Counters> {
    return this.#shared.counters;
  }

  /** How many requests are in flight. */
  get inFlight(): number {
    return this.#shared.inFlight.size;
  }

  /** How many requests have been answered with a response. */
  get answered(): number {
    return this.#shared.counters.answered;
  }

  /** Nothing is due before this time; Infinity when nothing is in flight. */
  get nextDue(): number {
    return this.#shared.wheel.nextDue;
  }

  /** How often each kind of trouble was made; undefined if none is. */
  get faults(): Readonly<Record<FaultKind, number>> | undefined {
    return this.#shared.faults?.counts;
  }

  /** Whether answers wait for {@linkcode Sessions.flush}. */
  get hasUnsent(): boolean {
    return this.#shared.unsent.length > 0;
  }

  /**
   * Begins a session.
   *
   * @param send takes a frame for the peer. It must not throw, and not call back into a session.
   * @param batched whether the peer speaks `asyncpkt.v1`: answers then carry their delay, and wait
   * for {@linkcode Sessions.flush} to share a frame. Otherwise each is sent at once.
   * @param onFault told of trouble made on purpose, after what can be done about it here: it is the
   * carrier that has to break off the connection for `disconnect`, when the session takes in no more.
   */
  open(
    send: (frame: string) => void,
    batched = false,
    onFault: (kind: FaultKind) => void = () => {},
  ): Session {
    const number = this.#freeNumbers.pop() ?? this.#open.length;
    const rest = [this.#shared, number, send, batched, onFault] as const;
    const session = this.#tap === undefined
      ? new Session(...rest)
      : new TappedSession(this.#tap, ++this.#opened, ...rest);
    this.#open[number] = session;
    return session;
  }

  /** Ends a session; a second time it does nothing. What is in flight in it is dropped. */
  close(session: Session): void {
    if (this.#open[session.number] !== session) return;
    session.close();
    this.#open[session.number] = undefined;
    this.#freeNumbers.push(session.number);
  }

  /** From now on, new requests are refused with `shutting_down`. */
  drain(): void {
    this.#shared.isDraining = true;
  }

  /** Answers what is due at time `now`. */
  advance(now: number): void {
    if (now < this.nextDue) return;
    this.#now = now;
    this.#shared.wheel.advance(now, this.#answer);
  }

  /** Sends the answers that waited to share frames. */
  flush(): void {
    const { unsent } = this.#shared;
    for (const session of unsent) session.flush();
    unsent.length = 0;
  }

  accepted(key: string, ticket: number): boolean {
    const entry = this.#shared.handedOver.find(key);
    if (entry === NONE) return false;
    if (!this.#shared.handedOver.isAccepted(entry)) this.#ownerOf(entry).accept(entry, ticket);
    return true;
  }

  refused(key: string): void {
    const entry = this.#shared.handedOver.find(key);
    if (entry !== NONE) this.#ownerOf(entry).refuse(entry);
  }

  converted(key: string, representation: string, now: number): void {
    this.accepted(key, NONE); // which this may have overtaken
    const entry = this.#shared.handedOver.find(key);
    if (entry !== NONE) this.#ownerOf(entry).convert(entry, representation, now);
  }

  failed(key: string, error: unknown): void {
    const entry = this.#shared.handedOver.find(key);
    if (entry !== NONE) this.#ownerOf(entry).fail(entry, error);
  }

  #answer = (entry: number, due: number): void =>
    this.#ownerOf(entry).answerDue(entry, due, this.#now);

  #ownerOf(entry: number): Session {
    return this.#open[this.#shared.inFlight.owner(entry)]!;
  }
}
