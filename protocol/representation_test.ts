import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { Representation } from "./packet.ts";
import { convert, formatData, formatJson } from "./representation.ts";

Deno.test("convert() turns names such as __proto__ into plain keys", () => {
  const data = "__proto__&&constructor&&x&&__proto__&&y%%toString&&valueOf&&z";
  const representation = convert(data);
  assertEquals(Object.keys(representation), ["__proto__", "toString"]);
  assertStrictEquals(Object.getPrototypeOf(representation), Object.prototype);
  const entity = Object.getOwnPropertyDescriptor(representation, "__proto__")?.value;
  assertEquals(Object.entries(entity), [["constructor", "x"], ["__proto__", "y"]]);
});

Deno.test("convert() distinguishes names that V8 confuses", () => {
  const names = ["\\", '"', "\n", "\\\\", '\\"'];
  for (const name of names) {
    assertEquals(convert(`a&&p&&1&&${name}&&2`), { a: { p: "1", [name]: "2" } });
    assertEquals(convert(formatData({ p: { x: "1" }, [name]: { x: "2" } })), {
      p: { x: "1" },
      [name]: { x: "2" },
    });
  }
});

const formatted: [representation: Representation, data: string][] = [
  [{}, ""],
  [
    { Hub: { name: "qwe", id: "123" }, Device: { id: "234" } },
    "Hub&&name&&qwe&&id&&123%%Device&&id&&234",
  ],
  [{ A: [{ x: "1" }, { x: "2" }], B: { y: "3" } }, "A&&x&&1%%A&&x&&2%%B&&y&&3"],
  [{ A: { x: ["1", "2"], y: "3" } }, "A&&x&&1&&x&&2&&y&&3"],
  [{ "&A": { "&x": "&1" } }, "&A&&&x&&&1"],
  [{ "%A": { "%x": "%1" } }, "%A&&%x&&%1"],
  [{ A: { x: "1" }, "%B": { y: "2" } }, "A&&x&&1%%%B&&y&&2"],
  [{ "A%": { "x%": ["50%", "1"] } }, "A%&&x%&&50%&&x%&&1"],
  [{ "%": { "%": "a" } }, "%&&%&&a"],
  [{ "R&D": { "a&b": "c%d" } }, "R&D&&a&b&&c%d"],
  [{ A: { x: "a&%b%&c" } }, "A&&x&&a&%b%&c"],
  [{ " A ": { " ": "\0" } }, " A && &&\0"],
  [{ "10": { "2": "a", "1": "b" }, "9": { x: "y" } }, "9&&x&&y%%10&&1&&b&&2&&a"],
  [JSON.parse('{"__proto__":{"constructor":"x"}}'), "__proto__&&constructor&&x"],
  [{ "Дом😀": { '"': "\\\n" } }, 'Дом😀&&"&&\\\n'],
  [{ A: { x: "\ud800" } }, "A&&x&&\ud800"],
];

Deno.test("formatData() returns data that converts to its argument", async (t) => {
  for (const [representation, data] of formatted) {
    await t.step(data, () => {
      assertStrictEquals(formatData(representation), data);
      assertEquals(convert(data), representation);
    });
  }
});

Deno.test("formatData() omits undefined members, as JSON does", () => {
  const entity = { x: "1", y: undefined } as unknown as Record<string, string>;
  assertStrictEquals(formatData({ A: entity }), "A&&x&&1");
});

const notCarried: [representation: unknown, ...messageIncludes: string[]][] = [
  [{ "": { x: "1" } }, "an entity's name", "empty"],
  [{ A: { "": "1" } }, 'a name in entity "A"', "empty"],
  [{ A: { x: "" } }, 'the value of "x" in entity "A"', "empty"],
  [{ A: { x: ["1", ""] } }, 'the value of "x" in entity "A"', "empty"],
  [{ "a&&b": { x: "1" } }, "an entity's name", '"a&&b"', 'contains "&&"'],
  [{ "a%%b": { x: "1" } }, "an entity's name", '"a%%b"', 'contains "%%"'],
  [{ A: { "a&&b": "1" } }, 'a name in entity "A"', '"a&&b"', 'contains "&&"'],
  [{ A: { "a%%b": "1" } }, 'a name in entity "A"', '"a%%b"', 'contains "%%"'],
  [{ A: { x: "a&&b" } }, 'the value of "x" in entity "A"', '"a&&b"', 'contains "&&"'],
  [{ A: { x: "%%" } }, 'the value of "x" in entity "A"', '"%%"', 'contains "%%"'],
  [{ A: { x: "1" }, B: [{ y: "1" }, { y: "&&" }] }, 'the value of "y" in entity "B"', '"&&"'],
  [{ "A&": { x: "1" } }, "an entity's name", '"A&"', 'ends in "&"'],
  [{ "&": { x: "1" } }, "an entity's name", '"&"', 'ends in "&"'],
  [{ A: { "x&": "1" } }, 'a name in entity "A"', '"x&"', 'ends in "&"'],
  [{ A: { x: "1&" } }, 'the value of "x" in entity "A"', '"1&"', 'ends in "&"'],
  [{ A: { x: "1&", y: "2" } }, 'the value of "x" in entity "A"', '"1&"', 'ends in "&"'],
  [{ A: { x: "50%" }, B: { y: "1" } }, 'entity "A"', 'ends in "%"'],
  [{ A: { x: "1" }, B: { y: "50%" } }, 'entity "B"', 'ends in "%"'],
  [{ A: { x: ["1", "%"] } }, 'entity "A"', 'ends in "%"'],
  [{ A: {} }, 'entity "A"', "no pairs"],
  [{ A: { x: "1" }, B: {} }, 'entity "B"', "no pairs"],
  [{ A: [] }, "[]", "two or more"],
  [{ A: [{ x: "1" }] }, '[{"x":"1"}]', "two or more"],
  [{ A: { x: [] } }, "[]", "two or more"],
  [{ A: { x: ["1"] } }, '["1"]', "two or more"],
];

Deno.test("formatData() throws RangeError if no data converts to its argument", async (t) => {
  for (const [representation, ...messageIncludes] of notCarried) {
    await t.step(JSON.stringify(representation), () => {
      const { message } = assertThrows(() => formatData(representation as never), RangeError);
      for (const part of messageIncludes) assertStringIncludes(message, part);
    });
  }
});

const notRepresentations: [value: unknown, ...messageIncludes: string[]][] = [
  [undefined, "a representation", "undefined"],
  [() => {}, "a representation", "expected an object"],
  [null, "a representation", "null"],
  ["A&&x&&1", "a representation", '"A&&x&&1"'],
  [7, "a representation", "7"],
  [true, "a representation", "true"],
  [[], "a representation", "[]"],
  [[{ A: { x: "1" } }], "a representation"],
  [{ A: null }, 'entity "A"', "expected an object", "null"],
  [{ A: "x" }, 'entity "A"', "expected an object", '"x"'],
  [{ A: 1 }, 'entity "A"', "expected an object", "1"],
  [{ A: [{ x: "1" }, "y"] }, 'entity "A"', "expected an object", '"y"'],
  [{ A: [[{ x: "1" }], [{ x: "2" }]] }, 'entity "A"', "expected an object"],
  [{ A: { x: null } }, 'the value of "x" in entity "A"', "expected a string", "null"],
  [{ A: { x: 1 } }, 'the value of "x" in entity "A"', "expected a string", "1"],
  [{ A: { x: true } }, 'the value of "x" in entity "A"', "expected a string", "true"],
  [{ A: { x: { y: "1" } } }, 'the value of "x" in entity "A"', "expected a string", '{"y":"1"}'],
  [{ A: { x: ["1", 2] } }, 'the value of "x" in entity "A"', "expected a string", "2"],
  [{ A: { x: [["1", "2"], "3"] } }, 'the value of "x" in entity "A"', '["1","2"]'],
];

Deno.test("formatData() throws TypeError if its argument has another shape", async (t) => {
  for (const [value, ...messageIncludes] of notRepresentations) {
    await t.step(String(JSON.stringify(value)), () => {
      const { message } = assertThrows(() => formatData(value as never), TypeError);
      for (const part of messageIncludes) assertStringIncludes(message, part);
    });
  }
});

Deno.test("formatJson() keeps the order of the text", async (t) => {
  const cases: [json: string, data: string][] = [
    ['{"10":{"2":"a","1":"b"},"9":{"x":"y"}}', "10&&2&&a&&1&&b%%9&&x&&y"],
    [
      ' { "b" : { "y" : [ "1" , "2" ] } ,\n"1" : [ {"x":"3"} ,\t{"x":"4"} ] } ',
      "b&&y&&1&&y&&2%%1&&x&&3%%1&&x&&4",
    ],
    ['{"\\u0041":{"\\"":"\\u00e9\\\\"}}', 'A&&"&&é\\'],
    ['{"__proto__":{"x":"1"}}', "__proto__&&x&&1"],
    ['{"a:b":{"c,d":"]}"}}', "a:b&&c,d&&]}"],
    [" {} ", ""],
  ];
  for (const [json, data] of cases) {
    await t.step(json, () => assertStrictEquals(formatJson(json), data));
  }
});

Deno.test("formatJson() throws SyntaxError if its argument is not JSON", async (t) => {
  for (
    const json of ["", " ", "{", "{}x", '{"A":{"x":"1"},}', "{'A':{}}", '\ufeff{"A":{"x":"1"}}']
  ) {
    await t.step(JSON.stringify(json), () => {
      assertThrows(() => formatJson(json), SyntaxError);
    });
  }
  await t.step("and JSON of another shape", () => {
    assertThrows(() => formatJson(" null"), TypeError, "a representation");
    assertThrows(() => formatJson('{"A": 1}'), TypeError, 'entity "A"');
    JSON.parse('{"y":1,"\\\\":1}');
    const { message } = assertThrows(() => formatJson('{"A":{"x":{"y":1,"\\"":2}}}'), TypeError);
    assertStringIncludes(message, '{"y":1,"\\"":2}');
    assertThrows(() => formatJson('{"A": {"x": ""}}'), RangeError, "empty");
  });
});
