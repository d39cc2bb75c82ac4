import { assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { plainParse } from "../tests/support/plain.ts";
import { parseJson } from "./parse_json.ts";

/** A text parsed before, whose names V8 remembers; a text; and the expected value. */
const MISREAD: [before: string, json: string, value: unknown][] = [
  ['{"p":1,"\\\\":1}', '{"p":1,"\\"":1}', { p: 1, '"': 1 }],
  ['{"z":1,"\\\\":0,"y":1}', '{"z":1,"\\"":2,"\\\\":3}', { z: 1, '"': 2, "\\": 3 }],
  ['{"h":[],"\\\\":0}', '{"h":1,"\\n":2}', { h: 1, "\n": 2 }],
  ['{"id":6,"d\\\\u0":"x"}', '{"id":7,"d\\u0061ta":"y"}', { id: 7, data: "y" }],
  ['{"é":1,"\\\\":1}', '{"é":1,"\\t" : {"é":1,"\\f":[]}}', { é: 1, "\t": { é: 1, "\f": [] } }],
  ['{"o":1,"\\\\u":1}', '[{"o":1,"\\u0030\\n":1},"\\n"]', [{ o: 1, "0\n": 1 }, "\n"]],
];

Deno.test("parseJson() returns the right names after texts with other names", async (t) => {
  for (const [before, json, value] of MISREAD) {
    await t.step(json, () => {
      JSON.parse(before);
      assertEquals(parseJson(json), value);
    });
  }
});

Deno.test("parseJson() returns the members that JSON.parse() should, in its order", async (t) => {
  const cases: [json: string, names: string[]][] = [
    ['{"\\u0062":1,"a":2,"b":3}', ["b", "a"]],
    ['{"\\n":1,"10":2,"9":3,"\\u0031":4}', ["1", "9", "10", "\n"]],
    ['{"\\u005f_proto__":{"x":1},"__proto__":{"y":2}}', ["__proto__"]],
    ['{"to\\u0053tring":null,"constructor":false,"":true}', ["toString", "constructor", ""]],
    [' { "\\"" :\t[ ] ,\r\n"\\\\"\n: -0 } ', ['"', "\\"]],
    ['{"\\ud83d\\ude00":1,"\\ud800":2,"\ud800\\ud800":3}', ["😀", "\ud800", "\ud800\ud800"]],
  ];
  for (const [json, names] of cases) {
    await t.step(json, () => {
      const value = parseJson(json) as Record<string, unknown>;
      assertEquals(Object.keys(value), names);
      assertStrictEquals(Object.getPrototypeOf(value), Object.prototype);
      assertEquals(value, plainParse(json));
      for (const property of Object.values(Object.getOwnPropertyDescriptors(value))) {
        const { writable, enumerable, configurable } = property;
        assertEquals([writable, enumerable, configurable], [true, true, true]);
      }
    });
  }
  assertStrictEquals((parseJson('{"\\n":-0}') as Record<string, number>)["\n"], -0);
});

const string = fc.array(
  fc.constantFrom(..."abun/é€😀", "\ud800", '\\"', "\\\\", "\\/", "\\n", "\\u0061", "\\u005c"),
  { maxLength: 4 },
).map((units) => `"${units.join("")}"`);

const { value: anyJson } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.oneof(string, fc.constantFrom("0", "-1.5e3", "true", "false", "null")),
    fc.array(tie("value"), { maxLength: 4 }).map((values) => `[${values.join(" , ")}]`),
    fc.array(fc.tuple(string, tie("value")), { maxLength: 4 }).map((members) =>
      `{${members.map(([name, value]) => `${name}: ${value}`).join(",")}}`
    ),
  ),
}));

Deno.test("parseJson() returns what its plain twin returns", () => {
  fc.assert(
    fc.property(anyJson, (json) => {
      assertStrictEquals(JSON.stringify(parseJson(json)), JSON.stringify(plainParse(json)));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("parseJson() throws the errors of JSON.parse()", async (t) => {
  const texts = [
    "",
    "\\",
    '"\\"',
    '{"\\":1}',
    '{"\\x":1}',
    '{"\\n":1}}',
    '{"\\n":1,}',
    '["\\n":1]',
  ];
  for (const json of texts) {
    await t.step(json, () => {
      const { message } = assertThrows(() => JSON.parse(json), SyntaxError);
      assertThrows(() => parseJson(json), SyntaxError, message);
    });
  }
});

Deno.test("parseJson() parses deep texts without overflowing the stack", () => {
  const depth = 200_000;
  const ends: [before: string, after: string][] = [["[", "]"], ['{"\\n":', "}"], ['[{"a":', "}]"]];
  for (const [before, after] of ends) {
    let value = parseJson(before.repeat(depth) + '{"\\n":7}' + after.repeat(depth));
    for (let i = 0; i < depth * before.replace(/"[^"]*":/g, "").length; i++) {
      value = Object.values(value as object)[0];
    }
    assertEquals(value, { "\n": 7 });
  }
});

Deno.test("parseJson() takes time in proportion to the escapes", async (t) => {
  const count = 250_000;
  const texts: Record<string, string> = {
    "in one name": `{"${'\\"'.repeat(count)}":1}`,
    "of backslashes in one name": `{"${"\\\\".repeat(count)}":1}`,
    "in one value": `{"a":"${'\\"'.repeat(count)}","\\n":1}`,
    "in as many values": `{"\\n":[${Array(count).fill('"\\""')}]}`,
    "in as many names": `{${Array.from({ length: count }, (_, i) => `"\\n${i}":1`)}}`,
    "in as many objects": `[${Array(count).fill('{"\\n":1}')}]`,
  };
  for (const [name, json] of Object.entries(texts)) {
    await t.step(name, () => {
      const startedAt = performance.now();
      parseJson(json);
      // Some milliseconds on an idle machine; quadratic time would be a minute.
      assertLess(performance.now() - startedAt, 10_000);
    });
  }
});
