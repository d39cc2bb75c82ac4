import { assertEquals, assertThrows } from "@std/assert";
import { echoProtocol } from "./echo.ts";
import { fc } from "../tests/support/npm_packages.ts";
import { jsonProtocol } from "./json_protocol.ts";
import { jsonRpcProtocol } from "./json_rpc.ts";
import type { Message, Protocol } from "./message.ts";
import { messageWire } from "./message_wire.ts";
import { frameOf, type RequestReader, type Wire } from "./wire.ts";

function read(reader: RequestReader, frame: string | Uint8Array): void {
  if (typeof frame === "string") reader.read(frame, 1);
  else reader.readBinary(frame, 1);
}

/** Returns the response to message `i` from a copy of its bytes, as sessions make it when due. */
function laterResponse({ reader, response }: Wire, i: number): string | Uint8Array {
  const [dataAt, dataEnd] = [reader.dataAt(i), reader.dataEnd(i)];
  const bytes = reader.bytes.slice();
  const [idAt, idEnd] = [reader.idAt(i), reader.idEnd(i)];
  assertEquals(new TextDecoder().decode(bytes.subarray(idAt, idEnd)), reader.idText(i));
  return frameOf(response(bytes, idAt, idEnd, dataAt, dataEnd, reader.isAscii, -1));
}

const anyFrame = fc.oneof(fc.string({ unit: "binary", maxLength: 60 }), fc.uint8Array());
const anyId = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.maxSafeInteger(),
  fc.constant(null),
);

Deno.test("messageWire() keeps the answers of a protocol until they are due", () => {
  const message = fc.record({ id: anyId, answer: anyFrame });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 9 }), (messages) => {
      const wire = messageWire({
        ...echoProtocol(),
        read: () => messages.map(({ id, answer }) => ({ kind: "request", id, value: answer })),
        answer: ({ value }) => value as string | Uint8Array,
      });
      wire.reader.read("", 1);
      assertEquals(wire.reader.count, messages.length);
      messages.forEach(({ id, answer }, i) => {
        // As UTF-8, which has no lone surrogates.
        const expected = typeof answer === "string" ? answer.toWellFormed() : answer;
        assertEquals(wire.responseAtOnce!(i), answer);
        assertEquals(laterResponse(wire, i), expected);
        assertEquals(wire.reader.idText(i), JSON.stringify(id));
      });
      assertEquals(laterResponse(wire, 0), laterResponse(wire, 0));
    }),
    { seed: 8 },
  );
});

Deno.test("messageWire() reads large frames after small ones, and small ones after large ones", () => {
  const wire = messageWire(echoProtocol());
  for (const length of [0, 1, 31, 32, 33, 4095, 4096, 1 << 20, 3, 2 << 20, 0]) {
    for (const frame of ["x".repeat(length), "é".repeat(length), new Uint8Array(length).fill(7)]) {
      read(wire.reader, frame);
      assertEquals(laterResponse(wire, 0), frame);
    }
  }
});

Deno.test("messageWire() shows rules and journals the data and the value of messages", () => {
  const bytes = new Uint8Array([1, 2, 255]);
  const cases: [Protocol, frame: string | Uint8Array, data: string, value: unknown][] = [
    [echoProtocol(), "héllo", "héllo", "héllo"],
    [echoProtocol(), ' {"a" : 1}', ' {"a" : 1}', { a: 1 }],
    [echoProtocol(), "12", "12", 12],
    [echoProtocol(), bytes, "AQL/", "AQL/"],
    [echoProtocol(), "", "", ""],
    [jsonProtocol(), ' {"id" : 1}', '{"id":1}', { id: 1 }],
    [jsonProtocol({ idAt: "" }), '"12"', "12", "12"],
    [jsonProtocol(), "{", "{", "{"],
    [jsonRpcProtocol(), "[]", "", undefined],
  ];
  for (const [protocol, frame, data, value] of cases) {
    const { reader } = messageWire(protocol);
    read(reader, frame);
    const found = reader.value(0, reader.dataText(0));
    assertEquals(reader.dataText(0), data);
    reader.read("another", 2);
    assertEquals(found(), value);
  }
});

Deno.test("messageWire() refuses what is no message", () => {
  const message: Message = { kind: "request", id: 1, value: 1 };
  const cases: [messages: unknown, error: string][] = [
    [[], "read(): expected at least one message, got none"],
    [[{ ...message, kind: "Request" }], "kind: expected request, notification, cancel, wrong, got"],
    [[{ ...message, id: 0.5 }], "id: expected a string, an integer or null, got 0.5"],
    [[message, { ...message, id: undefined }], "id: expected a string, an integer or null, got un"],
    [[{ ...message, kind: "wrong" }], "error.code: expected one of the error codes, got undefined"],
    [
      [{ ...message, kind: "wrong", error: { code: "constructor" } }],
      'error.code: expected one of the error codes, got "constructor"',
    ],
    [
      [{ ...message, error: { code: "internal", message: "" } }],
      'error.code: expected none in a message that is right, got "internal"',
    ],
  ];
  for (const [messages, error] of cases) {
    const { reader } = messageWire({ ...echoProtocol(), read: () => messages as Message[] });
    assertThrows(() => reader.read("", 1), TypeError, error);
    assertEquals(reader.count, 0);
  }
});

Deno.test("messageWire() refuses answers that are no frames", () => {
  const none = undefined as unknown as string;
  const wire = messageWire({
    ...echoProtocol(),
    answer: () => none,
    result: () => 7 as unknown as string,
    error: () => ({}) as unknown as string,
  });
  wire.reader.read("", 1);
  const expected = "expected a string or a Uint8Array, got";
  assertThrows(() => wire.reader.dataAt(0), TypeError, `answer(): ${expected} undefined`);
  assertThrows(() => wire.responseAtOnce!(0), TypeError, `answer(): ${expected} undefined`);
  assertThrows(() => wire.responseWith("1", "1", -1), TypeError, `result(): ${expected} 7`);
  const details = { code: "internal", message: "" } as const;
  assertThrows(() => wire.errorAnswer("1", details), TypeError, `error(): ${expected} an object`);
});
