import { assert, assertEquals } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { jsonRpcProtocol } from "./json_rpc.ts";
import { messageWire, wireOf } from "./message_wire.ts";
import { frameOf, type Wire } from "./wire.ts";

const fast = wireOf(jsonRpcProtocol());
const plain = messageWire(jsonRpcProtocol());

/** Returns all that sessions learn of the messages that the reader of a wire has read. */
function messagesOf({ reader, response }: Wire): unknown[] {
  return Array.from({ length: reader.count }, (_, i) => {
    const data = reader.dataText(i);
    const about = {
      id: reader.idText(i),
      kind: [reader.error(i), reader.isCancel(i), reader.isNotification!(i)],
      ...{ data, value: reader.value(i, data)() },
    };
    if (reader.error(i) !== undefined || reader.isCancel(i) || reader.isNotification!(i)) {
      return about;
    }
    const [dataAt, dataEnd] = [reader.dataAt(i), reader.dataEnd(i)];
    const [idAt, idEnd] = [reader.idAt(i), reader.idEnd(i)];
    const bytes = reader.bytes.slice();
    const text = `${frameOf(response(bytes, idAt, idEnd, dataAt, dataEnd, reader.isAscii, -1))}`;
    assertEquals(new TextDecoder().decode(reader.bytes.subarray(idAt, idEnd)), about.id);
    return { ...about, response: JSON.parse(text), head: text.slice(0, text.indexOf("result")) };
  });
}

/** A text in the middle of a buffer, as the strict transport passes it. */
function asciiText(text: string) {
  const bytes = new TextEncoder().encode(`"${text}"`);
  return { bytes, at: 1, length: text.length, toString: () => text };
}

/** Checks that both wires read a frame the same; returns whether the fast one keeps its bytes. */
function isUsual(frame: string): boolean {
  plain.reader.read(frame, 1);
  const expected = messagesOf(plain);
  fast.reader.read(frame, 1);
  assertEquals(messagesOf(fast), expected, frame.slice(0, 200));
  const isAscii = [...frame].every((char) => char < "\x80");
  const wasUsual = usual();
  if (isAscii) {
    assert(fast.reader.isAsciiFrame === wasUsual);
    fast.reader.readAscii!(asciiText(frame), 1);
    assertEquals(messagesOf(fast), expected, frame.slice(0, 200));
    assertEquals(usual(), wasUsual);
  }
  return wasUsual;
}

/** Whether the frame that was read is in the usual form: then its bytes begin with it. */
const usual = () => fast.reader.bytes[0] === 0x7b;

const USUAL = [
  '{"jsonrpc":"2.0","id":"a","method":"m"}',
  '{"jsonrpc":"2.0","method":"m","params":[],"id":0}',
  '{"id": -12, "method": "é😀", "params": {"a": [1, -2.5, true, {}]}, "jsonrpc": "2.0"}',
  '{"jsonrpc":"2.0","id":"","method":"","params":{"":null,"":false,"__proto__":"{}[],:"}}',
  `{"jsonrpc":"2.0","id":1,"method":"m","params":["${"y".repeat(9999)}"]}`,
];

const UNUSUAL = [
  "",
  "{",
  "{}",
  "[]",
  "7",
  '{"jsonrpc":"2.0","method":"m"}',
  '{"jsonrpc":"2.0","id":null,"method":"m"}',
  '{"jsonrpc":"2.0","id":1.0,"method":"m"}',
  '{"jsonrpc":"2.0","id":-0,"method":"m"}',
  '{"jsonrpc":"2.0","id":1234567890123456,"method":"m"}',
  '{"jsonrpc":"2.0","id":"\\u0061","method":"m"}',
  '{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}',
  '{"jsonrpc":"2.0","id":1,"method":"m","more":1}',
  '{"jsonrpc":"2.0","id":1,"method":7}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":7}',
  '{"jsonrpc":"1.0","id":1,"method":"m"}',
  '{"jsonrpc":"2.0","id":1,"method":"m"} ',
  '{"jsonrpc":"2.0","id":1,"method":"m"}}',
  '{"jsonrpc":"2.0","id":1,"method":"m",}',
  '{"jsonrpc":"2.0","id":1,"method":"m"',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":[01]}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":[1.]}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":[-]}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":[,]}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":[1,]}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":{"a"}}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":{a:1}}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":[nul]}',
  '{"jsonrpc":"2.0","id":1,"method":"m","params":["\n"]}',
  `{"jsonrpc":"2.0","id":1,"method":"m","params":${"[".repeat(9)}${"]".repeat(9)}}`,
  `{"jsonrpc":"2.0","id":1,"method":"m","params":${"[".repeat(500_000)}`,
];

Deno.test("jsonRpcWire() keeps the bytes of usual requests only", () => {
  for (const frame of USUAL) assertEquals(isUsual(frame), true, frame.slice(0, 200));
  for (const frame of UNUSUAL) assertEquals(isUsual(frame), false, frame.slice(0, 200));
});

Deno.test("jsonRpcWire() returns params as they were sent", () => {
  const params = '{"n": 12345678901234567890, "f": 1.0}';
  const { reader, response } = fast;
  reader.read(`{"jsonrpc": "2.0", "method": "m", "params": ${params}, "id": "é"}`, 1);
  const [dataAt, dataEnd] = [reader.dataAt(0), reader.dataEnd(0)];
  const [idAt, idEnd] = [reader.idAt(0), reader.idEnd(0)];
  assertEquals(
    response(reader.bytes, idAt, idEnd, dataAt, dataEnd, reader.isAscii, -1),
    `{"jsonrpc":"2.0","id":"é","result":${params}}`,
  );
});

Deno.test("jsonRpcWire() leaves long frames to its protocol", () => {
  const frame = (length: number) =>
    `{"jsonrpc":"2.0","id":"é","method":"m","params":["${"x".repeat(length)}"]}`;
  for (const length of [1 << 19, 1 << 20, 3 << 20, 1]) {
    assertEquals(isUsual(frame(length)), length < 1 << 20, `${length}`);
    assertEquals(isUsual(frame(length).replace("é", "e")), length < 1 << 20, `${length}`);
  }
});

Deno.test("a protocol that was changed answers for itself", () => {
  const { reader } = wireOf({ ...jsonRpcProtocol(), answer: () => "mine" });
  reader.read(USUAL[0]!, 1);
  const answer = new TextDecoder().decode(
    reader.bytes.subarray(reader.dataAt(0), reader.dataEnd(0)),
  );
  assertEquals(answer, "\0mine");
});

Deno.test("jsonRpcWire() reads all frames as its protocol does", () => {
  const request = fc.record({
    jsonrpc: fc.constant("2.0"),
    id: fc.oneof(fc.string(), fc.maxSafeInteger()),
    method: fc.string(),
    params: fc.oneof(
      fc.array(fc.jsonValue({ depthSize: "xsmall" })),
      fc.dictionary(fc.string(), fc.jsonValue({ depthSize: "xsmall" })),
    ),
  }, { requiredKeys: ["jsonrpc", "id", "method"] });
  const order = fc.shuffledSubarray(["jsonrpc", "id", "method", "params"], { minLength: 4 });
  const part = fc.constantFrom(...'{}[]",:\\ 0-1.eE\n', "null", "true", '"id":', '"2.0"', "");
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(3), part), { maxLength: 2 });
  let found = 0;
  fc.assert(
    fc.property(request, order, edits, (request, order, edits) => {
      let frame = JSON.stringify(request, (_key, value) => {
        if (value !== request) return value;
        return Object.fromEntries(order.map((name) => [name, request[name as "id"]]));
      });
      for (const [at, cut, part] of edits) {
        const start = at % frame.length;
        frame = frame.slice(0, start) + part + frame.slice(start + cut);
      }
      if (isUsual(frame)) found++;
    }),
    { seed: 8, numRuns: 1500 },
  );
  assert(found > 100, `${found} usual ones`);
});
