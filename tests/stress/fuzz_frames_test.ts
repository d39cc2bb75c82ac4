import { assert, assertEquals, assertMatch } from "@std/assert";
import { plainReplies } from "../support/plain.ts";
import { type Faults, startFaulty } from "./faulty_server.ts";
import { fuzzFrames, startFuzzed } from "./fuzz_frames.ts";
import { scriptOf } from "./raw_frames.ts";
import { TRANSPORTS } from "./trial.ts";

for (const transport of TRANSPORTS) {
  Deno.test(`fuzzFrames() returns no findings when a server works (${transport})`, async () => {
    const result = await fuzzFrames({ seed: 1, duration: 60_000, rounds: 64 }, transport);
    assertEquals([result.rounds, result.findings], [64, []]);
    assert(result.tally.badInputs > 0 && result.tally.requests > 0);
  });
}

Deno.test("fuzzFrames() returns a finding when a strict server is not strict", async () => {
  const options = { seed: 1, duration: 60_000, rounds: 64 };
  const { findings } = await fuzzFrames(options, "strict", () => startFuzzed("deno"));
  assertMatch(findings[0]?.what ?? "nothing was found", /expected close code 100\d, got/);
});

const BROKEN: [name: string, faults: Faults, what: RegExp][] = [
  ["answers wrongly", {
    answer: (frame) => plainReplies(frame).map((text) => text.replace("Hub", "Hab")),
  }, /expected .*Hub.*, got .*Hab/],
  ["answers twice", {
    answer: (frame) => plainReplies(frame).flatMap((text) => [text, text]),
  }, /expected/],
  ["ends", { endsAfter: 20 }, /the server's process ended/],
];

Deno.test("fuzzFrames() returns a finding when the server is broken", async (t) => {
  for (const [name, faults, what] of BROKEN) {
    await t.step(name, async () => {
      const start = () => Promise.resolve(startFaulty(faults));
      const { findings } = await fuzzFrames(
        { seed: 1, duration: 60_000, rounds: 32 },
        "deno",
        start,
      );
      assert(findings.length > 0, "nothing was found");
      assertMatch(findings[0]!.what, what);
    });
  }
});

Deno.test("scriptOf() returns the same script when the seed is the same", () => {
  const scripts = Array.from({ length: 50 }, (_, seed) => JSON.stringify(scriptOf(seed)));
  assertEquals(scripts, scripts.map((_, seed) => JSON.stringify(scriptOf(seed))));
  assertEquals(new Set(scripts).size, scripts.length);
});
