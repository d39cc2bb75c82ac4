/**
 * Measures asyncpkt beside its peers, and writes docs/performance.md with its charts.
 *
 * Arguments: `--rounds N`, how often each is measured (5); `--only PART`, to measure one part and print it
 * without writing.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { output } from "../../tests/support/machine.ts";
import { describePlacing, here } from "./machine.ts";
import { measureClient } from "./parts/client.ts";
import { measureConversions } from "./parts/conversion.ts";
import { measureDelays } from "./parts/delays.ts";
import { measureLogging } from "./parts/logging.ts";
import { measureProfile } from "./parts/profile.ts";
import { measureSocket } from "./parts/socket.ts";
import { measureStart } from "./parts/startup.ts";
import { measureSweeps } from "./parts/sweeps.ts";
import { isReached, type Section, toMarkdown } from "./report.ts";
import { findServers, type Servers } from "./servers.ts";

/** How often each point of the charts is measured at most: there are very many. */
const MOST_SWEEPS = 3;

const PARTS: Readonly<Record<string, (servers: Servers, rounds: number) => Promise<Section>>> = {
  conversion: (_servers, rounds) => measureConversions(rounds),
  socket: measureSocket,
  delays: measureDelays,
  client: measureClient,
  logging: measureLogging,
  startup: (_servers, rounds) => measureStart(rounds),
  sweeps: (servers, rounds) => measureSweeps(servers, Math.min(rounds, MOST_SWEEPS)),
  profile: measureProfile,
};

const args = parseArgs(Deno.args, { string: ["rounds", "only"] });
const rounds = Number(args["rounds"] ?? 5);
const only = args["only"];
const names = only === undefined ? Object.keys(PARTS) : [String(only)];

const folder = await Deno.makeTempDir();
const sections: Section[] = [];
const startedAt = new Date();
try {
  const servers = await findServers(folder);
  for (const name of names) {
    console.error(`measuring: ${name}`);
    const section = await PARTS[name]!(servers, rounds);
    console.log(toMarkdown(section));
    sections.push(section);
  }
  if (only === undefined) await write(servers);
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function write(servers: Servers): Promise<void> {
  const docs = here("../../docs/");
  await Deno.mkdir(docs, { recursive: true });
  for (const [file, svg] of sections.flatMap(({ charts = {} }) => Object.entries(charts))) {
    await Deno.writeTextFile(docs + file, svg);
  }
  const goals = sections.flatMap((section) => section.goals);
  const introduction = [
    "# Performance",
    "<!-- Written by `deno task bench:peers`; what is changed by hand here is lost. -->",
    await Deno.readTextFile(here("introduction.md")).then((text) => text.trim()),
    `Measured on ${startedAt.toISOString().slice(0, 10)} on ${await describePlacing()}; ` +
    `${
      servers.versions.join(", ")
    }; ${rounds} interleaved rounds, of which medians and spread are given. ` +
    `${goals.filter(isReached).length} of ${goals.length} goals were reached.`,
  ];
  const notes = await Deno.readTextFile(here("notes.md"));
  const text = [
    ...introduction,
    ...sections.map((section) => toMarkdown(section).trim()),
    notes.trim(),
  ];
  await Deno.writeTextFile(docs + "performance.md", text.join("\n\n") + "\n");
  await output([Deno.execPath(), "fmt", "--quiet", docs]);
}
