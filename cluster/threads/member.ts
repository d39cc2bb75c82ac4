/**
 * The other workers, as the server in a worker sees them.
 *
 * @module
 */

import { RecentIds } from "../../session/plan.ts";
import type { GroupStatus, ServerGroup } from "../../server/group.ts";
import { ServerStats } from "../../server/stats.ts";
import type { Channel } from "./channel.ts";
import {
  addCounts,
  ADMITTED,
  type Counts,
  IN_FLIGHT,
  type MainFunctions,
  type WorkerFunctions,
} from "./messages.ts";

/** Shortest time between two reports, in milliseconds times the workers: one thread relays all. */
const PERIOD = 5;

/** Time until requests in flight are counted again after no change, in milliseconds. */
const IDLE_PERIOD = 100;

/** A worker's membership in its group. */
export class Member implements ServerGroup {
  readonly disconnectedIds = {
    add: (id: string): void => {
      this.#disconnectedIds.add(id);
      this.#main.send("setDisconnected", id, true);
    },
    delete: (id: string): boolean => {
      const isKnown = this.#disconnectedIds.delete(id);
      if (isKnown) this.#main.send("setDisconnected", id, false);
      return isKnown;
    },
  };

  readonly #main: Channel<WorkerFunctions, MainFunctions>;
  readonly #countInFlight: () => number;
  readonly #period: number;
  readonly #disconnectedIds = new RecentIds();
  /** Sums of the other workers' counts. */
  readonly #elsewhere = new Map<string, number>();
  #inFlightElsewhere = 0;
  /** Changes since the last report. */
  readonly #changes = new Map<string, number>();
  #reportedInFlight = 0;
  #isReportDue = false;
  /** Whether the last report was less than a period ago. */
  #isResting = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param countInFlight returns how many requests are in flight in this worker.
   * @param size number of workers.
   */
  constructor(
    main: Channel<WorkerFunctions, MainFunctions>,
    countInFlight: () => number,
    size: number,
  ) {
    this.#main = main;
    this.#countInFlight = countInFlight;
    this.#period = PERIOD * size;
  }

  inFlightElsewhere(): number {
    this.#requestReport();
    return this.#inFlightElsewhere;
  }

  admittedElsewhere(network: string = ADMITTED): number {
    return this.#elsewhere.get(network) ?? 0;
  }

  noteAdmitted(network: string, change: 1 | -1): void {
    addCounts(this.#changes, new Map([[network, change], [ADMITTED, change]]));
    this.#requestReport();
  }

  async status(): Promise<GroupStatus> {
    const status = await this.#main.call("status");
    const stats = new ServerStats();
    stats.add(status.stats);
    return { ...status, stats };
  }

  /** Takes changes of another worker's counts. */
  addCounts(changes: Counts): void {
    addCounts(this.#elsewhere, changes);
    this.#inFlightElsewhere = this.#elsewhere.get(IN_FLIGHT) ?? 0;
  }

  /** Remembers or forgets an id, as another worker did. */
  setDisconnected(id: string, isDisconnected: boolean): void {
    if (isDisconnected) this.#disconnectedIds.add(id);
    else this.#disconnectedIds.delete(id);
  }

  /** Makes a report once the current task is done, or when the period is over. */
  #requestReport(): void {
    if (this.#isReportDue) return;
    this.#isReportDue = true;
    if (!this.#isResting) queueMicrotask(this.#report);
  }

  #report = (): void => {
    const inFlight = this.#countInFlight();
    addCounts(this.#changes, new Map([[IN_FLIGHT, inFlight - this.#reportedInFlight]]));
    this.#reportedInFlight = inFlight;
    this.#isReportDue = false;
    this.#isResting = this.#changes.size > 0;
    if (this.#isResting) this.#main.send("addCounts", this.#changes);
    this.#changes.clear();
    clearTimeout(this.#timer);
    // Nobody reports that a request was answered, so count again until none is in flight.
    if (this.#isResting) this.#timer = setTimeout(this.#report, this.#period);
    else if (inFlight > 0) this.#timer = setTimeout(this.#report, IDLE_PERIOD);
  };
}
