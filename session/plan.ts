/**
 * Plans what happens to each request, once, when it arrives.
 *
 * @module
 */

import type { DelayPolicy } from "./delays.ts";
import type { FaultPolicy } from "./fault_policy.ts";
import { ENDING_FAULTS, type FaultKind } from "./faults.ts";

/** How many ids {@linkcode RecentIds} remembers. */
const MAX_REMEMBERED = 10_000;

const decoder = new TextDecoder();

/** What happens to one request. */
export interface Plan {
  /** Its delay, which responses report, in whole milliseconds. */
  delay: number;
  /** Time from its arrival until it is due, in milliseconds: its delay, or longer. */
  wait: number;
  /** The fault that replaces its answer, if any. */
  fault: FaultKind | undefined;
}

/** Ids of requests that disconnected their client on purpose; each id is JSON text. */
export interface DisconnectedIds {
  add(id: string): unknown;
  /** Forgets an id; returns whether it was remembered. */
  delete(id: string): boolean;
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

/** Plans requests. */
export class Planner {
  readonly #delays: DelayPolicy;
  readonly #faults: FaultPolicy | undefined;
  readonly #disconnected: DisconnectedIds;
  /** Used for all requests, so that planning allocates nothing. */
  readonly #plan: Plan = { delay: 0, wait: 0, fault: undefined };

  /** @param disconnected ids that are spared the fault `disconnect`. */
  constructor(
    delays: DelayPolicy,
    faults?: FaultPolicy,
    disconnected: DisconnectedIds = new RecentIds(),
  ) {
    this.#delays = delays;
    this.#faults = faults;
    this.#disconnected = disconnected;
  }

  /** Whether every request is due when it arrives, and none meets a fault. */
  get isImmediate(): boolean {
    return this.#delays.maxDelay === 0 && this.#faults === undefined;
  }

  /**
   * Returns the plan of the request whose id is `bytes[at .. end]`, as JSON text in UTF-8. The next
   * call overwrites it.
   */
  plan(bytes: Uint8Array, at: number, end: number): Readonly<Plan> {
    const plan = this.#plan;
    plan.wait = plan.delay = this.#delays.delayOf(bytes, at, end);
    if (this.#faults === undefined) return plan;
    plan.fault = this.#faults.kindFor(bytes, at, end);
    if (plan.fault === "late") plan.wait += this.#faults.lateBy;
    if (
      ENDING_FAULTS.has(plan.fault) &&
      this.#disconnected.delete(decoder.decode(bytes.subarray(at, end)))
    ) {
      plan.fault = undefined;
    }
    return plan;
  }

  /** Spares a request the fault `disconnect` when it is sent again; `id` is JSON text. */
  spareOnce(id: string): void {
    this.#disconnected.add(id);
  }
}
