/**
 * What a test does to a running server: rules, holding, the journal, the clock and the settings.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { placed } from "../protocol/placed.ts";
import { type Clock, isManual } from "../session/clock.ts";
import {
  DEFAULT_DELAY,
  type Delay,
  delayPolicy,
  formatDelay,
  parseDelay,
} from "../session/delays.ts";
import {
  faultPolicy,
  type FaultRates,
  formatFaults,
  parseFaults,
} from "../session/fault_policy.ts";
import { Journal, type JournalEntry } from "../session/journal.ts";
import { matchesRequest, type Rules } from "../session/rules.ts";
import { checkMatch, type Match } from "../session/rules_schema.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import type { Driver } from "./driver.ts";

/** The settings of a server that may change while it runs, as the command line takes them. */
export interface Settings {
  /** The delay, such as `1..5`. */
  readonly delay: string;
  /** The faults, such as `drop=0.1`; null for none. */
  readonly fault: string | null;
  /** The seed; null for none. */
  readonly seed: number | null;
}

/** Requests that a rule holds. */
export interface Hold extends Disposable {
  /**
   * Returns the requests that the rule has matched, as soon as there are this many.
   *
   * @param timeout how long to wait, in milliseconds. @default {5000}
   * @throws {DOMException} `TimeoutError` if there are fewer by then.
   */
  arrived(count?: number, options?: { timeout?: number }): Promise<JournalEntry[]>;
  /** Answers those with these ids, in this order, or all in order of arrival; returns their ids. */
  release(...ids: RequestId[]): RequestId[];
  /** Removes the rule; disposing does the same. Requests that it holds stay held. */
  remove(): void;
}

/** Which held requests to release; all members must match. */
export interface Release {
  /** The ids, in the order of release. */
  readonly ids?: readonly RequestId[] | undefined;
  /** What the requests must have. */
  readonly match?: Match | undefined;
  /** The number of the rule that holds them. */
  readonly rule?: number | undefined;
}

/** State of a server's clock. Times are in seconds since the start of the server. */
export interface ClockState {
  /** `real`, `x100` for 100 times as fast, `skip`, `manual`, or `other`. */
  readonly mode: string;
  readonly now: number;
  /** When the next request is due; null if none is. */
  readonly next: number | null;
  /** The number of requests in flight. */
  readonly in_flight: number;
  /** How many of them are held. */
  readonly held: number;
}

/** An open connection: a WebSocket, or a POST in progress. */
export interface OpenConnection {
  /** Its number on the server, from 1. */
  readonly number: number;
  readonly address: string | null;
  /** The number of requests in flight. */
  readonly in_flight: number;
  /** Whether it speaks `asyncpkt.v1`. */
  readonly batched: boolean;
}

/** A request that was released, and its entry in the journal, which follows its changes. */
interface ReleasedRequest {
  readonly entry: number;
  readonly id: RequestId;
  readonly noted: JournalEntry | undefined;
}

/** The server was not started in the way that a step needs. */
export class UnsupportedError extends TypeError {
  override name = "UnsupportedError";
}

/** What was changed on a server, other than requests. */
export type Change = "rules" | "settings" | "clock" | "reset";

/** The settings at the start. */
export interface SettingsAtStart {
  readonly delay?: Delay | undefined;
  readonly faults?: FaultRates | undefined;
  readonly seed?: number | undefined;
}

/** Steers the sessions of a server. */
export class Steering {
  readonly rules: Rules;
  readonly clock: Clock;
  readonly #sessions: Sessions;
  readonly #driver: Driver;
  readonly #atStart: SettingsAtStart;
  readonly #checkFaults: (rates: FaultRates) => void;
  #settings: SettingsAtStart;
  #journal: Journal | undefined;
  readonly #listeners = new Set<(change: Change) => void>();

  /** @param checkFaults throws if the transport cannot inject one of the faults. */
  constructor(
    sessions: Sessions,
    driver: Driver,
    rules: Rules,
    clock: Clock,
    atStart: SettingsAtStart,
    journal: Journal | undefined,
    checkFaults: (rates: FaultRates) => void,
  ) {
    this.#sessions = sessions;
    this.#driver = driver;
    this.rules = rules;
    this.clock = clock;
    const { delay, faults, seed } = atStart;
    this.#atStart = this.#settings = structuredClone({ delay, faults, seed });
    this.#journal = journal;
    this.#checkFaults = checkFaults;
    rules.onChange = () => this.#changed("rules");
  }

  /** Calls `listener` with each change; returns a function that ends it. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #changed(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** The journal. @throws {TypeError} if the server keeps none. */
  get journal(): Journal {
    if (this.#journal !== undefined) return this.#journal;
    throw new TypeError("This server keeps no journal; serve({ journal: 10_000 }) keeps one");
  }

  /** Holds the requests that match from now on. Starts a journal if there is none. */
  hold(match: Match = {}): Hold {
    const rule = this.rules.add({ match, hold: true });
    if (this.#journal === undefined) {
      this.#journal = new Journal(this.clock);
      this.#sessions.observe(this.#journal);
    }
    const journal = this.#journal;
    const remove = () => void this.rules.remove(rule);
    return {
      arrived: (count = 1, { timeout } = {}) => journal.wait(count, { rule }, timeout),
      release: (...ids) => this.release({ rule, ids: ids.length === 0 ? undefined : ids }),
      remove,
      [Symbol.dispose]: remove,
    };
  }

  /**
   * Answers held requests at once, in order; returns their ids.
   *
   * @throws {RangeError} if the match is wrong.
   */
  release(which?: Release): RequestId[] {
    return this.#releaseThose(which).map(({ id }) => id);
  }

  /** Answers held requests at once, in order; returns their entries in the journal. */
  releaseNoted(which?: Release): JournalEntry[] {
    return this.#releaseThose(which).flatMap(({ noted }) => noted ? [{ ...noted }] : []);
  }

  #releaseThose({ ids, match = {}, rule }: Release = {}): ReleasedRequest[] {
    checkMatch(match);
    const held = [...this.#sessions.held]
      .filter(([, held]) =>
        !held.forever && (rule === undefined || held.rule === rule) &&
        matchesRequest(match, held.arrival!)
      )
      .map(([entry]) => ({
        entry,
        id: parseJson(this.#sessions.idOf(entry)) as RequestId,
        noted: this.#journal?.inFlight(entry),
      }));
    const released = ids === undefined
      ? held
      : [...new Set(ids)].flatMap((id) => held.filter((request) => request.id === id));
    this.#driver.release(released.map(({ entry }) => entry));
    return released;
  }

  /** The settings in use. */
  get settings(): Settings {
    const { delay = DEFAULT_DELAY, faults = {}, seed = null } = this.#settings;
    return { delay: formatDelay(delay), fault: formatFaults(faults), seed };
  }

  /**
   * Changes settings for requests that arrive from now on; returns them all.
   *
   * @throws {RangeError} if one is wrong; then none changes.
   */
  change({ delay, fault, seed }: Partial<Settings>): Settings {
    const before = this.#settings;
    this.#use({
      delay: delay === undefined ? before.delay : placed("delay", () => parseDelay(delay)),
      faults: fault === undefined
        ? before.faults
        : fault === null
        ? undefined
        : placed("fault", () => parseFaults(fault)),
      seed: seed === undefined ? before.seed : seed ?? undefined,
    });
    this.#changed("settings");
    return this.settings;
  }

  /** The state of the clock. */
  get clockState(): ClockState {
    const next = this.#sessions.earliestDue();
    return {
      mode: this.clock.mode ?? "other",
      now: this.journal.now,
      next: next === Infinity ? null : this.journal.since(next),
      in_flight: this.#sessions.inFlight,
      held: [...this.#sessions.held.values()].filter(({ forever }) => !forever).length,
    };
  }

  /**
   * Moves the clock by a duration in milliseconds, or to the time at which the next request is due,
   * if one is.
   *
   * @throws {UnsupportedError} if the clock is not manual.
   */
  advance(duration: number | "next"): void {
    const { clock } = this;
    if (!isManual(clock)) {
      throw new UnsupportedError(
        `expected a manual clock, got ${clock.mode ?? "another"}; start with --clock manual`,
      );
    }
    if (duration === "next") {
      const next = this.#sessions.earliestDue();
      // The next timer may be that of a request that was cancelled.
      while (clock.now() < next && next < Infinity) clock.advanceToNext();
    } else {
      clock.advance(duration);
    }
    this.#changed("clock");
  }

  /** The open connections, in the order in which they opened. */
  get connections(): OpenConnection[] {
    return this.#sessions.list().map(({ connection, carrier, inFlight, batched }) => ({
      number: connection,
      address: carrier.address ?? null,
      in_flight: inFlight,
      batched,
    }));
  }

  /** Closes a connection and drops its requests in flight; returns whether there is one. */
  closeConnection(number: number, code: number): boolean {
    const session = this.#sessionOf(number);
    if (session === undefined) return false;
    session.flush();
    this.#driver.close(session);
    session.carrier.close?.(code, "Closed by the control API");
    return true;
  }

  /**
   * Resets a connection and drops its requests in flight; returns whether there is one.
   *
   * @throws {UnsupportedError} if its transport cannot.
   */
  resetConnection(number: number): boolean {
    const session = this.#sessionOf(number);
    if (session === undefined) return false;
    if (!session.carrier.reset?.()) {
      throw new UnsupportedError(
        `connection ${number} cannot be reset: only WebSockets of the strict transport can, on Deno 2.8 or later`,
      );
    }
    this.#driver.close(session);
    return true;
  }

  #sessionOf(number: number): Session | undefined {
    return this.#sessions.list().find(({ connection }) => connection === number);
  }

  /**
   * Returns to the rules and settings at the start, drops requests in flight, and empties the
   * journal.
   */
  reset(): void {
    this.#sessions.restart();
    this.#sessions.planner.spareNone();
    this.#use(this.#atStart);
    this.rules.reset();
    this.#journal?.clear();
    this.#driver.settle();
    this.#changed("settings");
    this.#changed("reset");
  }

  #use(settings: SettingsAtStart): void {
    const { delay, faults, seed } = settings;
    if (faults !== undefined) this.#checkFaults(faults);
    const delays = delayPolicy(delay, seed);
    const policy = faults && faultPolicy(faults, seed);
    const { planner } = this.#sessions;
    this.rules.reseed(seed);
    planner.delays = delays;
    planner.faults = policy;
    this.#settings = settings;
  }
}
