/**
 * Rules say what happens to the requests that they match.
 *
 * @module
 */

import { ERRORS, type RequestId } from "../protocol.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { type DelayPolicy, delayPolicy, parseDelay } from "./delays.ts";
import { plannedFault } from "./fault_policy.ts";
import type { FaultKind, Lacking, PlannedFault, Replacement } from "./faults.ts";
import { parsePointer, type Pointer } from "../protocol/json_pointer.ts";
import { placed } from "../protocol/placed.ts";
import { parseValueTemplate, type Template } from "../protocol/template.ts";
import { matchesPattern } from "./pattern.ts";
import {
  checkRule,
  checkRules,
  type Effect,
  type Match,
  type Rule,
  wrongValue,
} from "./rules_schema.ts";

/** A request as rules and observers see it. */
export interface ArrivedRequest {
  /** The number of its connection, from 1. */
  readonly connection: number;
  /** Its number on its connection, from 1. */
  readonly nth: number;
  /** Its id, as JSON text. */
  readonly id: string;
  readonly data: string;
  /** Returns what pointers of rules look into: the representation of the data, or a message. */
  readonly value: () => unknown;
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
  /** Fills in the answer for a request, if it has placeholders. */
  readonly fill: Template | undefined;
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
  /** To the value that it matches, if it does. */
  readonly pointer: Pointer | undefined;
  readonly effects: readonly CompiledEffect[];
  enabled: boolean;
  matched: number;
}

/** The rules of a server. */
export class Rules implements RuleList {
  #rules: ActiveRule[] = [];
  #atStart: readonly Rule[] = [];
  #seed: number | undefined;
  readonly #lacking: Lacking;
  #lastNumber = 0;
  /** Called when rules are added, removed, or switched on or off. */
  onChange = () => {};

  /**
   * @param atStart the rules, the first of which has precedence.
   * @param seed the seed of delays; see {@linkcode delayPolicy}.
   * @param lacking what the server lacks for faults.
   * @throws {RangeError} if a rule is wrong, with its place.
   */
  constructor(
    atStart: readonly Rule[] = [],
    seed?: number,
    lacking: Lacking = () => undefined,
  ) {
    this.#seed = seed;
    this.#lacking = lacking;
    this.reload(atStart);
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
    this.#rules = this.#activateAll(rules);
    this.onChange();
  }

  /** Replaces all rules, and makes them the ones to which {@linkcode Rules.reset} returns. */
  reload(rules: readonly Rule[]): void {
    this.replace(rules);
    this.#atStart = this.#rules.map(({ rule }) => rule);
  }

  add(rule: Rule): number {
    const active = this.#activate(checkRule(rule), "rule");
    this.#rules.unshift(active);
    this.onChange();
    return active.number;
  }

  /**
   * Adds rules before all others, the first of which has precedence.
   *
   * @throws {RangeError} if one is wrong; then none is added.
   */
  addAll(rules: readonly Rule[]): void {
    this.#rules = [...this.#activateAll(rules), ...this.#rules];
    this.onChange();
  }

  remove(number: number): boolean {
    const { size } = this;
    this.#rules = this.#rules.filter((rule) => rule.number !== number);
    if (this.size === size) return false;
    this.onChange();
    return true;
  }

  enable(number: number, enabled: boolean): boolean {
    const rule = this.#rules.find((rule) => rule.number === number);
    if (rule === undefined) return false;
    rule.enabled = enabled;
    this.onChange();
    return true;
  }

  /** Returns to the rules at the start, none of which has matched yet. */
  reset(): void {
    this.replace(this.#atStart);
  }

  /** Whether a rule injects a fault. */
  get hasFaults(): boolean {
    return this.#rules.some(({ effects }) =>
      effects.some(({ replacement }) => replacement?.fault !== undefined)
    );
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
  follow(arrival: ArrivedRequest): { effect: CompiledEffect; rule: number } | undefined {
    const active = this.#rules.find((active) => applies(active, arrival));
    if (active === undefined) return undefined;
    const effect = active.effects[Math.min(active.matched++, active.effects.length - 1)]!;
    return { effect, rule: active.number };
  }

  #activateAll(rules: readonly Rule[]): ActiveRule[] {
    return checkRules(rules).map((rule, i) => this.#activate(rule, `rules[${i}]`));
  }

  #activate(rule: Rule, path: string): ActiveRule {
    const pointer = pointerOf(rule.match, `${path}.match`);
    const effects = effectsOf(rule, path, this.#seed);
    effects.forEach(({ replacement }, i) => {
      const kind = replacement?.fault?.kind;
      const lacking = kind && this.#lacking(kind);
      if (lacking === undefined) return;
      const place = rule.then === undefined ? path : `${path}.then[${i}]`;
      throw new RangeError(`${place}.fault: ${kind} needs ${lacking}`);
    });
    // A copy, as a program may change its own.
    const copy = JSON.parse(JSON.stringify(rule));
    return { number: ++this.#lastNumber, rule: copy, pointer, effects, enabled: true, matched: 0 };
  }
}

function applies(active: ActiveRule, arrival: ArrivedRequest): boolean {
  const { rule, enabled, matched, pointer } = active;
  return enabled && matched < (rule.times ?? Infinity) &&
    matchesRequest(rule.match, arrival, pointer);
}

/**
 * Whether a request has all that a match asks for.
 *
 * @param pointer the parsed {@linkcode Match.at}, if the caller keeps it.
 */
export function matchesRequest(
  match: Match,
  arrival: ArrivedRequest,
  pointer?: Pointer,
): boolean {
  const { id, data, entity, at, is, nth, connection } = match;
  return (nth === undefined || nth === arrival.nth) &&
    (connection === undefined || connection === arrival.connection) &&
    (id === undefined || matchesId(id, parseJson(arrival.id))) &&
    (data === undefined || matchesPattern(data, arrival.data)) &&
    (at === undefined || matchesValue((pointer ?? parsePointer(at))(arrival.value()), is)) &&
    (entity === undefined || Object.hasOwn(Object(arrival.value()), entity));
}

/** @param expected undefined for any value. */
function matchesValue(value: unknown, expected: Match["is"]): boolean {
  if (expected === undefined) return value !== undefined;
  if (typeof expected !== "string") return value === expected;
  return typeof value === "string" && matchesPattern(expected, value);
}

/** Whether an id is the expected one, in which `*` has a meaning if it is a string. */
export function matchesId(expected: RequestId, id: unknown): boolean {
  return typeof expected === "string" && typeof id === "string"
    ? matchesPattern(expected, id)
    : id === expected;
}

function pointerOf({ at, is }: Match, path: string): Pointer | undefined {
  if (at === undefined && is !== undefined) throw wrongValue(`${path}.is`, "none without at", is);
  return at === undefined ? undefined : placed(`${path}.at`, () => parsePointer(at));
}

function effectsOf(rule: Rule, path: string, seed: number | undefined): CompiledEffect[] {
  if (rule.then === undefined) return [compileEffect(rule, path, seed)];
  excludeBeside(rule, path, "then", ["delay", "fault", "error", "answer", "hold"]);
  return rule.then.map((effect, i) => compileEffect(effect, `${path}.then[${i}]`, seed));
}

function compileEffect(
  effect: Effect,
  path: string,
  seed: number | undefined,
): CompiledEffect {
  const { delay, fault, error, answer, hold = false } = effect;
  const isNever = delay === "never";
  if (hold) excludeBeside(effect, path, "hold", ["delay"]);
  if (error !== undefined) excludeBeside(effect, path, "error", ["fault", "answer"]);
  if (isNever) excludeBeside(effect, path, 'the delay "never"', ["fault", "error", "answer"]);
  const planned = fault === undefined ? undefined : faultOf(fault);
  if (hold && planned?.kind === "late") {
    throw wrongValue(`${path}.fault`, "another than late beside hold", fault);
  }
  return {
    wait: hold ? "held" : isNever ? "never" : error && delay === undefined ? "none" : undefined,
    delays: delay === undefined || isNever ? undefined : delaysOf(delay, `${path}.delay`, seed),
    lateBy: planned?.kind === "late" ? planned.parameter! : 0,
    fill: hasPlaceholder(answer)
      ? placed(`${path}.answer`, () => parseValueTemplate(answer))
      : undefined,
    replacement: planned === undefined && error === undefined && answer === undefined
      ? undefined
      : {
        fault: planned,
        error: error && { code: error.code, message: error.message ?? ERRORS[error.code] },
        answer: answer === undefined ? undefined : answerOf(answer, `${path}.answer`),
      },
  };
}

/** @throws {RangeError} if an effect has one of the members that exclude another. */
function excludeBeside(
  effect: Effect,
  path: string,
  other: string,
  excluded: readonly (keyof Effect)[],
): void {
  const name = excluded.find((name) => effect[name] !== undefined);
  if (name !== undefined) throw wrongValue(`${path}.${name}`, `none beside ${other}`, effect[name]);
}

function delaysOf(delay: number | string, path: string, seed: number | undefined): DelayPolicy {
  if (typeof delay === "number") return delayPolicy(delay, seed);
  try {
    return delayPolicy(parseDelay(delay), seed);
  } catch {
    const forms = '"never" or a delay of at most a day, such as "1..5", "500ms" or "normal:3,0.5"';
    throw wrongValue(path, forms, delay);
  }
}

function faultOf(fault: NonNullable<Effect["fault"]>): PlannedFault {
  const [kind, parameter] = typeof fault === "string" ? [fault] : Object.entries(fault)[0]!;
  return plannedFault(kind as FaultKind, parameter);
}

function hasPlaceholder(answer: unknown): boolean {
  return JSON.stringify(answer)?.includes("{{") ?? false;
}

/** Returns an answer as JSON text. */
function answerOf(answer: unknown, path: string): string {
  const text = JSON.stringify(answer);
  if (text === undefined) throw wrongValue(path, "a JSON value", answer);
  return text;
}
