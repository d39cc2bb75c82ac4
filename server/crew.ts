/**
 * What a worker shares with the other workers of its server, all of which listen on one port.
 *
 * @module
 */

import type { Crew } from "../session/crew.ts";
import type { Figures } from "./server_stats.ts";

/** The workers of a server, as one of them sees them. */
export interface ServerCrew extends Crew {
  /** How many of them run. */
  readonly size: number;
  /** Whether all that run still answer. */
  readonly isWell: boolean;
  /** When their server started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** The numbers of this one. */
  readonly figures: Figures;
  /** The numbers of all of them, added up. */
  sum(): Figures;
  /** How many peers the others have admitted. */
  admittedByOthers(): number;
  /** … from one network. */
  admittedByOthersFrom(network: string): number;
  /** Tells the others how many from a network this one has admitted. */
  noteAdmitted(network: string, count: number): void;
}
