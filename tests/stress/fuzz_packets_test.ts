import { assert, assertEquals, assertLess } from "@std/assert";
import { plainParse, plainReplies } from "../support/plain.ts";
import { fuzzPackets, type Implementation } from "./fuzz_packets.ts";

/** Implementations with a fault. */
const BROKEN: Record<string, Implementation> = {
  "puts names that are array indices first": (frame) =>
    plainReplies(frame).map((text) => {
      return text.includes('"error"') ? text : JSON.stringify(plainParse(text));
    }),
  "does not see the end": (frame) => plainReplies(frame.replace(/\}$/, "}}")),
  "throws at an escape of a control character": (frame) => {
    if (frame.includes("\\u0000")) throw new Error("as asked");
    return plainReplies(frame);
  },
  "answers twice": (frame) => plainReplies(frame).flatMap((text) => [text, text]),
};

Deno.test("fuzzPackets() returns no findings when the core works", () => {
  const { findings, rounds, inputs, tally } = fuzzPackets({
    seed: 7,
    duration: 60_000,
    rounds: 20,
  });
  assertEquals(findings, []);
  assertEquals([rounds, inputs], [20, 4000]);
  assert(tally.badInputs > 1000 && tally.requests > 2000);
});

Deno.test("fuzzPackets() returns a finding and repeats it by its seed when the core is broken", async (t) => {
  for (const [name, implementation] of Object.entries(BROKEN)) {
    await t.step(name, () => {
      const options = { seed: 1, duration: 60_000, rounds: 100 };
      const [first, ...more] = fuzzPackets(options, () => implementation).findings;
      assert(first !== undefined, "nothing was found");
      assertLess(more.length, 3);
      const again = fuzzPackets({ ...options, seed: first.seed, rounds: 1 }, () => implementation);
      assertEquals(again.findings, [first]);
    });
  }
});
