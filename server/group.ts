/**
 * What a server shares with others that listen on the same port.
 *
 * @module
 */

import type { DisconnectedIds } from "../session/plan.ts";
import type { ServerStats } from "./stats.ts";

/** A group of servers on one port, as one of them sees it. */
export interface ServerGroup {
  /** Requests whose connection was closed on purpose, by any server of the group. */
  readonly disconnectedIds: DisconnectedIds;
  /**
   * How many requests are in flight in the other servers. Called before each request.
   *
   * @param inFlight how many are in flight in this one.
   */
  inFlightElsewhere(inFlight: number): number;
  /** How many clients the other servers have admitted: all, or those from one network. */
  admittedElsewhere(network?: string): number;
  /** Tells the others that this server has admitted a client from a network, or that one has left. */
  noteAdmitted(network: string, change: 1 | -1): void;
  /** Asks all servers of the group how they are. */
  status(): Promise<GroupStatus>;
}

/** How all servers of a group are together. */
export interface GroupStatus {
  /** The sums of their numbers, including servers that have ended. */
  readonly stats: ServerStats;
  /** How many of them run. */
  readonly size: number;
  /** Whether all that run respond. */
  readonly isHealthy: boolean;
  /** When the first of them started, in milliseconds since 1970. */
  readonly startedAt: number;
}
