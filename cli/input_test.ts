import { assert, assertEquals, assertMatch } from "@std/assert";
import { BROKEN_FRAMES } from "../tests/support/broken_json.ts";
import { readInput } from "./input.ts";

Deno.test("readInput() returns the id and data of a packet", () => {
  const cases: [text: string, id: unknown, data: string][] = [
    ['{"request_id":"01","data":"a&&b&&c"}', "01", "a&&b&&c"],
    ['{"request_id":7,"data":""}', 7, ""],
    ['{"data":"a"}', undefined, "a"],
    ['  {"data" : "a", "more": [1]}\r', undefined, "a"],
    ['{"data":"a","data":"b"}', undefined, "b"],
    ['{"data":"\\u0061\\n"}', undefined, "a\n"],
    ['{"data":"a","d\\\\u0":"b"}', undefined, "a"],
    ['{"data":"a","d\\u0061ta":"b"}', undefined, "b"],
    // The client refuses invalid ids.
    ['{"request_id":1.5,"data":"a"}', 1.5, "a"],
    ['{"request_id":{},"data":"a"}', {}, "a"],
  ];
  for (const [text, id, data] of cases) {
    assertEquals<unknown>(readInput(text), { id, data }, text);
  }
});

Deno.test("readInput() returns other text as data", () => {
  const texts = [
    ...[
      "",
      " ",
      "a",
      "Hub&&name&&qwe",
      " a && b ",
      "01",
      "null",
      '"a"',
      "true",
      "&&{}",
      "__proto__",
    ],
    ...["}", "]", '"{}"'],
  ];
  for (const text of texts) assertEquals(readInput(text), { id: undefined, data: text }, text);
});

Deno.test("readInput() returns a fault when the text begins like JSON but is not a packet", () => {
  const cases: [text: string, reason: RegExp][] = [
    ["{", /^Expected property name or '}' in JSON at position 1$/],
    ['{"data":"a"', /^Expected ',' or '}' after property value in JSON at position 11$/],
    ['{"data":"a"}x', /^Unexpected non-whitespace character after JSON at position 12$/],
    [" [a&&b&&c]", /^Unexpected token 'a', " \[a&&b&&c]" is not valid JSON$/],
    ["{&&x&&1", /^Expected property name /],
    ["{}", /^data is missing$/],
    ['{"request_id":"1"}', /^data is missing$/],
    ['{"request_id":null}', /^data is missing$/],
    ['{"__proto__":{"data":"a"}}', /^data is missing$/],
    ['{"data":1}', /^data: expected a string, got a number$/],
    ['{"data":null}', /^data: expected a string, got null$/],
    ['{"data":["a"]}', /^data: expected a string, got an array$/],
    ['{"request_id":1,"cancel":true}', /^it cancels a request$/],
    ['{"request_id":1,"cancel":true,"data":"a"}', /^it cancels a request$/],
    ["[]", /^expected a JSON object, got an array$/],
    ['[{"data":"a"}]', /^expected a JSON object, got an array$/],
    ['[{"request_id":1,"data":"a"},{"request_id":2,"data":"b"}]', /^expected a JSON object, /],
  ];
  for (const [text, reason] of cases) {
    const { fault, ...input } = readInput(text);
    assertEquals(input, { id: undefined, data: text }, text);
    const [quote, why] = fault!.split(" is not a packet: ");
    assertEquals(quote, text);
    assertMatch(why!, reason, text);
  }
});

Deno.test("readInput() returns a fault for each frame that a server refuses", () => {
  for (const { name, text } of BROKEN_FRAMES) {
    const { fault, data } = readInput(text);
    const isPacket = data === "x"; // the client chooses an id, or refuses this one
    if (!/^\s*[[{]/.test(text) || isPacket) continue;
    assertEquals(data, text, name);
    assert(fault !== undefined && fault.length < 200, name);
  }
});
