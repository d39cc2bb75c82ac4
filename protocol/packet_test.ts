import { assert, assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { type ErrorCode, ERRORS } from "./errors.ts";
import {
  decodeAnswers,
  decodeFrame,
  encodeCancel,
  encodeError,
  encodeFrame,
  encodeRequest,
  type ErrorAnswer,
  errorAnswer,
  isError,
  isRequestId,
  MAX_BATCH,
  MAX_ID_LENGTH,
  peekId,
  type RequestId,
} from "./packet.ts";
import { anyText, tellingText } from "../tests/support/arbitraries.ts";
import { BROKEN_FRAMES } from "../tests/support/broken_json.ts";

/** The number of random inputs per property. */
const numRuns = 2000;

function assertRefuses(text: string, id: RequestId | null, code: ErrorCode, says: string): void {
  const packets = decodeFrame(text);
  assertStrictEquals(packets.length, 1);
  const packet = packets[0]!;
  assert("error" in packet);
  assertEquals(Object.keys(packet), ["request_id", "error"]);
  assertStrictEquals(packet.request_id, id);
  assertEquals(Object.keys(packet.error), ["code", "message"]);
  assertStrictEquals(packet.error.code, code);
  assertStringIncludes(packet.error.message, says);
}

Deno.test("decodeFrame() returns an error answer to an invalid packet", async (t) => {
  for (const { name, text, id, code, says } of BROKEN_FRAMES) {
    await t.step(name, () => assertRefuses(text, id, code, says));
  }
});

Deno.test("peekId() returns only ids that JSON.parse() returns", () => {
  assertStrictEquals(peekId('{"request_id":"\\u0061","data":"x'), "a");
  for (const id of ['"\\x"', '"\\u12"', '"\n"', "01", '""', "9007199254740992"]) {
    assertStrictEquals(peekId(`{"request_id":${id},"data":"x`), null, id);
  }
});

const LONGEST_ID = "x".repeat(MAX_ID_LENGTH);

const valid: [name: string, text: string, id: RequestId, data: string][] = [
  ["a request", '{"request_id":"a","data":"x"}', "a", "x"],
  ["empty data", '{"request_id":"a","data":""}', "a", ""],
  ["an id of 256 units", encodeRequest(LONGEST_ID, "x"), LONGEST_ID, "x"],
  [
    "an id of 128 characters, 256 units",
    encodeRequest("😀".repeat(128), "x"),
    "😀".repeat(128),
    "x",
  ],
  [
    "an id of 256 units that are longer as bytes",
    encodeRequest("é".repeat(256), "x"),
    "é".repeat(256),
    "x",
  ],
  ["an id of 2^53 − 1", '{"request_id":9007199254740991,"data":"x"}', 2 ** 53 - 1, "x"],
  ["an id of −(2^53 − 1)", '{"request_id":-9007199254740991,"data":"x"}', 1 - 2 ** 53, "x"],
  ["an id of 0", '{"request_id":0,"data":"x"}', 0, "x"],
  ["an id of 1e3", '{"request_id":1e3,"data":"x"}', 1000, "x"],
  ["an id of 5.0", '{"request_id":5.0,"data":"x"}', 5, "x"],
  ["an id that is a number in quotes", '{"request_id":"5","data":"x"}', "5", "x"],
  [
    "an id that objects have of their own",
    '{"request_id":"__proto__","data":"x"}',
    "__proto__",
    "x",
  ],
  ["an id of one space", '{"request_id":" ","data":"x"}', " ", "x"],
  [
    "members that mean nothing",
    '{"v":[{}],"data":"x","a":null,"request_id":1,"error":{"code":1}}',
    1,
    "x",
  ],
  [
    "a __proto__ that means nothing",
    '{"__proto__":{"cancel":true},"request_id":1,"data":"x"}',
    1,
    "x",
  ],
  ["cancel: false", '{"request_id":1,"data":"x","cancel":false}', 1, "x"],
  ['cancel: "true"', '{"request_id":1,"data":"x","cancel":"true"}', 1, "x"],
  ["keys twice: the last counts", '{"request_id":1,"data":"x","request_id":2,"data":"y"}', 2, "y"],
  ["a key with escapes", '{"request\\u005fid":1,"d\\u0061ta":"x"}', 1, "x"],
  ["data with escapes", '{"request_id":1,"data":"A\\u0026\\u0026b\\n\\"\\/"}', 1, 'A&&b\n"/'],
  ["an escaped NUL", '{"request_id":"\\u0000","data":"\\u0000"}', "\0", "\0"],
  ["an escaped half of a pair", '{"request_id":"\\ud800","data":"\\udc00"}', "\ud800", "\udc00"],
  ["a bare half of a pair", '{"request_id":"\ud800","data":"\udc00"}', "\ud800", "\udc00"],
  ["space around it", ' \n{ "request_id" : 1 ,\t"data" : "x" }\r\n ', 1, "x"],
];

Deno.test("decodeFrame() reads requests", async (t) => {
  for (const [name, text, request_id, data] of valid) {
    await t.step(name, () => {
      assertEquals(decodeFrame(text), [{ request_id, data }]);
      assertEquals(decodeFrame(`[ ${text} ]`), [{ request_id, data }]);
    });
  }
});

Deno.test("decodeFrame() reads an id of -0 as 0", () => {
  const [packet] = decodeFrame('{"request_id":-0,"data":"x"}');
  assertStrictEquals(JSON.stringify(packet), '{"request_id":0,"data":"x"}');
});

Deno.test("decodeFrame() reads names with escapes after frames with other names", () => {
  decodeFrame('{"request_id":6,"d\\\\u0":"x"}');
  assertEquals(decodeFrame('{"request_id":7,"d\\u0061ta":"y"}'), [{ request_id: 7, data: "y" }]);
});

Deno.test("decodeFrame() reads cancels", async (t) => {
  const texts = [
    encodeCancel(1),
    '{"cancel":true,"request_id":1}',
    '{"request_id":1,"cancel":true,"data":"x"}',
    '{"request_id":1,"cancel":true,"data":null}',
    '{"request_id":1,"cancel":false,"cancel":true}',
  ];
  for (const text of texts) {
    await t.step(text, () => {
      assertEquals(decodeFrame(text), [{ request_id: 1, cancel: true }]);
    });
  }
});

Deno.test("decodeFrame() reads each packet of an array on its own", () => {
  const text = `[${encodeRequest("a", "x")},null,{"request_id":2},${encodeCancel("a")},[]]`;
  const packets = decodeFrame(text);
  assertEquals(packets.map((packet) => packet.request_id), ["a", null, 2, "a", null]);
  assertEquals(packets.map((packet) => "error" in packet), [false, true, true, false, true]);
  assertEquals(packets[0], { request_id: "a", data: "x" });
  assertEquals(packets[3], { request_id: "a", cancel: true });
});

Deno.test("decodeFrame() accepts 1000 packets and refuses 1001 with one answer", () => {
  const texts = Array.from({ length: 1001 }, (_, i) => encodeRequest(i, "x"));
  assertStrictEquals(MAX_BATCH, 1000);
  const packets = decodeFrame(encodeFrame(texts.slice(1)));
  assertStrictEquals(packets.length, 1000);
  assertEquals(packets[999], { request_id: 1000, data: "x" });
  const message = "expected at most 1000 packets in a frame, got 1001";
  assertEquals(decodeFrame(encodeFrame(texts)), [errorAnswer(null, "invalid_packet", message)]);
});

Deno.test("decodeFrame() accepts any text", () => {
  fc.assert(
    fc.property(fc.oneof(anyText, tellingText, fc.json()), (text) => {
      const packets = decodeFrame(text);
      assert(packets.length > 0);
      for (const packet of packets) {
        const isAnswerable = "error" in packet && packet.request_id === null;
        assert(isAnswerable || isRequestId(packet.request_id));
      }
    }),
    { numRuns },
  );
});

Deno.test("isRequestId() returns true only for ids", async (t) => {
  const ids = ["a", " ", "\0", LONGEST_ID, 0, -0, -1, 2 ** 53 - 1, 1 - 2 ** 53];
  const others = [
    ...["", `${LONGEST_ID}x`, 0.5, 2 ** 53, -(2 ** 53), NaN, Infinity, 1n, null, undefined, true],
    ...[{}, [], ["a"], Symbol(), new String("a"), new Number(1), () => 1],
  ];
  for (const id of ids) await t.step(`${id}`, () => assertStrictEquals(isRequestId(id), true));
  for (const value of others) {
    await t.step(`not ${typeof value} ${String(value)}`, () => {
      assertStrictEquals(isRequestId(value), false);
    });
  }
});

Deno.test("encodeRequest() writes frames that decodeFrame() reads", async (t) => {
  assertStrictEquals(encodeRequest("a", "x&&y"), '{"request_id":"a","data":"x&&y"}');
  assertStrictEquals(encodeRequest(7, ""), '{"request_id":7,"data":""}');
  for (const text of ['"\\/', "\0\n\u007f", "é😀\u2028", "\ud800", "__proto__"]) {
    await t.step(JSON.stringify(text), () => {
      assertEquals(decodeFrame(encodeRequest(text, text)), [{ request_id: text, data: text }]);
    });
  }
});

Deno.test("encodeCancel() writes frames that decodeFrame() reads", () => {
  assertStrictEquals(encodeCancel("a"), '{"request_id":"a","cancel":true}');
  assertStrictEquals(encodeCancel(7), '{"request_id":7,"cancel":true}');
  assertEquals(decodeFrame(encodeCancel('"\\')), [{ request_id: '"\\', cancel: true }]);
});

Deno.test("encodeFrame() returns one text alone and several in an array", () => {
  assertStrictEquals(encodeFrame([encodeCancel(1)]), encodeCancel(1));
  const text = encodeFrame([encodeCancel(1), encodeRequest(2, "x")]);
  assertStrictEquals(text, `[${encodeCancel(1)},${encodeRequest(2, "x")}]`);
});

Deno.test("encodeError() writes answers that decodeAnswers() reads", async (t) => {
  assertStrictEquals(
    encodeError("null", { code: "internal", message: 'a "b"\n' }),
    '{"request_id":null,"error":{"code":"internal","message":"a \\"b\\"\\n"}}',
  );
  const limited: ErrorAnswer = {
    request_id: null,
    error: { code: "packet_too_large", message: "m", limit: 65_536 },
  };
  assertEquals(decodeAnswers(encodeError("null", limited.error)), [limited]);
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    await t.step(code, () => {
      const answer = errorAnswer("a", code);
      assertEquals(answer, { request_id: "a", error: { code, message: ERRORS[code] } });
      assertEquals(decodeAnswers(encodeError('"a"', answer.error)), [answer]);
    });
  }
});

const response = '{"request_id":1,"data":{"A":{"x":"1"}}}';
const failure = '{"request_id":null,"error":{"code":"invalid_json","message":"m"}}';

const answerFrames: [name: string, text: string, count: number][] = [
  ["a response", response, 1],
  ["an empty response", '{"request_id":"a","data":{}}', 1],
  ["a response with its delay", '{"request_id":"a","data":{},"delay":1.5}', 1],
  ["an error", '{"request_id":"a","error":{"code":"cancelled","message":""}}', 1],
  ["an error without id", failure, 1],
  [
    "an error of a later server",
    '{"request_id":1,"error":{"code":"new","message":"m","more":1}}',
    1,
  ],
  ["a response with more in it", '{"request_id":0,"data":{},"more":1}', 1],
  ["an array", `[ ${response} , ${failure} ]`, 2],
];

Deno.test("decodeAnswers() reads answers", async (t) => {
  for (const [name, text, count] of answerFrames) {
    await t.step(name, () => {
      const answers = decodeAnswers(text);
      assert(answers !== undefined);
      assertStrictEquals(answers.length, count);
      assertEquals(answers, [JSON.parse(text)].flat());
    });
  }
});

Deno.test("decodeAnswers() reads names with escapes after frames with other names", () => {
  decodeAnswers('{"request_id":1,"data":{"z":{"x":"1"},"\\\\":{"x":"2"},"y":{"x":"3"}}}');
  const [answer] = decodeAnswers('{"request_id":1,"data":{"z":{},"\\"":{},"\\\\":{}}}')!;
  assertEquals(answer, { request_id: 1, data: { z: {}, '"': {}, "\\": {} } });
});

const noAnswers = [
  "",
  "hello",
  `${response}x`,
  `\ufeff${response}`,
  "null",
  "7",
  '"x"',
  "{}",
  "[null]",
  `[[${response}]]`,
  `[${response},{}]`,
  '{"data":{}}',
  '{"request_id":null,"data":{}}',
  '{"request_id":"","data":{}}',
  '{"request_id":1.5,"data":{}}',
  '{"request_id":1}',
  '{"request_id":1,"data":null}',
  '{"request_id":1,"data":[]}',
  '{"request_id":1,"data":"x"}',
  '{"request_id":1,"data":{},"delay":"1"}',
  '{"request_id":1,"data":{},"error":null}',
  '{"request_id":1,"data":{},"error":{"code":"internal","message":"m"}}',
  '{"request_id":1,"error":null}',
  '{"request_id":1,"error":"internal"}',
  '{"request_id":1,"error":{}}',
  '{"request_id":1,"error":{"code":"internal"}}',
  '{"request_id":1,"error":{"code":1,"message":"m"}}',
  '{"request_id":true,"error":{"code":"internal","message":"m"}}',
  '{"error":{"code":"internal","message":"m"}}',
  '{"__proto__":{"request_id":1,"data":{}}}',
];

Deno.test("decodeAnswers() returns undefined for anything else", async (t) => {
  for (const text of noAnswers) {
    await t.step(text, () => assertStrictEquals(decodeAnswers(text), undefined));
  }
});

Deno.test("isError() distinguishes errors from responses", () => {
  assertEquals(decodeAnswers(`[${response},${failure}]`)?.map(isError), [false, true]);
});
