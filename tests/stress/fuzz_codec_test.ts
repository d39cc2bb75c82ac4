import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Decode, decodeFrames, fuzzCodec } from "./fuzz_codec.ts";

const OPTIONS = { seed: 7, duration: 60_000, rounds: 150 };

Deno.test("fuzzCodec() returns no findings when the decoder works", () => {
  const { findings, inputs, tally } = fuzzCodec(OPTIONS);
  assertEquals([findings, inputs], [[], 150]);
  assert(tally.badInputs > 20 && tally.badInputs < 130);
});

/** Decoders with a fault. */
const BROKEN: [name: string, decode: Decode, what: RegExp][] = [
  [
    "loses a byte of each cut",
    (pieces, max) =>
      decodeFrames(pieces.map((piece, i) => i === 0 ? piece : piece.subarray(1)), max),
    /expected/,
  ],
  ["ignores its limit", (pieces) => decodeFrames(pieces, 1 << 26), /expected/],
  ["gives the wrong status code", (pieces, max) => {
    const { code, ...rest } = decodeFrames(pieces, max);
    return code === undefined ? rest : { ...rest, code: code ^ 1 };
  }, /expected error 100\d, got error 100\d/],
  ["throws another error", () => {
    throw new TypeError("as asked");
  }, /as asked/],
  ["allocates what a header claims", (pieces, max) => {
    new Uint8Array(1 << 26);
    return decodeFrames(pieces, max);
  }, /allocated 67108864 bytes/],
];

Deno.test("fuzzCodec() returns a finding and repeats it by its seed when the decoder is broken", async (t) => {
  for (const [name, decode, what] of BROKEN) {
    await t.step(name, () => {
      const [first] = fuzzCodec(OPTIONS, decode).findings;
      assertMatch(first?.what ?? "nothing was found", what);
      const again = fuzzCodec({ ...OPTIONS, seed: first!.seed, rounds: 1 }, decode);
      assertEquals(again.findings, [first!]);
    });
  }
});
