import { assertEquals, assertStrictEquals } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { membersOf, splitTopLevel } from "./json_text.ts";
import { compactJson } from "../tests/support/vectors.ts";

const taken: [json: string, parts: string[]][] = [
  ["[]", []],
  ["{}", []],
  [" [ ] ", []],
  ["[1]", ["1"]],
  ['[1,"a",null]', ["1", '"a"', "null"]],
  ['\n[ 1 ,\t{ "a" : [ 2 , 3 ] } ]\r', ["1", '{ "a" : [ 2 , 3 ] }']],
  ["[[],{},[[1,2],3]]", ["[]", "{}", "[[1,2],3]"]],
  ['["a,b","]","[","{\\"","\\\\","\\\\\\""]', [
    '"a,b"',
    '"]"',
    '"["',
    '"{\\""',
    '"\\\\"',
    '"\\\\\\""',
  ]],
  ['[""]', ['""']],
  ['{"10":1,"9":{"a":1,"b":[2]},"a,b":"}"}', ['"10":1', '"9":{"a":1,"b":[2]}', '"a,b":"}"']],
  ['["é😀\u2028"]', ['"é😀\u2028"']],
  // Long strings take another path, with and without an escape at their end.
  ...["x", '\\"', "\\\\", '\\"x', "\\\\x"].flatMap((unit) =>
    [0, 1, 11, 12, 13, 14, 40].map((length): [string, string[]] => {
      const string = `"${"x".repeat(length)}${unit.repeat(length)}${unit}"`;
      return [`[${string},[${string}],${string}]`, [string, `[${string}]`, string]];
    })
  ),
];

Deno.test("splitTopLevel() returns the texts of members or elements", async (t) => {
  for (const [json, parts] of taken) {
    await t.step(json, () => assertEquals(splitTopLevel(json), parts));
  }
});

Deno.test("splitTopLevel() returns elements that make up the array when joined", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.integer({ min: 0, max: 2 }), (elements, indent) => {
      const parts = splitTopLevel(JSON.stringify(elements, null, indent));
      assertStrictEquals(parts.length, elements.length);
      assertStrictEquals(compactJson(`[${parts.join(",")}]`), JSON.stringify(elements));
    }),
    { numRuns: 500 },
  );
});

Deno.test("membersOf() returns the members in the order of the text", async (t) => {
  const cases: [json: string, members: [string, string][]][] = [
    ["{}", []],
    ['{"10":1,"9":{"a":[1,2]}}', [["10", "1"], ["9", '{"a":[1,2]}']]],
    [' { "b" :\t"x" , "a":\n[ ] } ', [["b", '"x"'], ["a", "[ ]"]]],
    ['{"a:b":":","\\":":1,"\\\\":2,"\\u0041":3}', [["a:b", '":"'], ['":', "1"], ["\\", "2"], [
      "A",
      "3",
    ]]],
    ['{"a":1,"a":2,"__proto__":3,"":4}', [["a", "1"], ["a", "2"], ["__proto__", "3"], ["", "4"]]],
  ];
  for (const [json, members] of cases) {
    await t.step(json, () => assertEquals(membersOf(json), members));
  }
});
