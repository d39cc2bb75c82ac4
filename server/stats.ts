/**
 * The numbers of a server: what it has done, and how it is now.
 *
 * @module
 */

import { Counters } from "../session/counters.ts";

/** The numbers of a server, or of all workers of one. A structured clone has all of them. */
export class ServerStats {
  /** What has happened in sessions. */
  readonly counters = new Counters();
  /** How the server is now. */
  readonly gauges = {
    /** Requests that wait for their answer. */
    inFlight: 0,
    /** Open connections. */
    connections: 0,
    /** Upgrades that never became a connection. */
    abandoned: 0,
    /** Memory that JavaScript uses, in bytes. */
    heap: 0,
  };

  /**
   * Adds the numbers of another server, or of a structured clone of them.
   *
   * @example
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { ServerStats } from "./stats.ts";
   *
   * const one = new ServerStats();
   * one.counters.answered = 2;
   * one.counters.delays.add(1000);
   * const sum = new ServerStats();
   * for (const stats of [one, structuredClone(one)]) sum.add(stats);
   * assertEquals(sum.counters.answered, 4);
   * assertEquals(sum.counters.delays.sum, 2000);
   * ```
   */
  add(stats: ServerStats): void {
    addNumbers(this as unknown as Numbers, stats as unknown as Numbers);
  }
}

/** Numbers by name, nested. */
interface Numbers {
  [name: string]: number | Numbers;
}

function addNumbers(target: Numbers, source: Numbers): void {
  for (const [name, value] of Object.entries(source)) {
    if (typeof value === "number") (target[name] as number) += value;
    else addNumbers(target[name] as Numbers, value);
  }
}
