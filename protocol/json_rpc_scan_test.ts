import { assert, assertEquals } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { jsonRpcProtocol } from "./json_rpc.ts";
import { scanRequest } from "./json_rpc_scan.ts";

/** Reads a frame the plain way: only text is scanned. */
function readPlainly(frame: string) {
  return jsonRpcProtocol().read(new TextEncoder().encode(frame), 1);
}

/** Checks that a scanned frame is read as the plain reader does; returns whether it is scanned. */
function isScanned(frame: string): boolean {
  const scanned = scanRequest(frame);
  if (scanned === undefined) return false;
  const { kind, id, value, params, idText, isAscii } = scanned;
  assertEquals(isAscii, /^[\0-\x7f]*$/.test(frame));
  assertEquals([{ kind, id, value }], readPlainly(frame), frame);
  assertEquals([JSON.parse(idText), value], [id, JSON.parse(frame)]);
  assertEquals(JSON.parse(params ?? "null"), JSON.parse(frame).params ?? null);
  return true;
}

const USUAL = [
  '{"jsonrpc":"2.0","id":"a","method":"m"}',
  '{"jsonrpc":"2.0","method":"m","params":[],"id":0}',
  '{"id": -12, "method": "é😀", "params": {"a": [1, 2.5e-7, true, {}]}, "jsonrpc": "2.0"}',
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

Deno.test("scanRequest() reads usual requests only", () => {
  for (const frame of USUAL) assertEquals(isScanned(frame), true, frame);
  for (const frame of UNUSUAL) assertEquals(isScanned(frame), false, frame.slice(0, 200));
});

Deno.test("scanRequest() reads requests as the plain reader does, and nothing else", () => {
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
  let scanned = 0;
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
      if (isScanned(frame)) scanned++;
    }),
    { seed: 8, numRuns: 2000 },
  );
  assert(scanned > 200);
});
