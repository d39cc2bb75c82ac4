/**
 * `deno task trials`: runs all failure tests, and writes docs/reliability.md.
 *
 * @module
 */

import { seconds, text } from "../../cli/flags.ts";
import { formatCount } from "../../cli/figures.ts";
import { describeMachine } from "../support/machine.ts";
import { markdownTable } from "../support/markdown.ts";
import {
  abortedUpgrades,
  flood,
  longTexts,
  resets,
  slowReaders,
  vanishing,
} from "./bad_clients.ts";
import { brokenFrames, brokenInput } from "./broken_frames.ts";
import { accounting, descriptors, throws } from "./broken_servers.ts";
import { damagedRecordings, fullDisk, oddLines, oddTerminals } from "./command_line.ts";
import { escapedNames } from "./escaped_names.ts";
import { fuzzTrial } from "./fuzz.ts";
import { frameLimits, limits, manyConnections } from "./limits.ts";
import { gatewayLateness, natsChaos } from "./nats_chaos.ts";
import { draining, endings, killedServers, lateServers } from "./restarts.ts";
import { slowPosts } from "./slow_posts.ts";
import { soak } from "./soak.ts";
import { isPassed, type Outcome, randomSeed, scriptFlags, type Trial } from "./trial.ts";

/** All failure tests by name, in the order of the report. */
export const TRIALS: Readonly<Record<string, Trial>> = {
  json: {
    title: "Every kind of broken JSON is answered with its error, and the connection goes on",
    run: brokenFrames,
  },
  input: {
    title: "Broken packets are given to send; it names them, and the others are answered",
    run: brokenInput,
  },
  names: {
    title: "Names with escapes are read right, whatever names others have sent before",
    run: escapedNames,
  },
  packets: {
    title: "Random packets get the answers that a second, plain implementation gives",
    run: fuzzTrial("packets"),
  },
  frames: {
    title: "Random WebSocket frames: odd ones are answered in full, wrong ones harm nobody else",
    run: fuzzTrial("frames"),
  },
  limits: {
    title: "What is as much as the limits allow is taken in, and what is past them is refused",
    run: limits,
  },
  splitting: {
    title: "Requests share frames that are longer than the server takes; each is answered once",
    run: frameLimits,
  },
  flood: {
    title: "A client floods the server; answers to another are late by at most 50 ms at p95",
    run: flood,
  },
  readers: {
    title: "Clients never read; they are closed, and the memory stays flat",
    run: slowReaders,
  },
  posts: {
    title: "Clients post and stall; each is given up in time, and counts until it leaves",
    run: slowPosts,
  },
  texts: { title: "A text is too long for a string", run: longTexts },
  throws: { title: "The server's own code throws, wherever it is called", run: throws },
  vanishing: { title: "Clients vanish with requests in flight", run: vanishing },
  upgrades: { title: "Clients leave within the handshake", run: abortedUpgrades },
  resets: { title: "Clients reset their connection at random moments", run: resets },
  descriptors: { title: "The server runs out of file descriptors", run: descriptors },
  disk: { title: "The disk is full; every command reports it and exits with 1", run: fullDisk },
  lines: {
    title: "Lines that no command can use are refused with their number, and the rest is done",
    run: oddLines,
  },
  terminals: {
    title: "No control character reaches a terminal from arguments or answers, or if it is dumb",
    run: oddTerminals,
  },
  draining: {
    title: "The server drains under load; all that it has accepted is answered",
    run: draining,
  },
  endings: {
    title: "The server ends with its terminal or task runner; all that it has accepted is answered",
    run: endings,
  },
  accounting: {
    title: "The server leaves requests unanswered; in the end it says how many, and why",
    run: accounting,
  },
  waiting: {
    title: "Servers start after their clients; each client that is told to wait is answered",
    run: lateServers,
  },
  killed: {
    title: "The server is killed amid requests, and started again; each is answered once",
    run: killedServers,
  },
  nats: {
    title: "Workers and NATS are killed under load; each request behind it is answered once",
    run: natsChaos,
  },
  lateness: {
    title: "A gateway without delays reports the lateness that its answers have",
    run: gatewayLateness,
  },
  recordings: {
    title: "Recordings are damaged; a replay names the line, and loses nothing before it",
    run: damagedRecordings,
  },
  connections: {
    title: "Ten thousand connections at once, a request in flight on each",
    run: manyConnections,
  },
  soak: {
    title: "Mixed load with faults; memory and files are what they were",
    run: ({ duration, seed }) => soak({ duration: 2 * duration, seed }),
  },
};

/** A failure test that was run. */
interface Row {
  readonly name: string;
  readonly title: string;
  readonly outcome: Outcome;
}

/** The table of results. */
function resultTable(rows: readonly Row[]): string {
  return markdownTable(
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
  );
}

/** The text of docs/reliability.md. */
async function reportOf(rows: readonly Row[], startedAt: Date): Promise<string> {
  const read = (name: string) => Deno.readTextFile(new URL(`./${name}.md`, import.meta.url));
  const sum = (of: (outcome: Outcome) => number) =>
    formatCount(rows.reduce((total, { outcome }) => total + of(outcome), 0));
  const failures = rows.flatMap(({ title, outcome }) =>
    outcome.failures.map((failure) => `- ${title}: ${failure}`)
  );
  return [
    "# Reliability",
    "<!-- Written by `deno task trials`; what is changed by hand here is lost. -->",
    (await read("introduction")).trim(),
    `Tried on ${startedAt.toISOString().slice(0, 10)} on ${await describeMachine()}, ` +
    `with Deno ${Deno.version.deno}.`,
    markdownTable(["all together", "count"], [
      ["bad inputs tried", sum(({ badInputs = 0 }) => badInputs)],
      ["faults survived", sum(({ faults = 0 }) => faults)],
      ["requests that were owed an answer", sum(({ requests }) => requests)],
      ["**requests lost**", `**${sum(({ lost }) => lost)}**`],
    ]),
    resultTable(rows),
    ...failures.length > 0 ? ["## What failed", failures.join("\n")] : [],
    (await read("notes")).trim(),
  ].join("\n\n") + "\n";
}

if (import.meta.main) {
  const names = Object.keys(TRIALS);
  const { only, seconds: duration } = scriptFlags(
    "trials",
    "Runs all failure tests, and writes docs/reliability.md.",
    {
      only: text("NAME", `runs one, without writing: ${names.join(", ")}`, undefined),
      seconds: seconds("SECONDS", "how long each fuzzer goes on, and half of the soak [60]", 60),
    },
  );
  if (only !== undefined && !names.includes(only)) {
    console.error(`trials: --only: expected ${names.join(" or ")}, got "${only}"`);
    Deno.exit(2);
  }
  const startedAt = new Date();
  const rows: Row[] = [];
  for (const [name, { title, run }] of Object.entries(TRIALS)) {
    if (only !== undefined && name !== only) continue;
    console.error(`trying: ${name}`);
    const outcome = await run({ duration, seed: randomSeed() });
    for (const failure of outcome.failures) console.log(`FAILED ${name}: ${failure}`);
    if (!isPassed(outcome)) Deno.exitCode = 1;
    rows.push({ name, title, outcome });
  }
  if (only !== undefined) {
    console.log(resultTable(rows));
  } else {
    const path = new URL("../../docs/reliability.md", import.meta.url).pathname;
    await Deno.writeTextFile(path, await reportOf(rows, startedAt));
    await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).output();
  }
}
