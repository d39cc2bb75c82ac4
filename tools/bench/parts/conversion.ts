/**
 * The conversion beside the plain program.
 *
 * @module
 */

import { output } from "../../../tests/support/machine.ts";
import { DATA } from "../conversion.ts";
import { deno, here, pinned } from "../machine.ts";
import { type Goal, type Section, withSpread } from "../report.ts";
import type { Servers } from "../servers.ts";
import { ratios, type Rounds } from "../statistics.ts";

/** The least speed in relation to the plain program; 1 for other data. */
const SPEEDUPS: Readonly<Record<string, number>> = {
  "small, 92 characters": 6,
  "1.1 KB, 20 entities": 10,
  "64 KB": 8,
};

/** The most that twice the data may cost, relative to the half. */
const MAX_GROWTH = 2.5;

/** Measures each kind of data in a process of its own, so that none is compiled for another. */
export async function measureConversions(_servers: Servers, rounds: number): Promise<Section> {
  const goals: Goal[] = [];
  const rows: string[][] = [];
  for (const name of Object.keys(DATA)) {
    const command = deno(here("conversion.ts"), name, String(rounds));
    const measured: Rounds = new Map(JSON.parse(await output(pinned(0, command))));
    goals.push({
      what: name,
      against: "the plain program's time",
      values: ratios(measured, "plain", "asyncpkt"),
      atLeast: SPEEDUPS[name] ?? 1,
      digits: 1,
    });
    if (measured.has("half")) {
      const values = ratios(measured, "asyncpkt", "half");
      goals.push({ what: name, against: "its half", values, atMost: MAX_GROWTH, unit: "×" });
    }
    rows.push([name, ...["asyncpkt", "plain"].map((of) => withSpread(measured.get(of)!))]);
  }
  return {
    title: "Conversion",
    text:
      "From a request's text to its response's text, in one thread, in microseconds per packet.",
    goals,
    table: { header: ["data", "asyncpkt, µs", "plain, µs"], rows },
  };
}
