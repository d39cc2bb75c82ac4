/**
 * `deno task trials`: tries everything that a server has to come through, and writes docs/reliability.md.
 *
 * @module
 */

import { seconds, text } from "../../cli/flags.ts";
import { abortedUpgrades } from "./aborted_upgrades.ts";
import { accounting } from "./accounting.ts";
import { brokenFrames } from "./broken_frames.ts";
import { brokenInput } from "./broken_input.ts";
import { fullDisk, oddLines, oddTerminals } from "./command_line.ts";
import { connectFailures } from "./connect_failures.ts";
import { damagedRecordings } from "./damaged_recordings.ts";
import { descriptors } from "./descriptors.ts";
import { draining } from "./draining.ts";
import { endings } from "./endings.ts";
import { escapedNames } from "./escaped_names.ts";
import { flood } from "./flood.ts";
import { frameLimits } from "./frame_limits.ts";
import { fuzzFrames } from "./fuzz_frames.ts";
import { fuzzPackets } from "./fuzz_packets.ts";
import { fuzzOutcome, randomSeed } from "./fuzzing.ts";
import { gatewayLateness } from "./gateway_lateness.ts";
import { hostileServers } from "./hostile_servers.ts";
import { killedServers } from "./killed_server.ts";
import { lateServers } from "./late_servers.ts";
import { limits } from "./limits.ts";
import { longTexts } from "./long_texts.ts";
import { manyConnections } from "./many_connections.ts";
import { behindNats } from "./nats_chaos.ts";
import { type Row, toMarkdown } from "./report.ts";
import { resets } from "./resets.ts";
import { scriptFlags } from "./script.ts";
import { slowPosts } from "./slow_posts.ts";
import { slowReaders } from "./slow_readers.ts";
import { soak } from "./soak.ts";
import { strangers } from "./unauthorized.ts";
import { throws } from "./throws.ts";
import { isPassed, type Trial } from "./trial.ts";
import { vanishing } from "./vanishing.ts";

/** All trials by name, in the order of the report. */
const TRIALS: Readonly<Record<string, Trial>> = {
  json: {
    title: "Every kind of broken JSON is answered with its error, and the connection goes on",
    run: brokenFrames,
  },
  input: {
    title: "Broken packets are given to send; it names them, and the others are answered",
    run: () => brokenInput(),
  },
  names: {
    title: "Names with escapes are read right, whatever names others have sent before",
    run: () => escapedNames(randomSeed()),
  },
  packets: {
    title: "Random packets get the answers that a second, plain implementation gives",
    run: ({ duration }) => fuzzOutcome("packets", fuzzPackets, duration),
  },
  frames: {
    title: "Random WebSocket frames: odd ones are answered in full, wrong ones harm nobody else",
    run: ({ duration }) => fuzzOutcome("frames", fuzzFrames, duration),
  },
  strangers: {
    title: "Requests by another Host, Origin, path, method or version, or without the token",
    run: () => strangers(),
  },
  hostile: {
    title: "Servers break the rules; the client ends each request in time, and once",
    run: () => hostileServers(),
  },
  obstacles: {
    title: "A connection cannot be made; send says in one line what failed and what to do",
    run: () => connectFailures(),
  },
  limits: {
    title: "What is as much as the limits allow is taken in, and what is past them is refused",
    run: () => limits(),
  },
  splitting: {
    title: "Requests share frames that are longer than the server takes; each is answered once",
    run: () => frameLimits(),
  },
  flood: {
    title: "A client floods the server; answers to another are late by at most 50 ms at p95",
    run: ({ duration }) => flood(duration),
  },
  readers: {
    title: "Clients never read; they are closed, and the memory stays flat",
    run: () => slowReaders(),
  },
  posts: {
    title: "Clients post and stall; each is given up in time, and counts until it leaves",
    run: () => slowPosts(),
  },
  texts: { title: "A text is too long for a string", run: () => longTexts() },
  throws: {
    title: "The server's own code throws, wherever it is called",
    run: () => throws(randomSeed()),
  },
  vanishing: { title: "Clients vanish with requests in flight", run: () => vanishing() },
  upgrades: { title: "Clients leave within the handshake", run: () => abortedUpgrades() },
  resets: { title: "Clients reset their connection at random moments", run: () => resets() },
  descriptors: { title: "The server runs out of file descriptors", run: () => descriptors() },
  disk: {
    title: "The disk is full; every command reports it and exits with 1",
    run: () => fullDisk(),
  },
  lines: {
    title: "Lines that no command can use are refused with their number, and the rest is done",
    run: () => oddLines(),
  },
  terminals: {
    title: "No control character reaches a terminal from arguments or answers, or if it is dumb",
    run: () => oddTerminals(),
  },
  draining: {
    title: "The server drains under load; all that it has accepted is answered",
    run: () => draining(),
  },
  endings: {
    title: "The server ends with its terminal or task runner; all that it has accepted is answered",
    run: () => endings(),
  },
  accounting: {
    title: "The server leaves requests unanswered; in the end it says how many, and why",
    run: () => accounting(),
  },
  waiting: {
    title: "Servers start after their clients; each client that is told to wait is answered",
    run: () => lateServers(randomSeed()),
  },
  killed: {
    title: "The server is killed amid requests, and started again; each is answered once",
    run: () => killedServers(randomSeed()),
  },
  nats: {
    title: "Workers and NATS are killed under load; each request behind it is answered once",
    run: () => behindNats(randomSeed()),
  },
  lateness: {
    title: "A gateway without delays reports the lateness that its answers have",
    run: () => gatewayLateness(),
  },
  recordings: {
    title: "Recordings are damaged; a replay names the line, and loses nothing before it",
    run: () => damagedRecordings(),
  },
  connections: {
    title: "Ten thousand connections at once, a request in flight on each",
    run: () => manyConnections(),
  },
  soak: {
    title: "Mixed load with faults; memory and files are what they were",
    run: ({ duration }) => soak({ duration: 2 * duration, seed: randomSeed() }),
  },
};

const flags = scriptFlags("trials", "Tries all, and writes docs/reliability.md.", {
  only: text("NAME", `tries one, without writing: ${Object.keys(TRIALS).join(", ")}`, undefined),
  seconds: seconds("SECONDS", "how long each fuzzer goes on, and half of the soak [60]", 60),
});
const only = flags.only;
if (only !== undefined && !Object.hasOwn(TRIALS, only)) {
  console.error(`trials: --only: want ${Object.keys(TRIALS).join(" or ")}, got ${only}`);
  Deno.exit(2);
}

const rows: Row[] = [];
const startedAt = new Date();
for (const [name, trial] of Object.entries(TRIALS)) {
  if (only !== undefined && name !== only) continue;
  console.error(`trying: ${name}`);
  const outcome = await trial.run({ duration: flags.seconds });
  for (const failure of outcome.failures) console.log(`FAILED ${name}: ${failure}`);
  if (!isPassed(outcome)) Deno.exitCode = 1;
  rows.push({ name, title: trial.title, outcome });
}
const report = await toMarkdown(rows, startedAt);
if (only !== undefined) {
  console.log(report.slice(report.indexOf("\n| ")).trim());
} else {
  const path = new URL("../../docs/reliability.md", import.meta.url).pathname;
  await Deno.writeTextFile(path, report);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).output();
}
