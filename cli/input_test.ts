import { assertEquals } from "@std/assert";
import { readInput } from "./input.ts";

Deno.test("readInput() reads a packet", () => {
  const cases: [text: string, id: unknown, data: string][] = [
    ['{"request_id":"01","data":"a&&b&&c"}', "01", "a&&b&&c"],
    ['{"request_id":7,"data":""}', 7, ""],
    ['{"data":"a"}', undefined, "a"],
    ['  {"data" : "a", "more": [1]}\r', undefined, "a"],
    ['{"data":"a","data":"b"}', undefined, "b"],
    ['{"data":"\\u0061\\n"}', undefined, "a\n"],
    ['{"data":"a","d\\\\u0":"b"}', undefined, "a"],
    ['{"data":"a","d\\u0061ta":"b"}', undefined, "b"],
    // Ids that cannot be one are for the client to refuse.
    ['{"request_id":1.5,"data":"a"}', 1.5, "a"],
    ['{"request_id":{},"data":"a"}', {}, "a"],
  ];
  for (const [text, id, data] of cases) {
    assertEquals<unknown>(readInput(text), { id, data }, text);
  }
});

Deno.test("readInput() takes anything else as data", () => {
  const texts = [
    ...["", " ", "a", "Hub&&name&&qwe", " a && b ", "01", "null", '"a"', "[]", "true"],
    ...["{", "{}", "{a&&b&&c}", '{"data":1}', '{"data":null}', '{"request_id":"01"}'],
    ...[
      '{"data":"a"}x',
      '[{"data":"a"}]',
      "{&&x&&1",
      '{"data":"a"',
      "__proto__",
      '{"__proto__":1}',
    ],
  ];
  for (const text of texts) assertEquals(readInput(text), { id: undefined, data: text }, text);
});
