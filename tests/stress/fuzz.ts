/**
 * `deno task fuzz`: both fuzzers, or one of them. What they find is printed with the command that finds it
 * again, and makes the exit code 1.
 *
 * @module
 */

import { choice, integer, seconds } from "../../cli/flags.ts";
import { fuzzFrames } from "./fuzz_frames.ts";
import { fuzzPackets } from "./fuzz_packets.ts";
import { findingText, type FuzzOptions, type FuzzResult, randomSeed } from "./fuzzing.ts";
import { scriptFlags } from "./script.ts";

const flags = scriptFlags("fuzz", "Looks for what nobody thought of.", {
  seed: integer(
    "N",
    "repeats what was found with it [another each time]",
    undefined,
    0,
    2 ** 31 - 1,
  ),
  seconds: seconds("SECONDS", "how long each of the two goes on [60]", 60),
  only: choice("what is made up: packets, or WebSocket frames [both]", [
    "both",
    "packets",
    "frames",
  ]),
  rounds: integer("N", "how many rounds each makes at most [no limit]", undefined, 1),
});

const FUZZERS: Record<string, (options: FuzzOptions) => FuzzResult | Promise<FuzzResult>> = {
  packets: fuzzPackets,
  frames: fuzzFrames,
};

const { seed = randomSeed(), seconds: duration, rounds = Infinity } = flags;
for (const [name, fuzz] of Object.entries(FUZZERS)) {
  if (flags.only !== "both" && flags.only !== name) continue;
  console.log(`fuzzing ${name} with seed ${seed} for up to ${duration / 1000} s`);
  const result = await fuzz({ seed, duration, rounds });
  for (const finding of result.findings) console.log(findingText(name, finding));
  console.log(
    `${result.rounds} rounds, ${result.inputs} ${
      name === "packets" ? "packets" : "connections"
    }: ` +
      (result.findings.length > 0 ? `${result.findings.length} found` : "nothing found"),
  );
  if (result.findings.length > 0) Deno.exitCode = 1;
}
