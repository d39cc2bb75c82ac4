import { assertEquals, assertThrows } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { type ErrorCode, ERRORS } from "./errors.ts";
import { jsonRpcProtocol } from "./json_rpc.ts";

const protocol = jsonRpcProtocol();

/** Returns what a server does with a frame: its answers, and the messages that get none. */
function outcomes(frame: string | Uint8Array): unknown[] {
  return protocol.read(frame, 1).map((message) => {
    const { kind, id, error } = message;
    if (kind === "request") return JSON.parse(protocol.answer(message) as string).result;
    if (kind !== "wrong") return `${kind} ${id}`;
    const answer = JSON.parse(protocol.error(id, error!) as string);
    assertEquals([answer.jsonrpc, answer.id], ["2.0", id]);
    return `${answer.error.code} ${id}: ${answer.error.message}`;
  });
}

const FRAMES: Readonly<Record<string, readonly [frame: string, outcomes: unknown[]][]>> = {
  "4: requests": [
    ['{"jsonrpc":"2.0","method":"m","params":[1,"é"],"id":1}', [[1, "é"]]],
    ['{"id":1,"method":"m","jsonrpc":"2.0","more":[1]}', [null]],
    ['{"jsonrpc":"2.0","method":"","id":1}', [null]],
    ['{"jsonrpc":"2.0","method":"rpc.discover","params":{},"id":1}', [{}]],
    ['{"jsonrpc":"2.0","id":1}', ["-32600 1: method: expected a string, got undefined"]],
    ['{"jsonrpc":"2.0","id":1,"method":1}', ["-32600 1: method: expected a string, got 1"]],
    ['{"id":1,"method":"m"}', ['-32600 1: jsonrpc: expected "2.0", got undefined']],
    ['{"jsonrpc":2.0,"id":1,"method":"m"}', ['-32600 1: jsonrpc: expected "2.0", got 2']],
    ['{"jsonrpc":"1.0","id":1,"method":"m"}', ['-32600 1: jsonrpc: expected "2.0", got "1.0"']],
    ["1", ["-32600 null: expected an object, got 1"]],
    ["null", ["-32600 null: expected an object, got null"]],
    ['"text"', ['-32600 null: expected an object, got "text"']],
    ["{}", ['-32600 null: jsonrpc: expected "2.0", got undefined']],
    [
      '{"__proto__":{"jsonrpc":"2.0","method":"m","id":1}}',
      ['-32600 null: jsonrpc: expected "2.0", got undefined'],
    ],
    ["", ["-32700 null: the frame is not JSON"]],
    ['{"jsonrpc":"2.0","id":1', ["-32700 null: the frame is not JSON"]],
  ],
  "4: ids": [
    ['{"jsonrpc":"2.0","method":"m","id":"a"}', [null]],
    ['{"jsonrpc":"2.0","method":"m","id":""}', [null]],
    ['{"jsonrpc":"2.0","method":"m","id":-1}', [null]],
    ['{"jsonrpc":"2.0","method":"m","id":null}', [null]],
    ...["1.5", "9007199254740992", "1e400", "true", "[1]", '{"a":1}'].map((
      id,
    ): [string, string[]] => {
      const shown = id[0] === "["
        ? "an array"
        : id[0] === "{"
        ? "an object"
        : String(JSON.parse(id));
      const message = `id: expected a string, an integer or null, got ${shown}`;
      return [`{"jsonrpc":"2.0","method":"m","id":${id}}`, [`-32600 null: ${message}`]];
    }),
  ],
  "4.1: notifications": [
    ['{"jsonrpc":"2.0","method":"m"}', ["notification null"]],
    ['{"jsonrpc":"2.0","method":"m","params":[1]}', ["notification null"]],
    ['{"jsonrpc":"2.0","method":1}', ["-32600 null: method: expected a string, got 1"]],
  ],
  "4.2: params": [
    ['{"jsonrpc":"2.0","method":"m","id":1,"params":[]}', [[]]],
    ['{"jsonrpc":"2.0","method":"m","id":1,"params":{"__proto__":1}}', [
      JSON.parse('{"__proto__":1}'),
    ]],
    ...['"x"', "1", "null", "false"].map((params): [string, string[]] => {
      const message = `params: expected an array or an object, got ${params}`;
      return [`{"jsonrpc":"2.0","method":"m","id":1,"params":${params}}`, [`-32600 1: ${message}`]];
    }),
  ],
  "5: responses, which get no answer": [
    ['{"jsonrpc":"2.0","result":1,"id":1}', ["notification null"]],
    ['{"jsonrpc":"2.0","error":{"code":1,"message":""},"id":null}', ["notification null"]],
    ['{"jsonrpc":"2.0","method":"m","result":1,"id":1}', [null]],
  ],
  "6: batches": [
    ["[]", ["-32600 null: expected 1 to 1000 requests in a batch, got 0"]],
    ["[1]", ["-32600 null: expected an object, got 1"]],
    ["[[]]", ['-32600 null: jsonrpc: expected "2.0", got undefined']],
    [
      '[{"jsonrpc":"2.0","method":"m","id":1,"params":[1]},{"jsonrpc":"2.0","method":"m"},' +
      '{"foo":"boo"},7,{"jsonrpc":"2.0","method":"m","id":"9","params":[9]}]',
      [
        [1],
        "notification null",
        '-32600 null: jsonrpc: expected "2.0", got undefined',
        "-32600 null: expected an object, got 7",
        [9],
      ],
    ],
    [
      `[${Array(1000).fill('{"jsonrpc":"2.0","method":"m"}')}]`,
      Array(1000).fill("notification null"),
    ],
    [`[${Array(1001).fill(0)}]`, ["-32600 null: expected 1 to 1000 requests in a batch, got 1001"]],
    [
      '[{"jsonrpc":"2.0","method":"m","id":1,',
      ["-32700 null: the frame is not JSON"],
    ],
  ],
  "cancels": [
    ['{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}', ["cancel 1"]],
    ['{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"a"}}', ["cancel a"]],
    ['{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":null}}', ["notification null"]],
    ['{"jsonrpc":"2.0","method":"$/cancelRequest","params":[1]}', ["notification null"]],
    ['{"jsonrpc":"2.0","method":"$/cancelRequest"}', ["notification null"]],
    ['{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1},"id":2}', [{ id: 1 }]],
  ],
};

for (const [section, frames] of Object.entries(FRAMES)) {
  Deno.test(`jsonRpcProtocol() reads JSON-RPC 2.0, section ${section}`, () => {
    for (const [frame, expected] of frames) {
      assertEquals(outcomes(frame), expected, frame.slice(0, 200));
      assertEquals(outcomes(new TextEncoder().encode(frame)), expected, "as a binary frame");
    }
  });
}

Deno.test("jsonRpcProtocol() refuses binary frames that are not UTF-8", () => {
  assertEquals(outcomes(new Uint8Array([0x22, 0xff, 0x22])), [
    "-32700 null: the frame is not JSON",
  ]);
});

Deno.test("jsonRpcProtocol() has short errors for long values", () => {
  const [long] = outcomes(`{"jsonrpc":"2.0","id":1,"method":"m","params":"${"x".repeat(1e6)}"}`);
  assertEquals((long as string).length < 150, true);
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  assertEquals(outcomes(`{"jsonrpc":"2.0","id":${deep},"method":"m"}`), [
    "-32600 null: id: expected a string, an integer or null, got an array",
  ]);
});

Deno.test("jsonRpcProtocol() gives each error its code, section 5.1", () => {
  const codes = Object.keys(ERRORS).map((code) => {
    const details = { code: code as ErrorCode, message: "why", limit: 7 };
    const { error } = JSON.parse(protocol.error("a", details) as string);
    assertEquals([error.message, error.data], ["why", { code, limit: 7 }]);
    return [code, error.code];
  });
  assertEquals(Object.fromEntries(codes), {
    ...{ invalid_json: -32700, invalid_packet: -32600, internal: -32603 },
    ...{ duplicate_request_id: -32001, overloaded: -32002, shutting_down: -32003 },
    ...{ packet_too_large: -32004, cancelled: -32800 },
  });
});

Deno.test("jsonRpcProtocol() fills in the template of a result", () => {
  const protocol = jsonRpcProtocol({ result: '{"was":{{/method}},"id":{{id}}}' });
  const [request] = protocol.read('{"jsonrpc":"2.0","id":"\\"","method":"m"}', 1);
  assertEquals(
    protocol.answer(request!),
    '{"jsonrpc":"2.0","id":"\\"","result":{"was":"m","id":"\\""}}',
  );
  assertThrows(
    () => jsonRpcProtocol({ result: "{{x}}" }),
    RangeError,
    "result: at 1: expected {{id}}",
  );
});

Deno.test("jsonRpcProtocol() answers any request with its id and its params", () => {
  const request = fc.record({
    jsonrpc: fc.constant("2.0"),
    id: fc.oneof(fc.string({ unit: "binary" }), fc.maxSafeInteger(), fc.constant(null)),
    method: fc.string(),
    params: fc.oneof(
      fc.array(fc.jsonValue({ depthSize: "xsmall" })),
      fc.dictionary(fc.string(), fc.jsonValue({ depthSize: "xsmall" })),
    ),
    more: fc.jsonValue({ depthSize: "xsmall" }),
  }, { requiredKeys: ["jsonrpc", "id", "method"] });
  fc.assert(
    fc.property(request, (request) => {
      const [message] = protocol.read(JSON.stringify(request), 1);
      const { jsonrpc, id, params = null } = JSON.parse(JSON.stringify(request));
      assertEquals(protocol.answer(message!), JSON.stringify({ jsonrpc, id, result: params }));
    }),
    { seed: 8 },
  );
});
