/**
 * Rounds of measurements, and their text in docs/internals/performance.md.
 *
 * @module
 */

import { quantiles } from "../../cli/figures.ts";
import { markdownTable } from "../../tests/support/markdown.ts";

/** The most digits after the point that `toFixed()` takes. */
const MAX_DIGITS = 100;

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

/** A bound that the median of a measurement should keep. */
export interface Goal {
  readonly what: string;
  /** The baseline of the values, if they are relative. */
  readonly against?: string;
  /** The measured values, one for each round. */
  readonly values: readonly number[];
  /** The lower bound, a ratio; or `atMost`, the upper bound. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Digits after the point; default 2. */
  readonly digits?: number;
  /** The unit of `atMost`. */
  readonly unit?: string;
}

/** A section of the report. */
export interface Section {
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly text: string;
  readonly goals: readonly Goal[];
  /** Further results: a header and rows. */
  readonly table?: { readonly header: readonly string[]; readonly rows: readonly string[][] };
  /** Charts by file name, as SVG. */
  readonly charts?: Readonly<Record<string, string>>;
}

/** Returns the goal that one measurement be at least `atLeast` times another. */
export function ratioGoal(rounds: Rounds, what: string, against: string, atLeast: number): Goal {
  return { what, against, values: ratios(rounds, what, against), atLeast };
}

/** Returns whether the median of the rounds reaches a goal. */
export function isReached({ values, atLeast = -Infinity, atMost = Infinity }: Goal): boolean {
  const value = median(values);
  return value >= atLeast && value <= atMost;
}

/** Formats values as their median and spread: `1.23 (1.10 to 1.31)`. */
export function withSpread(
  values: readonly number[],
  digits = 2,
  unit = "",
  medianDigits = digits,
): string {
  const show = (value: number) => value.toFixed(digits);
  const spread = `${show(Math.min(...values))} to ${show(Math.max(...values))}`;
  return `${median(values).toFixed(medianDigits)}${unit} (${spread})`;
}

/** Returns a table with a row for each measurement. */
export function resultTable(
  header: readonly [string, string],
  rounds: Rounds,
  digits: number,
): NonNullable<Section["table"]> {
  return { header, rows: [...rounds].map(([name, values]) => [name, withSpread(values, digits)]) };
}

/** Formats a section as Markdown. */
export function toMarkdown({ title, text, goals, table, charts = {} }: Section): string {
  const header = ["what", "against", "goal", "median (spread)", "reached"];
  return [
    `## ${title}`,
    text,
    ...goals.length > 0 ? [markdownTable(header, goals.map(goalRow))] : [],
    ...table === undefined ? [] : [markdownTable(table.header, table.rows)],
    ...Object.keys(charts).map((file) => `![${title}](${file})`),
  ].join("\n\n") + "\n";
}

function goalRow(goal: Goal): string[] {
  const { what, against = "", values, atLeast, atMost, digits } = goal;
  const unit = atLeast === undefined ? goal.unit ?? "" : "×";
  return [
    what,
    against,
    atLeast === undefined ? `at most ${atMost}${unit}` : `at least ${atLeast}${unit}`,
    withSpread(values, digits, unit, medianDigits(goal)),
    isReached(goal) ? "yes" : "**no**",
  ];
}

/**
 * Returns how many digits the median of a goal needs. A median of 9.96 misses a goal of 10, so it
 * must not be rounded to 10.0.
 */
function medianDigits(goal: Goal): number {
  const value = median(goal.values);
  const isClear = (digits: number) =>
    isReached({ ...goal, values: [Number(value.toFixed(digits))] }) === isReached(goal);
  let digits = goal.digits ?? 2;
  while (digits < MAX_DIGITS && !isClear(digits)) digits++;
  return digits;
}
