/**
 * `deno task trials`: runs all failure tests, and writes their results to docs/internals/reliability.md.
 *
 * @module
 */

import { choice, time } from "../../cli/flags.ts";
import { formatCount } from "../../cli/figures.ts";
import { describeMachine, output } from "../support/machine.ts";
import { markdownTable } from "../support/markdown.ts";
import { abortedUpgrades, longTexts, vanishing } from "./client_failures.ts";
import { endless, flood, fragments, pongs, unread } from "./floods.ts";
import { fuzzTrial } from "./fuzz.ts";
import { gatewayLateness, natsChaos } from "./nats_chaos.ts";
import { descriptors, killedServers, limits, manyConnections, throws } from "./server_failures.ts";
import { soak } from "./soak.ts";
import {
  isPassed,
  randomSeed,
  scriptFlags,
  type Transport,
  TRANSPORTS,
  type TransportTrialOptions,
  type TrialOptions,
  type TrialOutcome,
} from "./trial.ts";

/** A failure test. */
interface Trial {
  /** The failure, and the expected result. */
  readonly title: string;
  /** Transports to run it over, if it is about WebSockets. */
  readonly transports?: readonly Transport[];
  run(options: TransportTrialOptions): Promise<TrialOutcome>;
}

/** A failure test over one transport. */
interface Named {
  readonly name: string;
  readonly title: string;
  run(options: TrialOptions): Promise<TrialOutcome>;
}

const STRICT: readonly Transport[] = ["strict"];

/** All failure tests by name, in the order of the report. */
const ALL: Readonly<Record<string, Trial>> = {
  packets: {
    title: "Random packets get the same answers from a plain implementation",
    run: fuzzTrial("packets"),
  },
  codec: {
    title: "Random streams of frames, cut at random, are decoded as by a plain implementation",
    run: fuzzTrial("codec"),
  },
  frames: {
    title: "Unusual WebSocket frames are answered in full; invalid ones affect no other client",
    transports: TRANSPORTS,
    run: (options) => fuzzTrial(`frames-${options.transport}`)(options),
  },
  limits: {
    title: "The server accepts as much as its limits allow, and refuses more",
    transports: TRANSPORTS,
    run: limits,
  },
  flood: {
    title: "A client floods the server; another client's answers are at most 50 ms late at p95",
    transports: TRANSPORTS,
    run: flood,
  },
  pongs: {
    title: "Four clients send unsolicited pongs without end; answers are at most 20 ms late at p95",
    transports: STRICT,
    run: pongs,
  },
  fragments: {
    title: "Four clients send empty fragments without end; answers are at most 20 ms late at p95",
    transports: STRICT,
    run: fragments,
  },
  endless: {
    title:
      "50 clients send 500 MiB of fragments each; the server takes 30 MB more and a packet of each",
    transports: STRICT,
    run: endless,
  },
  unread: {
    title:
      "A client sends requests without end and reads nothing; answers are at most 20 ms late at p95",
    transports: STRICT,
    run: unread,
  },
  texts: { title: "Texts too long for a string end only their own connection", run: longTexts },
  throws: {
    title: "The server's own code throws in callbacks of Deno",
    transports: TRANSPORTS,
    run: throws,
  },
  vanishing: {
    title: "Clients disconnect or fall silent with requests in flight",
    transports: TRANSPORTS,
    run: vanishing,
  },
  upgrades: {
    title: "Clients disconnect during the handshake",
    transports: TRANSPORTS,
    run: abortedUpgrades,
  },
  descriptors: {
    title: "The server runs out of file descriptors",
    transports: TRANSPORTS,
    run: descriptors,
  },
  killed: {
    title: "The server is killed with requests in flight and restarted; each is answered once",
    transports: TRANSPORTS,
    run: killedServers,
  },
  nats: {
    title: "Workers and NATS are killed under load; each request is answered once",
    run: natsChaos,
  },
  lateness: {
    title: "A gateway without delays reports the lateness of its answers",
    run: gatewayLateness,
  },
  connections: {
    title: "Many connections are open at once, with a request in flight on each",
    transports: TRANSPORTS,
    run: manyConnections,
  },
  soak: {
    title: "Mixed load with faults leaks neither memory nor files",
    transports: TRANSPORTS,
    run: (options) => soak({ ...options, duration: 2 * options.duration }),
  },
};

/** All failure tests, once for each transport that they run over. */
export const TRIALS: readonly Named[] = Object.entries(ALL).flatMap(
  ([name, { title, transports, run }]) =>
    transports?.map((transport) => ({
      name: `${name}-${transport}`,
      title: `${title} (transport \`${transport}\`)`,
      run: (options: TrialOptions) => run({ ...options, transport }),
    })) ?? [{
      name,
      title,
      run: (options: TrialOptions) => run({ ...options, transport: "deno" }),
    }],
);

/** A failure test and its outcome. */
interface Row extends Pick<Named, "name" | "title"> {
  readonly outcome: TrialOutcome;
}

/** Returns the table of results. */
function resultTable(rows: readonly Row[]): string {
  return markdownTable(
    ["failure", "extent", "requests", "lost", "observations", "passed", "`deno task`"],
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

/** Replaces the part of docs/internals/reliability.md between its two comments. */
async function writeReport(rows: readonly Row[], startedAt: Date): Promise<void> {
  const sum = (of: (outcome: TrialOutcome) => number) =>
    formatCount(rows.reduce((total, { outcome }) => total + of(outcome), 0));
  const failures = rows.flatMap(({ title, outcome }) =>
    outcome.failures.map((failure) => `- ${title}: ${failure}`)
  );
  const results = [
    `Run on ${startedAt.toISOString().slice(0, 10)} on ${await describeMachine()}, ` +
    `with Deno ${Deno.version.deno}.`,
    markdownTable(["total", "count"], [
      ["bad inputs", sum(({ badInputs = 0 }) => badInputs)],
      ["faults survived", sum(({ faults = 0 }) => faults)],
      ["requests that should be answered", sum(({ requests }) => requests)],
      ["**requests lost**", `**${sum(({ lost }) => lost)}**`],
    ]),
    resultTable(rows),
    ...failures.length > 0 ? ["## Failures", failures.join("\n")] : [],
  ];
  const path = new URL("../../docs/internals/reliability.md", import.meta.url).pathname;
  const text = await Deno.readTextFile(path);
  const written = text.replace(
    /(<!-- Results.*? -->\n).*(?=<!-- End of results -->)/s,
    (_, start) => `${[start, ...results].join("\n\n")}\n\n`,
  );
  await Deno.writeTextFile(path, written);
  await output([Deno.execPath(), "fmt", "--quiet", path]);
}

if (import.meta.main) {
  const names = Object.keys(ALL);
  const placeholder = "NAME";
  const { only, seconds: duration } = scriptFlags(
    "trials",
    "Runs the failure tests, and writes docs/internals/reliability.md if it runs all.",
    {
      only: {
        ...choice(
          `runs one of ${names.join(", ")}, with -deno or -strict over that transport only [all]`,
          [
            "all",
            ...names,
            ...TRIALS.map(({ name }) => name),
          ],
        ),
        placeholder,
      },
      seconds: time("how long each fuzzer goes on, and half of the soak [60]", 60_000),
    },
  );
  const startedAt = new Date();
  const rows: Row[] = [];
  for (const { name, title, run } of TRIALS) {
    if (only !== "all" && only !== name && !name.startsWith(`${only}-`)) continue;
    console.error(`running: ${name}`);
    const outcome = await run({ duration, seed: randomSeed() });
    for (const failure of outcome.failures) console.log(`FAILED ${name}: ${failure}`);
    if (!isPassed(outcome)) Deno.exitCode = 1;
    rows.push({ name, title, outcome });
  }
  if (only !== "all") {
    console.log(resultTable(rows));
  } else {
    await writeReport(rows, startedAt);
  }
}
