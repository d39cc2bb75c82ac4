/**
 * Plans what happens to each request, once, when it arrives.
 *
 * @module
 */

import { parseJson } from "../protocol/parse_json.ts";
import type { DelayPolicy } from "./delays.ts";
import type { FaultPolicy } from "./fault_policy.ts";
import { ENDING_FAULTS, type Replacement } from "./faults.ts";
import type { ArrivedRequest, Rules } from "./rules.ts";

/** How many ids {@linkcode RecentIds} remembers. */
const MAX_REMEMBERED = 10_000;

const decoder = new TextDecoder();

/** What happens to one request. */
export interface Plan {
  /** Its delay, which responses report, in whole milliseconds; 0 if it is held. */
  delay: number;
  /**
   * Time from its arrival until it is due, in milliseconds: its delay, or longer. Infinity if it is
   * held, or never answered.
   */
  wait: number;
  /** Whether it can be released; {@linkcode Plan.wait} is Infinity then. */
  isHeld: boolean;
  /** What happens in place of its response, if anything. */
  replacement: Replacement | undefined;
  /** The number of the rule that it follows, if any. */
  rule: number | undefined;
}

/** Ids of requests that disconnected their client on purpose; each id is JSON text. */
export interface DisconnectedIds {
  add(id: string): unknown;
  /** Forgets an id; returns whether it was remembered. */
  delete(id: string): boolean;
  /** Forgets all ids, where the server can be reset. */
  clear?(): void;
}

/** Remembers the latest 10,000 ids. */
export class RecentIds extends Set<string> implements DisconnectedIds {
  override add(id: string): this {
    super.add(id);
    const [oldest] = this;
    if (this.size > MAX_REMEMBERED) this.delete(oldest!);
    return this;
  }
}

/** Plans requests. A request that a rule matches follows that rule alone. */
export class Planner {
  /** The delays of requests that no rule matches, and of rules without a delay. */
  delays: DelayPolicy;
  /** The faults of requests that no rule matches. */
  faults: FaultPolicy | undefined;
  readonly rules: Rules | undefined;
  readonly #disconnected: DisconnectedIds;
  /** Used for all requests, so that planning allocates nothing. */
  readonly #plan: Plan = {
    delay: 0,
    wait: 0,
    isHeld: false,
    replacement: undefined,
    rule: undefined,
  };

  /** @param disconnected ids that are spared the fault `disconnect`. */
  constructor(
    delays: DelayPolicy,
    faults?: FaultPolicy,
    rules?: Rules,
    disconnected: DisconnectedIds = new RecentIds(),
  ) {
    this.delays = delays;
    this.faults = faults;
    this.rules = rules;
    this.#disconnected = disconnected;
  }

  /** Whether {@linkcode Planner.plan} needs the arrival. */
  get hasRules(): boolean {
    return this.rules !== undefined && this.rules.size > 0;
  }

  /** Whether every request is due when it arrives, and none meets a fault. */
  get isImmediate(): boolean {
    return this.delays.maxDelay === 0 && this.faults === undefined && !this.hasRules;
  }

  /** The longest time until a request is due that no rule matches, in milliseconds. */
  get maxWait(): number {
    return this.delays.maxDelay + (this.faults?.lateBy ?? 0);
  }

  /**
   * Returns the plan of the request whose id is `bytes[at .. end]`, as JSON text in UTF-8. The next
   * call overwrites it.
   *
   * @param arrival the request, if there are rules.
   */
  plan(bytes: Uint8Array, at: number, end: number, arrival?: ArrivedRequest): Readonly<Plan> {
    const plan = this.#plan;
    plan.isHeld = false;
    plan.rule = undefined;
    if (arrival !== undefined && this.#followRule(arrival, bytes, at, end)) return plan;
    plan.wait = plan.delay = this.delays.delayOf(bytes, at, end);
    if (this.faults === undefined) {
      plan.replacement = undefined;
      return plan;
    }
    const fault = this.faults.faultFor(bytes, at, end);
    const isSpared = fault !== undefined && ENDING_FAULTS.has(fault.kind) &&
      this.#disconnected.delete(decoder.decode(bytes.subarray(at, end)));
    plan.replacement = fault === undefined || isSpared ? undefined : { fault, isSparedLater: true };
    if (fault?.kind === "late") plan.wait += fault.parameter!;
    return plan;
  }

  /** Plans a request by the first rule that matches it; returns false if none does. */
  #followRule(arrival: ArrivedRequest, bytes: Uint8Array, at: number, end: number): boolean {
    const followed = this.rules?.follow(arrival);
    if (followed === undefined) return false;
    const { effect, rule } = followed;
    const plan = this.#plan;
    plan.rule = rule;
    plan.replacement = effect.fill === undefined ? effect.replacement : {
      ...effect.replacement,
      answer: effect.fill(parseJson(arrival.id), arrival.value()),
    };
    plan.isHeld = effect.wait === "held";
    plan.delay = 0;
    if (effect.wait === undefined) {
      plan.delay = (effect.delays ?? this.delays).delayOf(bytes, at, end);
      plan.wait = plan.delay + effect.lateBy;
    } else {
      plan.wait = effect.wait === "none" ? 0 : Infinity;
    }
    return true;
  }

  /** Spares no request the fault `disconnect` any more. */
  spareNone(): void {
    this.#disconnected.clear?.();
  }

  /** Spares a request the fault `disconnect` when it is sent again; `id` is JSON text. */
  spareOnce(id: string): void {
    this.#disconnected.add(id);
  }
}
