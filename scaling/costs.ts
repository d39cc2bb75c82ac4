/**
 * What a request costs a process: what each turn of its event loop takes, whatever is done in it, and what
 * each request adds. Both follow from the processor's share under a small load and under a great one.
 *
 * @module
 */

import type { LoadReported } from "./measurements.ts";
import { type Load, simulate } from "./simulation.ts";

/** Costs in milliseconds. */
export type Costs = Pick<Load, "perRequest" | "perTurn">;

/** A load, as far as costs go. */
type Busy = Pick<LoadReported, "rate" | "processor">;

/** The costs at which two loads take as much of a core as was measured. */
export function costsOf(small: Busy, great: Busy): Costs {
  const perRequest = 1000 * (great.processor - small.processor) / (great.rate - small.rate);
  return { perRequest, perTurn: perTurnOf(small, perRequest) };
}

/** What is left of the small load's share for its turns. */
function perTurnOf({ rate, processor }: Busy, perRequest: number): number {
  const left = 1000 * processor - rate * perRequest;
  let perTurn = 0;
  // How often the loop turns depends on what a turn takes, though only a little.
  for (let i = 0; i < 3; i++) {
    perTurn = left / simulate({ rate, perRequest, perTurn, inBursts: true }).turnsPerSecond;
  }
  return perTurn;
}
