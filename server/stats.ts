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
