/**
 * What a test does to a running server: rules, holding, the journal, the clock and the settings.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";
import type { Clock } from "../session/clock.ts";
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
import type { HeldRequest } from "../session/context.ts";
import { Journal, type JournalEntry } from "../session/journal.ts";
import { matchesRequest, type Rules } from "../session/rules.ts";
import { checkMatch, type Match } from "../session/rules_schema.ts";
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

/** Which held requests to release: all, those with these ids in this order, or those that match. */
export interface Release {
  /** The ids, in the order of release. */
  readonly ids?: readonly RequestId[] | undefined;
  /** What the requests must have. */
  readonly match?: Match | undefined;
}

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
    this.#atStart = this.#settings = atStart;
    this.#journal = journal;
    this.#checkFaults = checkFaults;
  }

  /** The journal. @throws {TypeError} if the server keeps none. */
  get journal(): Journal {
    if (this.#journal !== undefined) return this.#journal;
    throw new TypeError("This server keeps no journal; serve({ journal: 10_000 }) keeps one");
  }

  /** Holds the requests that match from now on. Starts a journal if there is none. */
  hold(match: Match = {}): Hold {
    if (this.#journal === undefined) {
      this.#journal = new Journal(this.clock);
      this.#sessions.observe(this.#journal);
    }
    const journal = this.#journal;
    const rule = this.rules.add({ match, hold: true });
    const remove = () => void this.rules.remove(rule);
    return {
      arrived: (count = 1, { timeout } = {}) => journal.wait(count, { rule }, timeout),
      release: (...ids) =>
        this.#release((held) => held.rule === rule, ids.length === 0 ? undefined : ids),
      remove,
      [Symbol.dispose]: remove,
    };
  }

  /**
   * Answers held requests at once, in order; returns their ids.
   *
   * @throws {RangeError} if the match is wrong.
   */
  release({ ids, match = {} }: Release = {}): RequestId[] {
    checkMatch(match);
    return this.#release(({ arrival }) => matchesRequest(match, arrival!), ids);
  }

  /** The settings in use. */
  get settings(): Settings {
    const { delay = DEFAULT_DELAY, faults, seed = null } = this.#settings;
    return { delay: formatDelay(delay), fault: faults ? formatFaults(faults) : null, seed };
  }

  /**
   * Changes settings for requests that arrive from now on; returns them all.
   *
   * @throws {RangeError} if one is wrong; then none changes.
   */
  change({ delay, fault, seed }: Partial<Settings>): Settings {
    const before = this.#settings;
    this.#use({
      delay: delay === undefined ? before.delay : parseDelay(delay),
      faults: fault === undefined ? before.faults : fault === null ? undefined : parseFaults(fault),
      seed: seed === undefined ? before.seed : seed ?? undefined,
    });
    return this.settings;
  }

  /**
   * Returns to the rules and settings at the start, drops requests in flight, and empties the
   * journal.
   */
  reset(): void {
    this.#sessions.dropAll();
    this.#use(this.#atStart);
    this.rules.reset();
    this.#journal?.clear();
    this.#driver.settle();
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

  /** Releases those held requests that are meant, in the order of `ids` if given. */
  #release(isMeant: (held: HeldRequest) => boolean, ids?: readonly RequestId[]): RequestId[] {
    const held = [...this.#sessions.held].filter(([, held]) => !held.forever && isMeant(held))
      .map(([entry]) => ({ entry, id: parseJson(this.#sessions.idOf(entry)) as RequestId }));
    const released = ids === undefined
      ? held
      : [...new Set(ids)].flatMap((id) => held.filter((request) => request.id === id));
    this.#driver.release(released.map(({ entry }) => entry));
    return released.map(({ id }) => id);
  }
}
