import { assertEquals, assertStrictEquals } from "@std/assert";
import { decodeAnswers, type Response } from "../protocol.ts";
import { AnswerFrame, Reply } from "./reply.ts";

/** Returns the replies in a frame. */
function repliesOf(text: string): Reply[] {
  const frame = new AnswerFrame(text);
  return decodeAnswers(text)!.map((answer, i) => new Reply(answer as Response, 12.5, frame, i));
}

Deno.test("Reply has the id, the data, the delay and the latency", () => {
  const [reply] = repliesOf('{"request_id":"01","data":{"A":{"x":["1","2"]}},"delay":1.5}');
  assertStrictEquals(reply!.requestId, "01");
  assertEquals(reply!.data, { A: { x: ["1", "2"] } });
  assertStrictEquals(reply!.delay, 1.5);
  assertStrictEquals(reply!.latency, 12.5);
  const [plain] = repliesOf('{"request_id":1,"data":{}}');
  assertStrictEquals(plain!.requestId, 1);
  assertStrictEquals(plain!.delay, undefined);
});

Deno.test("Reply.json is the server's own text, in one line and without the delay", () => {
  const cases: [frame: string, ...json: string[]][] = [
    ['{"request_id":1,"data":{}}', '{"request_id":1,"data":{}}'],
    ['{"request_id":1,"data":{},"delay":2}', '{"request_id":1,"data":{}}'],
    ['{"delay":2,"request_id":1,"data":{}}', '{"request_id":1,"data":{}}'],
    ['{"request_id":1, "delay" : 2.5 ,"data":{}}', '{"request_id":1,"data":{}}'],
    // Objects would put 9 first.
    [
      '{"request_id":1,"data":{"b":{"10":"x","9":"y"},"10":{"a":"1"},"9":{"a":"1"}},"delay":1}',
      '{"request_id":1,"data":{"b":{"10":"x","9":"y"},"10":{"a":"1"},"9":{"a":"1"}}}',
    ],
    // A name in the data is not the delay, nor is text in a string.
    [
      '{"request_id":"\\"delay\\":1","data":{"delay":{"delay":"1"},"a":{"b":",\\"delay\\":2}"}}}',
      '{"request_id":"\\"delay\\":1","data":{"delay":{"delay":"1"},"a":{"b":",\\"delay\\":2}"}}}',
    ],
    [' \n{"request_id":1,\r\n\t"data":{\n}}\n', '{"request_id":1,"data":{ }}'],
    [
      '[{"request_id":1,"data":{},"delay":1},\n {"request_id":"]","data":{"[":{"{":"}"}}}]',
      '{"request_id":1,"data":{}}',
      '{"request_id":"]","data":{"[":{"{":"}"}}}',
    ],
    ['\t[{"request_id":1,"data":{},"delay":1}] ', '{"request_id":1,"data":{}}'],
  ];
  for (const [frame, ...json] of cases) {
    assertEquals(repliesOf(frame).map((reply) => reply.json), json);
    // In any order, and more than once.
    const replies = repliesOf(frame);
    for (let i = replies.length - 1; i >= 0; i--) assertStrictEquals(replies[i]!.json, json[i]!);
    for (const [i, reply] of replies.entries()) assertStrictEquals(reply.json, json[i]!);
  }
});
