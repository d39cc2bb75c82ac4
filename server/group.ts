/**
 * State that a server shares with others on the same port.
 *
 * @module
 */

import type { DisconnectedIds } from "../session/plan.ts";
import type { ServerStats } from "./stats.ts";

/** A group of servers on one port, as one of them sees it. */
export interface ServerGroup {
  /** Ids that disconnected their client on purpose, on any server of the group. */
  readonly disconnectedIds: DisconnectedIds;
  /** Returns how many requests are in flight in the other servers. Called before each request. */
  inFlightElsewhere(): number;
  /** Returns how many clients the other servers have admitted, in total or from one network. */
  admittedElsewhere(network?: string): number;
  /** Reports to the others that a client from a network was admitted or has left. */
  noteAdmitted(network: string, change: 1 | -1): void;
  status(): Promise<GroupStatus>;
}

/** Status of a group. */
export interface GroupStatus {
  /** Sums over all servers, including those that have ended. */
  readonly stats: ServerStats;
  readonly size: number;
  /** Whether all running servers respond. */
  readonly isHealthy: boolean;
  /** When the first server started, in milliseconds since 1970. */
  readonly startedAt: number;
}
