import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { fc } from "./tests/support/npm_packages.ts";
import {
  convert,
  convertToJson,
  encodeRequest,
  formatData,
  formatJson,
  type Representation,
} from "./protocol.ts";
import { anyData, anyText, tellingText } from "./tests/support/arbitraries.ts";
import { plainAnswer, plainConvertToJson, plainParse } from "./tests/support/plain.ts";
import { convertVectors } from "./tests/support/vectors.ts";

/** The number of random inputs per property. */
const numRuns = 2000;

/** A valid name or value: not empty, without separators, and without `&` at its end. */
const token: fc.Arbitrary<string> = fc.oneof(
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

/** The JSON text, without spaces, of a representation that some data converts to. */
const representationJson: fc.Arbitrary<string> = fc.uniqueArray(
  fc.tuple(token, fc.array(entityText, { minLength: 1, maxLength: 3 })),
  { maxLength: 5, selector: ([name]) => name },
).map(objectText);

function objectText(members: [name: string, values: string[]][]): string {
  const texts = members.map(([name, values]) =>
    `${JSON.stringify(name)}:${values.length === 1 ? values[0] : `[${values.join(",")}]`}`
  );
  return `{${texts.join(",")}}`;
}

for (const { name, data, expected } of convertVectors()) {
  Deno.test(`convertToJson() converts the vector: ${name}`, () => {
    assertStrictEquals(convertToJson(data), expected);
    assertStrictEquals(plainConvertToJson(data), expected);
    assertEquals<unknown>(convert(data), plainParse(expected));
  });
}

Deno.test("convert() converts any string and returns nothing empty", () => {
  fc.assert(
    fc.property(fc.oneof(anyData, fc.string({ unit: "binary" })), (data) => {
      for (const [name, entities] of Object.entries(convert(data))) {
        assert(name !== "");
        if (Array.isArray(entities)) assert(entities.length >= 2);
        for (const entity of [entities].flat()) {
          const pairs = Object.entries(entity);
          assert(pairs.length > 0);
          for (const [key, values] of pairs) {
            assert(key !== "");
            if (Array.isArray(values)) assert(values.length >= 2);
            for (const value of [values].flat()) assert(typeof value === "string" && value !== "");
          }
        }
      }
    }),
    { numRuns },
  );
});

Deno.test("convertToJson() returns the text of its plain twin", () => {
  fc.assert(
    fc.property(anyData, (data) => {
      assertStrictEquals(convertToJson(data), plainConvertToJson(data));
    }),
    { numRuns: 3 * numRuns },
  );
});

Deno.test("plainAnswer() returns an answer with the result of convert()", () => {
  fc.assert(
    fc.property(anyData, fc.oneof(fc.integer(), fc.string()), (data, id) => {
      const answer = plainParse(plainAnswer(encodeRequest(id, data)));
      assertEquals(answer, { request_id: id, data: convert(data) });
    }),
    { numRuns: 500 },
  );
});

Deno.test("formatData() is the inverse of convert()", () => {
  fc.assert(
    fc.property(representationJson, (json) => {
      const representation = plainParse(json) as Representation;
      // Names that are array indices move to the front; then another "%" may end an entity.
      fc.pre(JSON.stringify(representation) === json);
      assertEquals(convert(formatData(representation)), representation);
    }),
    { numRuns },
  );
});

Deno.test("formatData() inverts or rejects random results of convert()", () => {
  let carried = 0;
  fc.assert(
    fc.property(anyData, (data) => {
      const representation = convert(data);
      let again: string;
      try {
        again = formatData(representation);
      } catch (error) {
        assertInstanceOf(error, RangeError);
        return;
      }
      carried++;
      assertEquals(convert(again), representation);
    }),
    { numRuns },
  );
  assert(carried > numRuns / 4, `only ${carried} were carried`);
});

Deno.test("formatJson() is the inverse of convertToJson(), order included", () => {
  fc.assert(
    fc.property(representationJson, (json) => {
      assertStrictEquals(convertToJson(formatJson(json)), json);
    }),
    { numRuns },
  );
});
