/**
 * Turns what came of the trials into the text of docs/reliability.md.
 *
 * @module
 */

import { formatCount } from "../../cli/figures.ts";
import { describeMachine } from "../support/machine.ts";
import { markdownTable } from "../support/markdown.ts";
import { isPassed, type Outcome } from "./trial.ts";

/** A trial and what came of it. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly outcome: Outcome;
}

/** The whole report. */
export async function toMarkdown(rows: readonly Row[], startedAt: Date): Promise<string> {
  const [introduction, notes] = await Promise.all(
    ["introduction", "notes"].map((name) =>
      Deno.readTextFile(new URL(`./${name}.md`, import.meta.url))
    ),
  ) as [string, string];
  const sum = (of: (outcome: Outcome) => number) =>
    formatCount(rows.reduce((total, { outcome }) => total + of(outcome), 0));
  const failures = rows.flatMap(({ title, outcome }) =>
    outcome.failures.map((failure) => `- ${title}: ${failure}`)
  );
  return [
    "# Reliability",
    "<!-- Written by `deno task trials`; what is changed by hand here is lost. -->",
    introduction.trim(),
    `Tried on ${startedAt.toISOString().slice(0, 10)} on ${await describeMachine()}, ` +
    `with Deno ${Deno.version.deno}.`,
    markdownTable(["all together", "count"], [
      ["bad inputs tried", sum(({ badInputs = 0 }) => badInputs)],
      ["faults survived", sum(({ faults = 0 }) => faults)],
      ["requests that were owed an answer", sum(({ requests }) => requests)],
      ["**requests lost**", `**${sum(({ lost }) => lost)}**`],
    ]),
    markdownTable(
      ["what was tried", "how much", "requests", "lost", "seen", "passed", "again: `deno task`"],
      rows.map(({ name, title, outcome }) => [
        title,
        outcome.extent,
        formatCount(outcome.requests),
        formatCount(outcome.lost),
        outcome.seen ?? "",
        isPassed(outcome) ? "yes" : "**no**",
        `\`trials --only ${name}\``,
      ]),
    ),
    ...failures.length > 0 ? ["## What failed", failures.join("\n")] : [],
    notes.trim(),
  ].join("\n\n") + "\n";
}
