/**
 * Turns measurements into the text of docs/performance.md.
 *
 * @module
 */

import { markdownTable } from "../../tests/support/markdown.ts";
import { median } from "./statistics.ts";

/** The most digits after the point that `toFixed()` takes. */
const MAX_DIGITS = 100;

/** A ratio that is to be reached, or a figure that is to be kept under. */
export interface Goal {
  readonly what: string;
  /** What it is compared with. */
  readonly against: string;
  /** What was found, a value for each round. */
  readonly values: readonly number[];
  /** The least that it should be; or, with `atMost`, the most. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** How many digits after the point are shown. */
  readonly digits?: number;
  readonly unit?: string;
}

/** One part of the report. */
export interface Section {
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly text: string;
  readonly goals: readonly Goal[];
  /** Figures beside the goals: a header and rows. */
  readonly table?: { readonly header: readonly string[]; readonly rows: readonly string[][] };
  /** Charts by the names of their files. */
  readonly charts?: Readonly<Record<string, string>>;
}

/** Whether the median of its rounds reaches a goal. */
export function isReached({ values, atLeast = -Infinity, atMost = Infinity }: Goal): boolean {
  const value = median(values);
  return value >= atLeast && value <= atMost;
}

/** A number with its spread over the rounds: `1.23 (1.10 to 1.31)`. */
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

/**
 * How many digits after the point the median of a goal needs. A median of 9.96 misses a goal of 10, so
 * it must not be rounded to 10.0.
 */
function medianDigits(goal: Goal): number {
  const value = median(goal.values);
  const isTold = (digits: number) =>
    isReached({ ...goal, values: [Number(value.toFixed(digits))] }) === isReached(goal);
  let digits = goal.digits ?? 2;
  while (digits < MAX_DIGITS && !isTold(digits)) digits++;
  return digits;
}

/** A section as Markdown. */
export function toMarkdown({ title, text, goals, table: figures, charts = {} }: Section): string {
  const parts = [`## ${title}`, text];
  if (goals.length > 0) {
    parts.push(markdownTable(
      ["what", "against", "goal", "median (spread)", "reached"],
      goals.map((goal) => [
        goal.what,
        goal.against,
        goal.atLeast === undefined
          ? `at most ${goal.atMost}${goal.unit ?? ""}`
          : `at least ${goal.atLeast}${goal.unit ?? "×"}`,
        withSpread(
          goal.values,
          goal.digits,
          goal.atLeast === undefined ? goal.unit : "×",
          medianDigits(goal),
        ),
        isReached(goal) ? "yes" : "**no**",
      ]),
    ));
  }
  if (figures !== undefined) parts.push(markdownTable(figures.header, figures.rows));
  for (const file of Object.keys(charts)) parts.push(`![${title}](${file})`);
  return parts.join("\n\n") + "\n";
}
