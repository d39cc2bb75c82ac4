import { assertEquals, assertThrows } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { jsonProtocol } from "./json_protocol.ts";

Deno.test("jsonProtocol() finds ids by their pointer", () => {
  const cases: [idAt: string, frame: string, kind: string, id: unknown][] = [
    ["/id", '{"id":1}', "request", 1],
    ["/id", '{"id":""}', "request", ""],
    ["/id", '{"id":-9007199254740991}', "request", -9007199254740991],
    ["/id", '{"id":null}', "notification", null],
    ["/id", '{"Id":1}', "notification", null],
    ["/id", "7", "notification", null],
    ["/id", "null", "notification", null],
    ["/id", '[{"id":1}]', "notification", null],
    ["/id", '{"id":9007199254740992}', "wrong", null],
    ["/id", '{"id":0.5}', "wrong", null],
    ["/id", '{"id":true}', "wrong", null],
    ["/id", '{"id":{}}', "wrong", null],
    ["/id", "{", "wrong", null],
    ["/constructor", "{}", "notification", null],
    ["/constructor/name", "{}", "notification", null],
    ["/__proto__", '{"__proto__":"a"}', "request", "a"],
    ["/length", "[1]", "notification", null],
    ["/1", '[2,"a"]', "request", "a"],
    ["/0/a~1b", '[{"a/b":3}]', "request", 3],
    ["", '"a"', "request", "a"],
    ["", "{}", "wrong", null],
  ];
  for (const [idAt, frame, kind, id] of cases) {
    const messages = jsonProtocol({ idAt }).read(frame, 1);
    assertEquals(messages.map(({ kind, id }) => [kind, id]), [[kind, id]], `${idAt} ${frame}`);
  }
  const [wrong] = jsonProtocol().read('{"id":[[]]}', 1);
  assertEquals(wrong!.error, {
    code: "invalid_packet",
    message: 'expected an id at "/id", got an array',
  });
});

Deno.test("jsonProtocol() answers with the message itself by default", () => {
  const protocol = jsonProtocol();
  const texts = ['{"id":1}', ' { "id" : "é", "n": 12345678901234567890, "f": 1.0 } '];
  for (const text of texts) {
    for (const frame of [text, new TextEncoder().encode(text)]) {
      const [message] = protocol.read(frame, 1);
      assertEquals(protocol.answer(message!), text);
    }
  }
  assertEquals(protocol.error(1, { code: "overloaded", message: "" }), undefined);
  assertEquals(protocol.result(1, { a: ["b"] }), '{"a":["b"]}');
});

Deno.test("jsonProtocol() fills in templates of answers and errors", () => {
  const protocol = jsonProtocol({
    idAt: "/1",
    answer: '[3,{{id}},{"was":{{/2}}}]',
    error: "[4,{{id}},{{/code}},{{/message}},{{/limit}}]",
  });
  fc.assert(
    fc.property(fc.string(), fc.jsonValue({ depthSize: "xsmall" }), (id, payload) => {
      const text = JSON.stringify([2, id, payload]);
      const [message] = protocol.read(text, 1);
      const was = JSON.parse(text)[2];
      assertEquals(protocol.answer(message!), JSON.stringify([3, id, { was }]));
    }),
    { seed: 8 },
  );
  assertEquals(
    protocol.error("a", { code: "packet_too_large", message: "x", limit: 8 }),
    '[4,"a","packet_too_large","x",8]',
  );
});

Deno.test("jsonProtocol() names the option that is wrong", () => {
  const cases: [options: Record<string, string>, message: string][] = [
    [{ idAt: "id" }, 'idAt: expected a JSON Pointer, such as /params/0, got "id"'],
    [{ answer: "{{x}}" }, "answer: at 1: expected {{id}}"],
    [{ error: "{" }, "error: expected JSON in which"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => jsonProtocol(options), RangeError, message);
  }
});
