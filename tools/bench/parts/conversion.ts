/**
 * The conversion beside the plain program.
 *
 * @module
 */

import { DATA } from "../conversion.ts";
import { output } from "../../../tests/support/machine.ts";
import { here, pinned } from "../machine.ts";
import { type Goal, type Section, withSpread } from "../report.ts";
import { ratios, type Rounds } from "../statistics.ts";

/** How much faster than the plain program, where that is the goal; elsewhere: never slower, and linear. */
const FASTER: Readonly<Record<string, number>> = {
  "small, 92 characters": 6,
  "1.1 KB, 20 entities": 10,
  "64 KB": 8,
};

/** The most that twice the data may cost, compared with the half. */
const LINEAR = 2.5;

/** Measures each kind of data in a process of its own, so that none is compiled for another. */
export async function measureConversions(rounds: number): Promise<Section> {
  const goals: Goal[] = [];
  const rows: string[][] = [];
  for (const name of Object.keys(DATA)) {
    const measured: Rounds = new Map(JSON.parse(
      await output(pinned(0, [
        Deno.execPath(),
        "run",
        "--quiet",
        here("conversion.ts"),
        name,
        String(rounds),
      ])),
    ));
    goals.push({
      what: name,
      against: "the plain program's time",
      values: ratios(measured, "plain", "asyncpkt"),
      atLeast: FASTER[name] ?? 1,
      digits: 1,
    });
    if (measured.has("half")) {
      goals.push({
        what: name,
        against: "its half",
        values: ratios(measured, "asyncpkt", "half"),
        atMost: LINEAR,
        unit: "×",
      });
    }
    rows.push([
      name,
      withSpread(measured.get("asyncpkt")!, 2),
      withSpread(measured.get("plain")!, 2),
    ]);
  }
  return {
    title: "Conversion",
    text: "From a request's text to its response's text, in one thread. Microseconds a packet.",
    goals,
    table: { header: ["data", "asyncpkt, µs", "plain, µs"], rows },
  };
}
