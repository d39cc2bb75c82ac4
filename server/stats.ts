/**
 * Counts and gauges of a server.
 *
 * @module
 */

import { Counters } from "../session/counters.ts";

/** Counts and gauges of a server or of a group. A structured clone has all of them. */
export class ServerStats {
  /** Counts since the start. */
  readonly counters = new Counters();
  readonly gauges = {
    inFlight: 0,
    connections: 0,
    /** Upgrades that never opened. */
    abandoned: 0,
    /** Memory that JavaScript uses, in bytes. */
    heap: 0,
  };

  /** Adds the numbers of another server, or of a structured clone of them. */
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
