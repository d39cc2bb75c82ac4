import { assert, assertLess, assertLessOrEqual, assertStrictEquals } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { anyData } from "../tests/support/arbitraries.ts";
import { plainConvertToJson } from "../tests/support/plain.ts";
import { convertVectors } from "../tests/support/vectors.ts";
import { convertBytes, representationBound, SOURCE_MARGIN } from "./conversion.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const CANARY = 0xa5;
const CANARIES = 64;

/**
 * Converts in the middle of buffers with just the required room, checks that nothing is written
 * outside of it, and compares the result with the plain twin.
 */
function assertConverts(data: string, before = 3): void {
  const json = encoder.encode(JSON.stringify(data).slice(1, -1));
  const end = before + json.length;
  const source = new Uint8Array(end + SOURCE_MARGIN + CANARIES).fill(CANARY);
  source.set(json, before);
  const outEnd = before + representationBound(json.length);
  const out = new Uint8Array(outEnd + CANARIES).fill(CANARY);

  const o = convertBytes(source, before, end, out, before);

  assertStrictEquals(decoder.decode(out.subarray(before, o)), plainConvertToJson(data));
  assertLessOrEqual(o, outEnd);
  assertUntouched(out, 0, before);
  assertUntouched(out, outEnd, out.length);
  assertUntouched(source, 0, before);
  assertUntouched(source, end + SOURCE_MARGIN, source.length);
  assert(source.subarray(before, end).every((byte, i) => byte === json[i]), "the data was changed");
}

function assertUntouched(bytes: Uint8Array, at: number, end: number): void {
  const touched = bytes.subarray(at, end).findIndex((byte) => byte !== CANARY);
  assertStrictEquals(touched, -1, `byte ${at + touched} of ${bytes.length} was written`);
}

for (const { name, data } of convertVectors()) {
  Deno.test(`convertBytes() stays in its bounds with the vector: ${name}`, () => {
    assertConverts(data);
  });
}

Deno.test("convertBytes() writes the text of the plain twin, within representationBound()", () => {
  const before = fc.nat({ max: 9 });
  fc.assert(fc.property(anyData, before, assertConverts), { numRuns: 6000 });
});

/** Returns all texts of up to `length` units. */
function* allTexts(units: readonly string[], length: number): Generator<string> {
  yield "";
  if (length === 0) return;
  for (const text of allTexts(units, length - 1)) for (const unit of units) yield text + unit;
}

Deno.test("convertBytes() writes the text of the plain twin for every short text", () => {
  for (const data of allTexts(["&", "%", "a"], 9)) assertConverts(data);
  for (const data of allTexts(["&&", "%%", "a", "b"], 8)) assertConverts(data);
});

/** Returns `count` pairs, with names from `nameOf`. */
function pairs(count: number, nameOf: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => `${nameOf(i)}&&${i}`).join("&&");
}

/** Returns `count` entities, with names from `nameOf`. */
function entities(count: number, nameOf: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => `${nameOf(i)}&&n&&${i}`).join("%%");
}

const namings: [string, (i: number, count: number) => string][] = [
  ["all distinct", (i) => `name ${i}`],
  ["digits", (i, count) => `${count - i}`],
  ["alike at both ends and as long", (i) => `a${String(i).padStart(6, "0")}z`],
  ["of every length", (i) => "x".repeat(i % 300 + 1)],
  [
    "distinct in their last byte alone",
    (i) => `${"x".repeat(i >> 5)}${String.fromCharCode(64 + i % 32)}`,
  ],
  ["all the same", () => "same"],
  ["two in turn", (i) => `name ${i % 2}`],
  ["one in seven new", (i) => `name ${i % 7 === 0 ? i : 0}`],
  ["the last repeats the first", (i, count) => `name ${i === count - 1 ? 0 : i}`],
  ["the last repeats the one before", (i, count) => `name ${i === count - 1 ? i - 1 : i}`],
  ["the second half repeats the first", (i, count) => `name ${i % Math.ceil(count / 2)}`],
  [
    "the second half repeats the first, backwards",
    (i, count) => `name ${Math.min(i, count - 1 - i)}`,
  ],
  ["repeated from the thirty-third on", (i) => `name ${i < 33 ? i : i % 5}`],
  ["repeated up to the thirty-second", (i) => `name ${i < 32 ? i % 5 : i}`],
  ["beyond ASCII", (i) => `имя ${i % 50} 😀`],
];

Deno.test("convertBytes() finds repeated names among few and many", async (t) => {
  for (const [naming, nameOf] of namings) {
    for (
      const count of [1, 2, 3, 31, 32, 33, 34, 64, 65, 127, 128, 129, 255, 256, 257, 1000, 10_000]
    ) {
      await t.step(`${count}, ${naming}`, () => {
        const name = (i: number) => nameOf(i, count);
        assertConverts(`A&&${pairs(count, name)}`);
        assertConverts(entities(count, name));
      });
    }
  }
});

Deno.test("convertBytes() distinguishes names whose lengths differ by 65,536", () => {
  const name = (length: number) => `a${"x".repeat(length)}z`;
  assertConverts(`A&&${name(5)}&&1&&${name(5 + 65_536)}&&2&&${name(5)}&&3`);
});

Deno.test("convertBytes() keeps the names of objects apart", () => {
  const sizes = [1000, 2, 33, 32, 1, 300, 31, 5];
  for (const [, nameOf] of namings) {
    const texts = sizes.map((count, i) => `E${i % 3}&&${pairs(count, (j) => nameOf(j, count))}`);
    assertConverts(texts.join("%%"));
    assertConverts([...texts, ...texts.toReversed()].join("%%"));
  }
});

Deno.test("convertBytes() finds random repeats among random numbers of names", () => {
  const name = (most: number) => fc.nat({ max: most }).map((i) => `n${i}`);
  const tokens = fc.constantFrom(1, 5, 20, 40, 80, 1000).chain((most) =>
    fc.array(name(most), { maxLength: 300, size: "max" })
  );
  const data = fc.array(fc.tuple(name(40), tokens), { maxLength: 60, size: "max" })
    .map((all) => all.map(([entity, rest]) => [entity, ...rest].join("&&")).join("%%"));
  fc.assert(fc.property(data, (text) => assertConverts(text)), { numRuns: 100 });
});

const LENGTH = 20_000;

const extremes: [name: string, data: string][] = [
  ["only &", "&".repeat(LENGTH)],
  ["only %", "%".repeat(LENGTH)],
  ["&%", "&%".repeat(LENGTH)],
  ["&&%%", "&&%%".repeat(LENGTH)],
  ["a%%", "a%%".repeat(LENGTH)],
  ["a&&", "a&&".repeat(LENGTH)],
  ["&&a", "&&a".repeat(LENGTH)],
  ["a&&b&&c%%", "a&&b&&c%%".repeat(LENGTH)],
  ["a&&b&&c&&%%", "a&&b&&c&&%%".repeat(LENGTH)],
  ["one long value", `a&&b&&${"x".repeat(LENGTH)}`],
  ["one long name", `a&&${"x".repeat(LENGTH)}&&b`],
  ["long values that repeat", `a&&b&&${"x".repeat(LENGTH)}&&b&&${"é".repeat(LENGTH)}`],
  ["long values that are dropped", `a&&&&${"x".repeat(LENGTH)}&&${"y".repeat(LENGTH)}&&`],
  ["quotes", `a&&b&&${'"'.repeat(LENGTH)}`],
];

Deno.test("convertBytes() converts extreme data", async (t) => {
  for (const [name, data] of extremes) {
    await t.step(name, () => {
      assertConverts(data);
      assertConverts(`A&&x&&1%%${data}%%A&&x&&2`);
    });
  }
});

Deno.test("convertBytes() takes time in proportion to the names", async (t) => {
  const TELLING = [
    "all distinct",
    "alike at both ends and as long",
    "all the same",
    "one in seven new",
  ];
  const count = 100_000;
  for (const [naming, nameOf] of namings.filter(([naming]) => TELLING.includes(naming))) {
    await t.step(naming, () => {
      const name = (i: number) => nameOf(i, count);
      const json = encoder.encode(`A&&${pairs(count, name)}%%${entities(count, name)}`);
      const source = new Uint8Array(json.length + SOURCE_MARGIN);
      source.set(json);
      const out = new Uint8Array(representationBound(json.length));
      const startedAt = performance.now();
      convertBytes(source, 0, json.length, out, 0);
      // 0.1 s on an idle machine; comparing all names with each other takes 40 s.
      assertLess(performance.now() - startedAt, 10_000);
    });
  }
});
