/**
 * What the sessions of a worker share with those of the other workers of their server.
 *
 * @module
 */

import type { DisconnectedIds } from "./plan.ts";

/** The workers of a server, as one of them sees them. */
export interface Crew {
  /** Who has broken off a connection, to whichever worker. */
  readonly brokenOff: DisconnectedIds;
  /** How many requests are in flight with the others; `now` is the time, in milliseconds. */
  inFlightOfOthers(now: number): number;
}
