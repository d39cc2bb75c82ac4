/**
 * A worker's view of the ledger.
 *
 * @module
 */

import type { BrokenOff } from "../conversation/faults.ts";
import type { ServerCrew } from "../server/crew.ts";
import type { Figures } from "../server/figures.ts";
import { SharedBrokenOff } from "./broken_off.ts";
import { Ledger, type LedgerParts, type Row, State } from "./ledger.ts";
import { Networks } from "./networks.ts";

/**
 * How long the number of requests in flight with the others is taken for the same, in milliseconds. To
 * look at what other cores write takes time, for each of them as much as a twentieth of a request.
 */
const GLANCE = 1;

/** A worker of a server, among others. */
export class Member implements ServerCrew {
  readonly brokenOff: BrokenOff;
  readonly startedAt: number;
  /** This worker's own. */
  readonly row: Row;

  readonly #ledger: Ledger;
  readonly #others: readonly Row[];
  readonly #networks: Networks;
  #inFlightOfOthers = 0;
  #glancedAt = -Infinity;

  /** @param index which of the workers it is. */
  constructor(parts: LedgerParts, index: number) {
    this.#ledger = new Ledger(parts);
    this.row = this.#ledger.rows[index]!;
    this.#others = this.#ledger.rows.filter((row) => row !== this.row);
    const networks = this.#others.map(({ networks }) => networks);
    this.#networks = new Networks(this.row.networks, networks, parts.key);
    this.brokenOff = new SharedBrokenOff(new Int32Array(parts.brokenOff), parts.key);
    this.startedAt = parts.startedAt;
  }

  get figures(): Figures {
    return this.row.figures;
  }

  get size(): number {
    return this.#ledger.rows.filter(({ state }) => state !== State.Absent).length;
  }

  get isWell(): boolean {
    return this.#ledger.rows.every(({ state }) => state !== State.Silent);
  }

  sum(): Figures {
    return this.#ledger.sum();
  }

  inFlightOfOthers(now: number): number {
    if (now - this.#glancedAt < GLANCE) return this.#inFlightOfOthers;
    this.#glancedAt = now;
    let count = 0;
    for (const { figures } of this.#others) count += figures.counters.inFlight[0]!;
    return this.#inFlightOfOthers = count;
  }

  admittedByOthers(): number {
    let count = 0;
    for (const { figures } of this.#others) count += figures.gauges.admitted;
    return count;
  }

  admittedByOthersFrom(network: string): number {
    return this.#networks.ofOthers(network);
  }

  noteAdmitted(network: string, count: number): void {
    this.#networks.note(network, count);
  }
}
