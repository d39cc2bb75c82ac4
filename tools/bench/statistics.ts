/**
 * Statistics over several rounds of the same measurements.
 *
 * @module
 */

import { quantiles } from "../../cli/figures.ts";

/** Results of measurements by name, one for each round. */
export type Rounds<T = number> = ReadonlyMap<string, readonly T[]>;

/** Returns the middle of some values; of two middles, the lower one. */
export function median(values: readonly number[]): number {
  return quantiles(values)(0.5);
}

/** Runs all measurements once in each round, so that drift affects all of them. */
export async function interleave<T>(
  rounds: number,
  measurements: Readonly<Record<string, () => T | Promise<T>>>,
): Promise<Rounds<T>> {
  const results = new Map<string, T[]>(Object.keys(measurements).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(measurements)) {
      results.get(name)!.push(await measure());
    }
  }
  return results;
}

/** Returns one number of each result. */
export function pick<T>(rounds: Rounds<T>, numberOf: (result: T) => number): Rounds {
  return new Map([...rounds].map(([name, results]) => [name, results.map(numberOf)]));
}

/** Returns the ratio of two measurements in each round. */
export function ratios(rounds: Rounds, of: string, to: string): number[] {
  return rounds.get(of)!.map((value, round) => value / rounds.get(to)![round]!);
}
