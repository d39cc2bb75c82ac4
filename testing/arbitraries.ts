/**
 * Random inputs for property tests. On a failure, fast-check says the seed that repeats it.
 *
 * @module
 */

import fc from "./fast_check.ts";

/** Separators whole, halved and odd, what JSON escapes, and one of each kind of character. */
const TELLING = [
  ...'&%ab1 "\\/\n\0\u007f\u2028é€😀{}[]:,',
  "&&",
  "&&",
  "&&",
  "%%",
  "&&&",
  "%%%",
  "\ud800",
  "\udfff",
  "__proto__",
];

/** Any UTF-16 text, halves of surrogate pairs included. */
export const anyText: fc.Arbitrary<string> = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
});

/** Text that is mostly separators and trouble. */
export const tellingText: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...TELLING),
  maxLength: 60,
});

/** Data in the format's own shape, from few enough names that they repeat, and some that are empty. */
export const shapelyData: fc.Arbitrary<string> = fc.array(
  fc.array(fc.constantFrom("a", "b", "c", "10", "9", "é", "toString", "%", ""), { maxLength: 9 })
    .map((tokens) => tokens.join("&&")),
  { maxLength: 8 },
).map((entities) => entities.join("%%"));

/** Anything that may come as data, likely or not. */
export const anyData: fc.Arbitrary<string> = fc.oneof(tellingText, shapelyData, anyText);

/** What the format can carry as a name or a value: not empty, no separator in it, no `&` at its end. */
export const token: fc.Arbitrary<string> = fc.oneof(
  anyText,
  tellingText,
  fc.constantFrom(
    "a",
    "b",
    "1",
    "0",
    "__proto__",
    "constructor",
    "50%",
    "%",
    "&a",
    "%a",
    '"',
    "\\",
  ),
).map((text) => text.replaceAll("&&", "&").replaceAll("%%", "%").replace(/&+$/, ""))
  .filter((text) => text !== "" && !text.includes("&&") && !text.includes("%%"));

const entityText = fc.uniqueArray(
  fc.tuple(token, fc.array(token, { minLength: 1, maxLength: 3 })),
  { minLength: 1, maxLength: 5, selector: ([name]) => name },
).map((pairs) => {
  const last = pairs.at(-1)![1];
  if (last.at(-1)!.endsWith("%")) last.push("."); // a "%" may not end an entity
  return objectText(pairs.map(([name, values]) => [name, values.map((v) => JSON.stringify(v))]));
});

/** The JSON text, without spaces, of a representation that the format can carry. */
export const representationJson: fc.Arbitrary<string> = fc.uniqueArray(
  fc.tuple(token, fc.array(entityText, { minLength: 1, maxLength: 3 })),
  { maxLength: 5, selector: ([name]) => name },
).map(objectText);

function objectText(members: [name: string, values: string[]][]): string {
  const texts = members.map(([name, values]) =>
    `${JSON.stringify(name)}:${values.length === 1 ? values[0] : `[${values.join(",")}]`}`
  );
  return `{${texts.join(",")}}`;
}
