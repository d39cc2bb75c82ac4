/**
 * The other workers, as the server in a worker sees them.
 *
 * @module
 */

import { RecentIds } from "../../session/plan.ts";
import type { GroupStatus, ServerGroup } from "../../server/group.ts";
import { ServerStats } from "../../server/stats.ts";
import type { Channel } from "./channel.ts";
import { addCounts, ADMITTED, type Counts, IN_FLIGHT } from "./counts.ts";
import type { MainFunctions, WorkerFunctions } from "./messages.ts";

/** How often counts are reported at most, in milliseconds for each worker: one thread relays all. */
const PERIOD = 5;

/** How often a small change of few requests in flight is reported, in milliseconds. */
const LAZY_PERIOD = 100;

/** A change is small up to this part of the worker's share of the limit … */
const SMALL = 1 / 16;

/** … and requests in flight are few up to this one. */
const FEW = 1 / 2;

/** A worker's membership in its group. */
export class Member implements ServerGroup {
  readonly disconnectedIds = {
    add: (id: string) => void this.#noteDisconnected(id, true),
    delete: (id: string) => this.#noteDisconnected(id, false),
  };

  readonly #main: Channel<WorkerFunctions, MainFunctions>;
  readonly #countInFlight: () => number;
  readonly #period: number;
  /** The worker's share of the limit of requests in flight. */
  readonly #share: number;
  readonly #disconnectedIds = new RecentIds();
  /** The sums of the other workers' counts. */
  readonly #elsewhere = new Map<string, number>();
  #inFlightElsewhere = 0;
  /** What has changed since the last report. */
  readonly #changes = new Map<string, number>();
  #reportedInFlight = 0;
  /** With so many requests in flight, they are reported. */
  #reportAt = 1;
  #isReportDue = false;
  /** Whether the last report was less than a period ago. */
  #isResting = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param countInFlight returns how many requests are in flight in this worker.
   * @param size how many workers there are.
   * @param maxInFlight how many requests may be in flight in all workers.
   */
  constructor(
    main: Channel<WorkerFunctions, MainFunctions>,
    countInFlight: () => number,
    size: number,
    maxInFlight: number,
  ) {
    this.#main = main;
    this.#countInFlight = countInFlight;
    this.#period = PERIOD * size;
    this.#share = maxInFlight / size;
  }

  inFlightElsewhere(inFlight: number): number {
    if (inFlight + 1 >= this.#reportAt) this.#requestReport();
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
    const { stats: sum, ...status } = await this.#main.call("status");
    const stats = new ServerStats();
    stats.add(sum);
    return { ...status, stats };
  }

  /** Takes in changes of another worker's counts. */
  addCounts(changes: Counts): void {
    addCounts(this.#elsewhere, changes);
    this.#inFlightElsewhere = this.#elsewhere.get(IN_FLIGHT) ?? 0;
  }

  /** Remembers or forgets an id; returns whether that changes anything. */
  setDisconnected(id: string, isDisconnected: boolean): boolean {
    if (!isDisconnected) return this.#disconnectedIds.delete(id);
    this.#disconnectedIds.add(id);
    return true;
  }

  #noteDisconnected(id: string, isDisconnected: boolean): boolean {
    const isChange = this.setDisconnected(id, isDisconnected);
    if (isChange) this.#main.send("setDisconnected", id, isDisconnected);
    return isChange;
  }

  /** Has the counts reported: once the event loop's current task is done, or when the period is over. */
  #requestReport(): void {
    if (this.#isReportDue) return;
    this.#isReportDue = true;
    if (!this.#isResting) queueMicrotask(this.#report);
  }

  #report = (): void => {
    const inFlight = this.#countInFlight();
    addCounts(this.#changes, new Map([[IN_FLIGHT, inFlight - this.#reportedInFlight]]));
    this.#reportedInFlight = inFlight;
    this.#reportAt = inFlight === 0 ? 1 : inFlight + SMALL * this.#share;
    if (this.#changes.size > 0) this.#main.send("addCounts", this.#changes);
    this.#changes.clear();
    this.#isReportDue = false;
    this.#isResting = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isResting = false;
      // Nothing calls this when a request is answered, so it counts again until none is in flight.
      if (this.#isReportDue || inFlight > FEW * this.#share) this.#report();
      else if (inFlight > 0) this.#timer = setTimeout(this.#report, LAZY_PERIOD);
    }, this.#period);
  };
}
