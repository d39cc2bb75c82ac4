/**
 * What several rounds of a measurement say together.
 *
 * @module
 */

import { quantiles } from "../../cli/figures.ts";

/** The middle of some values; of two middles, the lower one. */
export function median(values: readonly number[]): number {
  return quantiles(values)(0.5);
}

/** Rounds of the same things, side by side: each name has a value for each round. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/** Measures everything once in each round, so that what drifts, drifts for all. */
export async function interleave(
  rounds: number,
  measurements: Readonly<Record<string, () => number | Promise<number>>>,
): Promise<Rounds> {
  const values = new Map<string, number[]>(Object.keys(measurements).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(measurements)) {
      values.get(name)!.push(await measure());
    }
  }
  return values;
}

/** The ratio of two things in each round. */
export function ratios(rounds: Rounds, of: string, to: string): number[] {
  return rounds.get(of)!.map((value, round) => value / rounds.get(to)![round]!);
}
