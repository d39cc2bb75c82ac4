/**
 * Random inputs for property tests.
 *
 * @module
 */

import { encodeCancel, encodeRequest } from "../../protocol/packet.ts";
import { fc } from "./npm_packages.ts";

/** Separators, parts of them, characters that JSON escapes, and one of each kind of character. */
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

/** Text that is mostly separators and odd characters. */
export const tellingText: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...TELLING),
  maxLength: 60,
});

/** Well-formed data of few names, so that they repeat, some of them empty. */
export const shapelyData: fc.Arbitrary<string> = fc.array(
  fc.array(fc.constantFrom("a", "b", "c", "10", "9", "é", "toString", "%", ""), { maxLength: 9 })
    .map((tokens) => tokens.join("&&")),
  { maxLength: 8 },
).map((entities) => entities.join("%%"));

/** Any data. */
export const anyData: fc.Arbitrary<string> = fc.oneof(tellingText, shapelyData, anyText);

/** Returns a packet as JSON.stringify writes it, as Python's json.dumps does, and in other spellings. */
export function spellings(id: string, data: string): string[] {
  return [
    `{"request_id":${id},"data":${data}}`,
    `{"request_id": ${id}, "data": ${data}}`,
    `{"request_id" : ${id} , "data" : ${data} }`,
    `{"request_id":  ${id},  "data":  ${data}}`,
    `{ "request_id":${id},"data":${data}}`,
    `{\n\t"request_id":\t${id},\n\t"data":\t${data}\n}`,
    `{"data":${data},"request_id":${id}}`,
    `{"request_id":${id},"data":${data},"more":[{}]}`,
    `{"more":"","request_id":${id},"data":${data}}`,
    `{"request_id":${id},"data":${data},"data":"last"}`,
    `{"request_id":${id},"request_id":"last","data":${data}}`,
    `{"request_id":${id},"data":${data}}\n`,
    ` {"request_id":${id},"data":${data}}`,
    `\ufeff{"request_id":${id},"data":${data}}`,
  ];
}

const ONE = '{"request_id":1,"data":"x"}';
const TWO = '{"request_id":"b","data":"é&&y&&1"}';

/** Ids, valid or nearly. */
const anyId: fc.Arbitrary<string | number> = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -20, max: 20 }),
  fc.string(),
  anyText,
  tellingText,
  // About as long as an id may be.
  fc.tuple(fc.constantFrom("x", "é", "😀", '"'), fc.integer({ min: 126, max: 258 }))
    .map(([unit, count]) => unit.repeat(count)),
);

/** JSON text of a packet, nearly always a valid one. */
export const packetText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(anyId, anyData).map(([id, data]) => encodeRequest(id, data)),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(anyId, anyData, fc.nat({ max: 13 })).map(([id, data, i]) =>
      spellings(JSON.stringify(id), JSON.stringify(data))[i]!
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(ONE, TWO) },
  { weight: 1, arbitrary: anyId.map(encodeCancel) },
  { weight: 1, arbitrary: fc.json() },
);

/** A frame of a packet, or of an array of them. */
export const frameText: fc.Arbitrary<string> = fc.oneof(
  packetText,
  fc.array(packetText, { minLength: 1, maxLength: 6 }).map((texts) => `[${texts.join(",")}]`),
  fc.array(packetText, { minLength: 2, maxLength: 6 }).map((texts) => `[${texts.join(", ")}]`),
);

/** Parts of frames, to insert in the wrong place. */
const bit: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...'{}[],:"\\ 0-.e&%é\0\n\ud800',
    '"data"',
    '"request_id"',
    '":',
    '","',
    "}]",
    "},",
  ),
  fc.string({ maxLength: 3 }),
);

/** A frame with one or two faults: text removed, text inserted. */
export const faultyFrameText: fc.Arbitrary<string> = fc.tuple(
  fc.oneof(fc.constantFrom(ONE, TWO, `[${ONE},${TWO}]`, `[${ONE}, ${ONE}]`), frameText),
  fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 3 }), bit), {
    minLength: 1,
    maxLength: 2,
  }),
).map(([text, faults]) => {
  for (const [where, removed, added] of faults) {
    const at = Math.floor(where * text.length);
    text = text.slice(0, at) + added + text.slice(at + removed);
  }
  return text;
});
