/**
 * How long the program takes to start.
 *
 * @module
 */

import { type Section, withSpread } from "../report.ts";
import { measureStartup } from "../startup.ts";

/** The most that it may take beyond an empty program, in milliseconds. */
const MOST = 15;

/** Measures the start of `--help` and `send` beside that of an empty program. */
export async function measureStart(rounds: number): Promise<Section> {
  const measured = await measureStartup(3 * rounds);
  const beyondEmpty = (name: string) =>
    measured.get(name)!.map((value, round) => value - measured.get("empty")![round]!);
  const goal = (what: string, values: number[]) => ({
    what,
    against: "`deno run` of an empty program",
    values,
    atMost: MOST,
    digits: 1,
    unit: " ms more",
  });
  return {
    title: "Start",
    text:
      "From starting the process to its end; of `send`, to its first byte on the wire. To show what " +
      "that is made of: `socket` is a program that only connects, `timer` one that sets a timer first.",
    goals: [
      goal("`asyncpkt --help`", beyondEmpty("--help")),
      goal("`asyncpkt send`", beyondEmpty("send")),
    ],
    table: {
      header: ["", "ms"],
      rows: [...measured].map(([name, values]) => [name, withSpread(values, 1)]),
    },
  };
}
