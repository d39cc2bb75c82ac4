/**
 * A worker's view of the ledger.
 *
 * @module
 */

import type { DisconnectedIds } from "../../session/plan.ts";
import type { ServerCrew } from "../../server/crew.ts";
import type { Figures } from "../../server/server_stats.ts";
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
  readonly brokenOff: DisconnectedIds;
  readonly startedAt: number;
  /** This worker's own. */
  readonly row: Row;

  readonly #ledger: Ledger;
  readonly #others: readonly Row[];
  readonly #networks: Networks;
  #inFlightOfOthers = 0;
  #glancedAt = -Infinity;

  /** @param row the number of its row. */
  constructor(parts: LedgerParts, row: number) {
    this.#ledger = new Ledger(parts);
    this.row = this.#ledger.rows[row]!;
    this.#others = this.#ledger.rows.filter((row) => row !== this.row);
    this.#networks = new Networks(this.row.networks, parts.key);
    this.brokenOff = new SharedBrokenOff(new Int32Array(parts.brokenOff), parts.key);
    this.startedAt = parts.startedAt;
  }

  get figures(): Figures {
    return this.row.figures;
  }

  get size(): number {
    return this.#ledger.rows.filter(({ isLive }) => isLive).length;
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
    return this.#inFlightOfOthers = this.#ofOthers(({ counters }) => counters.inFlight[0]!);
  }

  admittedByOthers(): number {
    return this.#ofOthers(({ gauges }) => gauges.admitted);
  }

  admittedByOthersFrom(network: string): number {
    return this.#ofOthers((_, { networks }) => this.#networks.countIn(networks, network));
  }

  noteAdmitted(network: string, count: number): void {
    this.#networks.note(network, count);
  }

  #ofOthers(count: (figures: Figures, row: Row) => number): number {
    let sum = 0;
    for (const row of this.#others) if (row.isLive) sum += count(row.figures, row);
    return sum;
  }
}
