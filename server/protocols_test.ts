import { assertEquals, assertThrows } from "@std/assert";
import {
  echoProtocol,
  jsonProtocol,
  jsonRpcProtocol,
  manualClock,
  type Protocol,
  serve,
  type ServeOptions,
} from "../server.ts";

const TRANSPORTS = ["deno", "strict"] as const;

/** Sends frames to a server, and returns its first `count` answers as text, sorted. */
async function exchange(
  options: ServeOptions,
  frames: readonly (string | Uint8Array<ArrayBuffer>)[],
  count: number,
): Promise<string[]> {
  await using server = serve({ port: 0, delay: { min: 0, max: 0 }, ...options });
  const socket = new WebSocket(server.url);
  socket.binaryType = "arraybuffer";
  const closed = new Promise((resolve) => socket.onclose = resolve);
  const answers: string[] = [];
  await new Promise<void>((resolve) => {
    socket.onopen = () => frames.forEach((frame) => socket.send(frame));
    socket.onmessage = ({ data }) => {
      answers.push(typeof data === "string" ? data : `bytes ${new Uint8Array(data)}`);
      if (answers.length === count) resolve();
    };
  });
  socket.close();
  await closed;
  return answers.sort();
}

const errorOf = (id: string, code: number, message: string, name: string) =>
  `{"jsonrpc":"2.0","id":${id},"error":{"code":${code},"message":${JSON.stringify(message)},` +
  `"data":{"code":"${name}"}}}`;

const EXCHANGES: readonly {
  name: string;
  protocol: Protocol;
  frames: readonly (string | Uint8Array<ArrayBuffer>)[];
  answers: readonly string[];
}[] = [
  {
    name: "JSON-RPC with batches, notifications, null ids and errors",
    protocol: jsonRpcProtocol(),
    frames: [
      '{"jsonrpc":"2.0","id":1,"method":"x","params":[1,"é"]}',
      '[{"jsonrpc":"2.0","id":"a","method":"x"},{"jsonrpc":"2.0","method":"note"},{"id":2}]',
      '{"jsonrpc":"2.0","id":null,"method":"x","params":{}}',
      "{",
      "[]",
    ],
    answers: [
      '{"jsonrpc":"2.0","id":1,"result":[1,"é"]}',
      '{"jsonrpc":"2.0","id":"a","result":null}',
      '{"jsonrpc":"2.0","id":null,"result":{}}',
      errorOf("2", -32600, 'jsonrpc: expected "2.0", got undefined', "invalid_packet"),
      errorOf("null", -32700, "the frame is not JSON", "invalid_json"),
      errorOf("null", -32600, "expected 1 to 1000 requests in a batch, got 0", "invalid_packet"),
    ],
  },
  {
    name: "OCPP by a pointer and a template",
    protocol: jsonProtocol({ idAt: "/1", answer: '[3,{{id}},{"was":{{/2}}}]' }),
    frames: ['[2,"a","Heartbeat",{}]', "[5]", "no JSON", "[2,7]"],
    answers: ['[3,"a",{"was":"Heartbeat"}]', '[3,7,{"was":null}]'],
  },
  {
    name: "JSON with errors",
    protocol: jsonProtocol({ error: '{"id":{{id}},"wrong":{{/code}}}' }),
    frames: ['{"id":1}', '{"id":1.5}', "x"],
    answers: [
      '{"id":1}',
      '{"id":null,"wrong":"invalid_json"}',
      '{"id":null,"wrong":"invalid_packet"}',
    ],
  },
  {
    name: "echo of text and of bytes",
    protocol: echoProtocol(),
    frames: ["hello", new Uint8Array([0, 1, 255]), "", "héllo"],
    answers: ["", "bytes 0,1,255", "hello", "héllo"],
  },
];

for (const websocket of TRANSPORTS) {
  for (const { name, protocol, frames, answers } of EXCHANGES) {
    Deno.test(`serve() speaks ${name} (${websocket})`, async () => {
      const options = { websocket, protocol };
      assertEquals(await exchange(options, frames, answers.length), [...answers].sort());
    });
  }

  Deno.test(`serve() answers each message of a protocol after its own delay (${websocket})`, async () => {
    await using server = serve({
      port: 0,
      websocket,
      protocol: jsonRpcProtocol(),
      clock: manualClock(),
      rules: [{ match: { id: "a" }, delay: 3 }, { match: { id: "b" }, delay: 2 }],
    });
    const socket = new WebSocket(server.url);
    const closed = new Promise((resolve) => socket.onclose = resolve);
    const ids: string[] = [];
    const both = new Promise<void>((resolve) => {
      socket.onmessage = ({ data }) => {
        if (ids.push(JSON.parse(data).id) === 2) resolve();
      };
    });
    socket.onopen = () => {
      for (const id of ["a", "b"]) socket.send(JSON.stringify({ jsonrpc: "2.0", id, method: "x" }));
    };
    await server.received(2);
    server.clock.advance(3000);
    await both;
    assertEquals([ids, server.requests.map(({ ended }) => ended)], [["b", "a"], [3, 2]]);
    socket.close();
    await closed;
  });
}

Deno.test("serve() lets a function compute answers", async () => {
  const protocol = jsonRpcProtocol();
  const answer = async ({ id, value }: { id: unknown; value: unknown }) => {
    await Promise.resolve();
    if (id === 2) throw new Error("as asked");
    return { method: (value as { method: string }).method };
  };
  const frames = [1, 2].map((id) => JSON.stringify({ jsonrpc: "2.0", id, method: "m" }));
  assertEquals(
    await exchange({ protocol, answer }, frames, 2),
    [
      errorOf("2", -32603, "internal error; see the log of the server", "internal"),
      '{"jsonrpc":"2.0","id":1,"result":{"method":"m"}}',
    ].sort(),
  );
  const packet = '{"request_id":"01","data":"Hub&&name&&qwe"}';
  assertEquals(await exchange({ answer: ({ value }) => value }, [packet], 1), [
    '{"request_id":"01","data":{"Hub":{"name":"qwe"}}}',
  ]);
});

Deno.test("serve() bounds the time of a function that computes answers", async () => {
  const failures: string[] = [];
  const signals: AbortSignal[] = [];
  const answer = ({ signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    return new Promise(() => {});
  };
  const events = { failed: (_id: string, error: unknown) => void failures.push(String(error)) };
  const packet = '{"request_id":"01","data":""}';
  const [error] = await exchange({ answer, answerTimeout: 10, events }, [packet], 1);
  assertEquals(JSON.parse(error!).error.code, "internal");
  assertEquals(failures, ["Error: expected a result within 10 ms, got none"]);
  assertEquals(signals.map(({ aborted }) => aborted), [true]);
});

Deno.test("rules look into messages, and fill in answers", async () => {
  const rules = [
    { match: { at: "/method", is: "sub*" }, answer: { was: "{{/params/0}}", id: "{{id}}" } },
    { match: { at: "/params/1" }, answer: "two" },
    { match: { at: "/params/0", is: 7 }, error: { code: "overloaded", message: "no" } },
  ] as const;
  const messages = [
    { id: 1, method: "subscribe", params: ["a"] },
    { id: 2, method: "x", params: [0, null] },
    { id: 3, method: "x", params: [7] },
    { id: 4, method: "x", params: ["7"] },
  ];
  const frames = messages.map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));
  assertEquals(
    await exchange({ protocol: jsonRpcProtocol(), rules }, frames, 4),
    [
      errorOf("3", -32002, "no", "overloaded"),
      '{"jsonrpc":"2.0","id":1,"result":{"was":"a","id":1}}',
      '{"jsonrpc":"2.0","id":2,"result":"two"}',
      '{"jsonrpc":"2.0","id":4,"result":["7"]}',
    ].sort(),
  );
  const packets = ["Hub&&name&&a", "Hub&&name&&b"]
    .map((data, id) => JSON.stringify({ request_id: id, data }));
  const match = { at: "/Hub/name", is: "b" };
  assertEquals(await exchange({ rules: [{ match, answer: ["{{/Hub}}"] }] }, packets, 2), [
    '{"request_id":0,"data":{"Hub":{"name":"a"}}}',
    '{"request_id":1,"data":[{"name":"b"}]}',
  ]);
});

Deno.test("serve() refuses rules whose pointers or templates are wrong", () => {
  const cases: [rule: Record<string, unknown>, message: string][] = [
    [
      { match: { at: "x" } },
      'rules[0].match.at: expected a JSON Pointer, such as /params/0, got "x"',
    ],
    [{ match: { is: 1 } }, "rules[0].match.is: expected none without at, got 1"],
    [{ match: { at: "/x", is: {} } }, "rules[0].match.is: expected"],
    [{ match: {}, answer: ["{{x}}"] }, "rules[0].answer: expected {{id}} or a JSON Pointer"],
    [{ match: {}, answer: "a {{id}}" }, "rules[0].answer: expected a placeholder alone in a value"],
  ];
  for (const [rule, message] of cases) {
    const rules = [rule] as unknown as NonNullable<ServeOptions["rules"]>;
    assertThrows(() => serve({ port: 0, rules }), RangeError, message);
  }
});

/** Posts a body to a server; returns the status and the text of the response. */
async function post(
  options: ServeOptions,
  body: BodyInit,
): Promise<[status: number, text: string]> {
  await using server = serve({ port: 0, delay: 0, ...options });
  const response = await fetch(`http://127.0.0.1:${server.port}/`, { method: "POST", body });
  return [response.status, await response.text()];
}

Deno.test("POST speaks other protocols", async () => {
  const echo = { protocol: echoProtocol() };
  const jsonRpc = { protocol: jsonRpcProtocol() };
  const call = (id: unknown) => ({ jsonrpc: "2.0", id, method: "m", params: [id] });
  const result = (id: number) => `{"jsonrpc":"2.0","id":${id},"result":[${id}]}\n`;
  const note = { jsonrpc: "2.0", method: "m" };
  const drop = { rules: [{ match: {}, fault: "drop" }] } as const;
  const cases: [options: ServeOptions, body: unknown, answer: [status: number, text: string]][] = [
    [echo, "héllo", [200, "héllo\n"]],
    [echo, "", [200, "\n"]],
    [echo, "null", [200, "null\n"]],
    [echo, '{"error":{"code":"constructor"}}', [200, '{"error":{"code":"constructor"}}\n']],
    [{ ...echo, rules: [{ match: { data: "h*" }, answer: "{{}}" }] }, "h", [
      200,
      "h\n",
    ]],
    [{ ...echo, delay: 0.001 }, "later", [200, "later\n"]],
    [{ ...echo, ...drop }, "x", [200, ""]],
    [{ ...echo, limits: { maxPacketSize: 3 } }, "1234", [204, ""]],
    [jsonRpc, call(1), [200, result(1)]],
    [jsonRpc, [call(1), note, call(2)], [200, result(1) + result(2)]],
    [jsonRpc, [note, note], [204, ""]],
    [jsonRpc, note, [204, ""]],
    [jsonRpc, "{", [
      200,
      errorOf("null", -32700, "the frame is not JSON", "invalid_json") + "\n",
    ]],
    [{ protocol: jsonProtocol() }, "{", [204, ""]],
    [{ protocol: jsonProtocol() }, { id: 1 }, [200, '{"id":1}\n']],
  ];
  for (const [options, body, answer] of cases) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    assertEquals(await post(options, text), answer, text);
  }
});
