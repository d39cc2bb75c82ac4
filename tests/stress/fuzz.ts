/**
 * `deno task fuzz`: all fuzzers, or one of them. It prints each finding with the command that repeats it,
 * and then ends with exit code 1.
 *
 * @module
 */

import { choice, integer, time } from "../../cli/flags.ts";
import { formatCount } from "../../cli/figures.ts";
import { fuzzCodec } from "./fuzz_codec.ts";
import { fuzzFrames } from "./fuzz_frames.ts";
import { type FuzzOptions, fuzzPackets } from "./fuzz_packets.ts";
import { randomSeed, scriptFlags, type TrialOptions, type TrialOutcome } from "./trial.ts";

const FUZZERS = {
  packets: fuzzPackets,
  codec: fuzzCodec,
  "frames-deno": (options: FuzzOptions) => fuzzFrames(options, "deno"),
  "frames-strict": (options: FuzzOptions) => fuzzFrames(options, "strict"),
};
const NAMES = ["packets", "codec", "frames-deno", "frames-strict"] as const;

/** What a fuzzer counts. */
const INPUTS = {
  packets: "packets",
  codec: "streams",
  "frames-deno": "connections",
  "frames-strict": "connections",
};

/** Returns a fuzzer as a failure test. */
export function fuzzTrial(only: keyof typeof FUZZERS) {
  return async ({ seed, duration }: TrialOptions): Promise<TrialOutcome> => {
    const { inputs, tally, findings } = await FUZZERS[only]({ seed, duration });
    return {
      ...tally,
      extent: `${formatCount(inputs)} ${INPUTS[only]} in ${duration / 1000} s, seed ${seed}`,
      lost: findings.length,
      failures: findings.map(({ seed, what }) => `${what}; again: ${commandFor(only, seed)}`),
    };
  };
}

function commandFor(only: string, seed: number): string {
  return `deno task fuzz --only ${only} --rounds 1 --seed ${seed}`;
}

if (import.meta.main) {
  const { seed = randomSeed(), seconds, only, rounds = Infinity } = scriptFlags(
    "fuzz",
    "Fuzzes packets, the WebSocket codec, and frames over both transports.",
    {
      seed: integer("repeats a run with it [random]", undefined, 0, 2 ** 31 - 1),
      seconds: time("how long it fuzzes each of packets, codec and frames [60]", 60_000),
      only: choice("which fuzzer [all]", ["all", "frames", ...NAMES]),
      rounds: integer("most rounds of each [no limit]", undefined, 1),
    },
  );
  for (const name of NAMES) {
    if (only !== "all" && !name.startsWith(only)) continue;
    const duration = only !== name && name.startsWith("frames") ? seconds / 2 : seconds;
    console.log(`fuzzing ${name} with seed ${seed} for up to ${duration / 1000} s`);
    const result = await FUZZERS[name]({ seed, duration, rounds });
    for (const { seed, what, input } of result.findings) {
      console.log(`FOUND ${what}\n  input: ${JSON.stringify(input)}`);
      console.log(`  again: ${commandFor(name, seed)}\n`);
      Deno.exitCode = 1;
    }
    const found = result.findings.length || "nothing";
    console.log(`${result.rounds} rounds, ${result.inputs} ${INPUTS[name]}: ${found} found`);
  }
}
