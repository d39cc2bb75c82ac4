/**
 * Rules say what happens to the requests that they match.
 *
 * @module
 */

import { convert, type ErrorCode, ERRORS, type RequestId } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { type DelayPolicy, delayPolicy, parseDelay } from "./delays.ts";
import { plannedFault } from "./fault_policy.ts";
import { type FaultKind, isTransportFault, type Replacement } from "./faults.ts";
import { matchesPattern } from "./pattern.ts";

/** A request as rules and observers see it. */
export interface Arrival {
  /** The number of its connection, from 1. */
  readonly connection: number;
  /** Its number on its connection, from 1. */
  readonly nth: number;
  /** Its id, as JSON text. */
  readonly id: string;
  readonly data: string;
}

/** What a request must have, in all members, to be matched. `{}` matches every request. */
export interface Match {
  /** The id: an integer, or a string in which `*` stands for any characters and `\*` for a star. */
  readonly id?: RequestId;
  /** The data, with `*` in the same way. */
  readonly data?: string;
  /** The name of an entity in the data. */
  readonly entity?: string;
  /** The number of the request on its connection, from 1. */
  readonly nth?: number;
  /** The number of the connection on the server, from 1. */
  readonly connection?: number;
}

/** What happens to a request. Without members, it is answered after the delay of the server. */
export interface Effect {
  /** In seconds, or a text as `--delay` takes it, or `"never"`: then it stays in flight. */
  readonly delay?: number | string;
  /** A fault, or one with its parameter, such as `{ late: 5 }` (seconds) or `{ drip: 100 }`. */
  readonly fault?: FaultKind | Readonly<Partial<Record<FaultKind, number>>>;
  /** The request is answered with this error, at once if there is no delay. */
  readonly error?: { readonly code: ErrorCode; readonly message?: string };
  /** A JSON value in place of the representation. */
  readonly answer?: unknown;
  /** Whether it is held until it is released. */
  readonly hold?: boolean;
}

/** A rule. The first that matches a request decides what happens to it. */
export interface Rule extends Effect {
  /** Which requests it matches. */
  readonly match: Match;
  /** An effect for each request that matches, in order; the last one repeats. */
  readonly then?: readonly Effect[];
  /** How many requests it matches at most. */
  readonly times?: number;
}

/** A rule in a server. */
export interface RuleState {
  /** Unique on the server. */
  readonly number: number;
  /** Whether it can match. */
  readonly enabled: boolean;
  /** How many requests it has matched. */
  readonly matched: number;
  /** The rule itself. */
  readonly rule: Rule;
}

/** The rules of a server, which may change at any time. */
export interface RuleList {
  /** How many there are. */
  readonly size: number;
  /** Returns the rules, the first of which has precedence. */
  list(): RuleState[];
  /**
   * Replaces all rules.
   *
   * @throws {RangeError} if one is wrong; the old ones stay.
   */
  replace(rules: readonly Rule[]): void;
  /**
   * Adds a rule before all others; returns its number.
   *
   * @throws {RangeError} if it is wrong.
   */
  add(rule: Rule): number;
  /** Removes a rule; returns whether there was one with this number. */
  remove(number: number): boolean;
  /** Switches a rule on or off; returns whether there is one with this number. */
  enable(number: number, enabled: boolean): boolean;
}

/** An effect, ready for use. */
interface CompiledEffect {
  /** Undefined if the delay decides. */
  readonly wait: "held" | "never" | "none" | undefined;
  /** Undefined for the delays of the server. */
  readonly delays: DelayPolicy | undefined;
  /** The extra delay of the fault `late`, in milliseconds. */
  readonly lateBy: number;
  readonly replacement: Replacement | undefined;
}

interface ActiveRule {
  readonly number: number;
  readonly rule: Rule;
  readonly effects: readonly CompiledEffect[];
  enabled: boolean;
  matched: number;
}

/** The rules of a server. */
export class Rules implements RuleList {
  #rules: ActiveRule[] = [];
  #atStart: readonly Rule[];
  #seed: number | undefined;
  readonly #isStrict: boolean;
  #lastNumber = 0;

  /**
   * @param atStart the rules, the first of which has precedence.
   * @param seed the seed of delays; see {@linkcode delayPolicy}.
   * @param isStrict whether the transport can inject its own faults.
   * @throws {RangeError} if a rule is wrong, with its place.
   */
  constructor(atStart: readonly Rule[] = [], seed?: number, isStrict = true) {
    this.#seed = seed;
    this.#isStrict = isStrict;
    this.#atStart = atStart;
    this.replace(atStart);
  }

  get size(): number {
    return this.#rules.length;
  }

  list(): RuleState[] {
    return this.#rules.map(({ number, enabled, matched, rule }) => ({
      number,
      enabled,
      matched,
      rule,
    }));
  }

  replace(rules: readonly Rule[]): void {
    this.#rules = rules.map((rule, i) => this.#activate(rule, `rules[${i}]`));
  }

  /** Replaces all rules, and makes them the ones to which {@linkcode Rules.reset} returns. */
  reload(rules: readonly Rule[]): void {
    this.replace(rules);
    this.#atStart = rules;
  }

  add(rule: Rule): number {
    const active = this.#activate(rule, "rule");
    this.#rules.unshift(active);
    return active.number;
  }

  remove(number: number): boolean {
    const { size } = this;
    this.#rules = this.#rules.filter((rule) => rule.number !== number);
    return this.size < size;
  }

  enable(number: number, enabled: boolean): boolean {
    const rule = this.#rules.find((rule) => rule.number === number);
    if (rule !== undefined) rule.enabled = enabled;
    return rule !== undefined;
  }

  /** Returns to the rules at the start, none of which has matched yet. */
  reset(): void {
    this.replace(this.#atStart);
  }

  /** Uses another seed for the delays of all rules. */
  reseed(seed: number | undefined): void {
    this.#seed = seed;
    this.#rules = this.#rules.map((active) => ({
      ...active,
      effects: effectsOf(active.rule, "rule", seed),
    }));
  }

  /** Returns the effect on a request and the number of its rule, and counts the match. */
  follow(arrival: Arrival): { effect: CompiledEffect; rule: number } | undefined {
    const active = this.#rules.find((active) => applies(active, arrival));
    if (active === undefined) return undefined;
    const effect = active.effects[Math.min(active.matched++, active.effects.length - 1)]!;
    return { effect, rule: active.number };
  }

  /**
   * The longest time until a request that a rule matches is due, in milliseconds; those that are
   * held or never answered do not count.
   *
   * @param maxDelay the longest delay of the server.
   */
  maxWait(maxDelay: number): number {
    const waits = this.#rules.flatMap(({ effects }) =>
      effects.map(({ delays, lateBy }) => (delays?.maxDelay ?? maxDelay) + lateBy)
    );
    return Math.max(0, ...waits);
  }

  #activate(rule: Rule, path: string): ActiveRule {
    const effects = effectsOf(rule, path, this.#seed);
    const fault = effects.find(({ replacement }) => isTransportFault(replacement?.fault?.kind));
    if (fault !== undefined && !this.#isStrict) {
      const { kind } = fault.replacement!.fault!;
      throw new RangeError(`${path}: the fault ${kind} needs the strict transport of WebSockets`);
    }
    return { number: ++this.#lastNumber, rule, effects, enabled: true, matched: 0 };
  }
}

function applies({ rule, enabled, matched }: ActiveRule, arrival: Arrival): boolean {
  return enabled && matched < (rule.times ?? Infinity) && matchesRequest(rule.match, arrival);
}

/** Whether a request has all that a match asks for. */
export function matchesRequest(match: Match, arrival: Arrival): boolean {
  const { id, data, entity, nth, connection } = match;
  return (nth === undefined || nth === arrival.nth) &&
    (connection === undefined || connection === arrival.connection) &&
    (id === undefined || matchesId(id, parseJson(arrival.id))) &&
    (data === undefined || matchesPattern(data, arrival.data)) &&
    (entity === undefined || Object.hasOwn(convert(arrival.data), entity));
}

/** Whether an id is the expected one, in which `*` has a meaning if it is a string. */
export function matchesId(expected: RequestId, id: unknown): boolean {
  return typeof expected === "string" && typeof id === "string"
    ? matchesPattern(expected, id)
    : id === expected;
}

function effectsOf(rule: Rule, path: string, seed: number | undefined): CompiledEffect[] {
  if (rule.then === undefined) return [compileEffect(rule, path, seed)];
  const other = EFFECTS.find((effect) => rule[effect] !== undefined);
  if (other !== undefined) throw wrong(`${path}.then`, `no ${other} beside it`, rule.then);
  if (rule.then.length === 0) throw wrong(`${path}.then`, "at least one effect", rule.then);
  return rule.then.map((effect, i) => compileEffect(effect, `${path}.then[${i}]`, seed));
}

const EFFECTS = ["delay", "fault", "error", "answer", "hold"] as const;

function compileEffect(
  { delay, fault, error, answer, hold = false }: Effect,
  path: string,
  seed: number | undefined,
): CompiledEffect {
  if (hold && delay !== undefined) throw wrong(`${path}.delay`, "none beside hold", delay);
  if (error !== undefined && fault !== undefined) {
    throw wrong(`${path}.fault`, "none beside error", fault);
  }
  if (error !== undefined && answer !== undefined) {
    throw wrong(`${path}.answer`, "none beside error", answer);
  }
  const isNever = delay === "never";
  const planned = fault === undefined ? undefined : faultOf(fault, `${path}.fault`);
  return {
    wait: hold ? "held" : isNever ? "never" : error && delay === undefined ? "none" : undefined,
    delays: delay === undefined || isNever ? undefined : delaysOf(delay, `${path}.delay`, seed),
    lateBy: planned?.kind === "late" ? planned.parameter! : 0,
    replacement: planned === undefined && error === undefined && answer === undefined
      ? undefined
      : {
        fault: planned,
        error: error && { message: ERRORS[error.code], ...error },
        answer: answer === undefined ? undefined : JSON.stringify(answer),
      },
  };
}

function delaysOf(delay: number | string, path: string, seed: number | undefined): DelayPolicy {
  try {
    return delayPolicy(
      typeof delay === "number" ? { min: delay, max: delay } : parseDelay(delay),
      seed,
    );
  } catch (error) {
    throw new RangeError(`${path}: ${(error as Error).message}`);
  }
}

function faultOf(fault: NonNullable<Effect["fault"]>, path: string) {
  const [kind, parameter] = typeof fault === "string" ? [fault] : Object.entries(fault)[0]!;
  try {
    return plannedFault(kind as FaultKind, parameter);
  } catch (error) {
    throw new RangeError(`${path}: ${(error as Error).message}`);
  }
}

/** Returns the error of a value at a place in the rules. */
function wrong(path: string, expected: string, value: unknown): RangeError {
  return new RangeError(`${path}: expected ${expected}, got ${JSON.stringify(value)}`);
}
