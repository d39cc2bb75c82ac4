import { assertEquals, assertThrows } from "@std/assert";
import type { ClientWire } from "./client_wire.ts";
import {
  echoClientWire,
  jsonClientWire,
  jsonRpcClientWire,
  type MessageClientWire,
} from "./message_client_wire.ts";

const ocpp = jsonClientWire({ idAt: "/1", errorAt: "/3" });

Deno.test("requests() fills in numbers, and finds them in ids", () => {
  const cases: [wire: ClientWire, template: string, frame: string, id: string | number][] = [
    [jsonClientWire(), '{"id":{{id}},"for":"user {{ id }}"}', '{"id":12,"for":"user 12"}', 12],
    [ocpp, '[2,"{{id}}","Heartbeat",{}]', '[2,"12","Heartbeat",{}]', "12"],
    [ocpp, '[2,"a-{{id}}/{{id}}"]', '[2,"a-12/12"]', "a-12/12"],
    [jsonRpcClientWire, '{"id":"\\"{{id}}"}', '{"id":"\\"12"}', '"12'],
    [echoClientWire, "{{id}}", "12", "12"],
    [echoClientWire, "1{{id}}1 $&", "1121 $&", "1121 $&"],
  ];
  for (const [wire, template, frame, id] of cases) {
    const requests = wire.requests([template]);
    assertEquals(requests.frame(12, 1), frame);
    assertEquals(requests.numberOf(id), 12);
    const others = typeof id === "number"
      ? [String(id), -1, 0, null]
      : [12, "", "x", `${id} `, id.replaceAll("12", "012"), id.replaceAll("12", "1x"), null];
    for (const other of others) assertEquals(requests.numberOf(other), 0, JSON.stringify(other));
  }
});

Deno.test("requests() uses templates in turn, each with its own form of ids", () => {
  const requests = echoClientWire.requests(["x{{id}}", "x1{{id}}"]);
  assertEquals([1, 2, 3, 12].map((each) => requests.frame(each, 1)), ["x1", "x12", "x3", "x112"]);
  assertEquals(["x1", "x12", "x3", "x112", "x2"].map((id) => requests.numberOf(id)), [
    ...[1, 2, 3, 12],
    0,
  ]);
  const batch = jsonRpcClientWire.requests(['{"id":{{id}}}', '{"id":"{{id}}"}']);
  assertEquals(batch.frame(1, 3), '[{"id":1},{"id":"2"},{"id":3}]');
  assertEquals([1, 2, "1", "2"].map((id) => batch.numberOf(id)), [1, 0, 0, 2]);
});

Deno.test("requests() explains what is wrong with a template", () => {
  const cases: [wire: ClientWire, template: string, message: string][] = [
    [echoClientWire, "hello", 'expected {{id}} in the template, got "hello"'],
    [jsonClientWire(), '{"id":{{id}}', 'expected JSON once {{id}} is a number, got {"id":{{id}} ('],
    [jsonClientWire(), '{"id":5,"x":{{id}}}', "expected {{id}} at /id, got 5"],
    [jsonClientWire(), '{"id":1{{id}}}', "expected {{id}} at /id, got 1987654321012345"],
    [ocpp, '[2,"x",{{id}}]', 'expected {{id}} at /1, got "x"'],
    [jsonRpcClientWire, '{"method":"x","params":[{{id}}]}', "expected {{id}} at /id, got none"],
  ];
  for (const [wire, template, message] of cases) {
    assertThrows(() => wire.requests([template]), RangeError, message);
  }
});

Deno.test("read() passes on ids and errors, and knows what is no answer", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  type Answers = [id: unknown, error: string | undefined][] | false;
  const cases: [wire: MessageClientWire, frame: string | Uint8Array, answers: Answers][] = [
    [jsonClientWire(), '{"id":1}', [[1, undefined]]],
    [jsonClientWire(), bytes('{"id":"a","error":null}'), [["a", undefined]]],
    [jsonClientWire(), '{"id":"a","error":"too \\"late\\""}', [["a", 'too "late"']]],
    [jsonClientWire(), '{"id":"a","error":{"why":1}}', [["a", '{"why":1}']]],
    [jsonClientWire({ errorAt: "/status" }), '{"id":1,"status":0}', [[1, undefined]]],
    [jsonClientWire({ errorAt: "/status" }), '{"id":1,"status":7}', [[1, "7"]]],
    [jsonClientWire(), "[]", [[null, undefined]]],
    [jsonClientWire(), '{"id":1.5,"error":true}', [[null, "true"]]],
    [jsonClientWire(), "{", false],
    [jsonClientWire(), bytes("\xff").subarray(0, 1), false],
    [ocpp, '[3,"a",{}]', [["a", undefined]]],
    [ocpp, '[4,"a","InternalError","",{}]', [["a", '""']]],
    [jsonRpcClientWire, '{"jsonrpc":"2.0","id":1,"result":null}', [[1, undefined]]],
    [jsonRpcClientWire, '{"id":1,"error":{"code":-32601,"message":"no"}}', [[1, "-32601"]]],
    [jsonRpcClientWire, '{"id":null,"error":{"code":-32700}}', [[null, "-32700"]]],
    [jsonRpcClientWire, '{"jsonrpc":"2.0","id":1,"method":"ask"}', [[null, undefined]]],
    [jsonRpcClientWire, '[{"id":2},{"id":1,"error":{"code":5}}]', [[2, undefined], [1, "5"]]],
    [jsonRpcClientWire, "[]", false],
    [jsonRpcClientWire, '[{"id":1},2]', false],
    [jsonRpcClientWire, "{", false],
    [echoClientWire, "", [["", undefined]]],
    [echoClientWire, bytes("é"), [["é", undefined]]],
    [echoClientWire, new Uint8Array([0xff]), false],
  ];
  for (const [wire, frame, expected] of cases) {
    const answers: [unknown, string | undefined][] = [];
    const isAnswer = wire.read(frame, (id, error) => answers.push([id, error]));
    assertEquals(isAnswer && answers, expected, String(frame));
  }
});

Deno.test("request() takes the id of a message, or inserts one", () => {
  const cases: [wire: MessageClientWire, text: string, id: string | number, frame?: string][] = [
    [jsonRpcClientWire, ' {"id": "a", "x": 1.0} ', "a"],
    [jsonRpcClientWire, ' { "x": 1.0} ', 7, ' {"id":7, "x": 1.0} '],
    [jsonRpcClientWire, "{}", 7, '{"id":7}'],
    [jsonClientWire({ idAt: "/a~1b" }), '{"id":3}', 7, '{"a/b":7,"id":3}'],
    [ocpp, '[2,"a","Heartbeat",{}]', "a"],
    [echoClientWire, "hello", "hello"],
  ];
  for (const [wire, text, id, frame = text] of cases) {
    assertEquals(wire.request(text, 7), { id, frame });
  }
  const wrong: [wire: MessageClientWire, text: string, message: string][] = [
    [jsonRpcClientWire, "{", "not JSON"],
    [jsonRpcClientWire, '[{"id":1}]', "expected a string or an integer at /id, got none"],
    [jsonRpcClientWire, '{"id":null}', "expected a string or an integer at /id, got null"],
    [ocpp, "[2]", "expected a string or an integer at /1, got none"],
    [jsonClientWire({ idAt: "/a/b" }), '{"a":{}}', "expected a string or an integer at /a/b, got"],
  ];
  for (const [wire, text, message] of wrong) {
    assertThrows(() => wire.request(text, 7), RangeError, message);
  }
});
