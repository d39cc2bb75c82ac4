import { assertEquals, assertStrictEquals } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { anyData, anyText } from "../tests/support/arbitraries.ts";
import { plainConvertToJson } from "../tests/support/plain.ts";
import { convertVectors } from "../tests/support/vectors.ts";
import { representationText, writeResponse } from "./answer_writer.ts";
import { SOURCE_MARGIN } from "./conversion.ts";
import { FrameReader } from "./frame_reader.ts";
import { NO_DELAY } from "./wire.ts";
import { encodeFrame, encodeRequest, type RequestId } from "./packet.ts";

const reader = new FrameReader();

/** Returns a server's answers to a frame of valid requests. */
function answers(frame: string, delay = NO_DELAY): string[] {
  reader.read(frame);
  return Array.from({ length: reader.count }, (_, i) => {
    assertEquals(reader.error(i), undefined);
    return String(writeResponse(
      reader.bytes,
      reader.idAt(i),
      reader.idEnd(i),
      reader.dataAt(i),
      reader.dataEnd(i),
      reader.isAscii,
      delay,
    ));
  });
}

function plainResponse(id: RequestId, data: string, delay = NO_DELAY): string {
  const seconds = delay === NO_DELAY ? "" : `,"delay":${JSON.stringify(delay / 1000)}`;
  return `{"request_id":${JSON.stringify(id)},"data":${plainConvertToJson(data)}${seconds}}`;
}

/** Escapes a text as writers do that leave only ASCII and no separators in strings. */
function escaped(json: string): string {
  return json.replace(
    /[&%\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

for (const { name, data, expected } of convertVectors()) {
  Deno.test(`writeResponse() answers a frame with the vector: ${name}`, () => {
    const request = encodeRequest("id", data);
    const response = `{"request_id":"id","data":${expected}}`;
    const withDelay = `{"request_id":"id","data":${expected},"delay":1.5}`;
    assertEquals(answers(request), [response]);
    assertEquals(answers(escaped(request)), [response]);
    assertEquals(answers(request.replace(',"data":', ', "data": ')), [response]);
    assertEquals(answers(request, 1500), [withDelay]);
    assertEquals(answers(`[${request}, ${request}]`, 1500), [withDelay, withDelay]);
  });
}

Deno.test("writeResponse() answers all vectors in one frame", () => {
  const vectors = convertVectors();
  const frame = encodeFrame(vectors.map(({ data }, i) => encodeRequest(i, data)));
  const responses = vectors.map(({ expected }, i) => `{"request_id":${i},"data":${expected}}`);
  assertEquals(answers(frame), responses);
  assertEquals(answers(escaped(frame)), responses);
});

Deno.test("writeResponse() writes the delay as JSON.stringify() does", () => {
  const delays = [
    ...Array.from({ length: 12_000 }, (_, i) => i),
    ...[12_345, 60_000, 99_999, 100_000, 100_001, 999_999, 1_000_000, 3_600_000, 86_400_000],
    ...[86_400_001, 999_999_999, 1_000_000_010, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, 10 ** 12 + 100],
  ];
  const request = encodeRequest(1, "");
  for (const delay of delays) {
    const text = `{"request_id":1,"data":{},"delay":${JSON.stringify(delay / 1000)}}`;
    assertStrictEquals(answers(request, delay)[0], text);
  }
  assertStrictEquals(answers(request, 0)[0], '{"request_id":1,"data":{},"delay":0}');
  assertStrictEquals(answers(request, 3400)[0], '{"request_id":1,"data":{},"delay":3.4}');
});

Deno.test("writeResponse() repeats ids with their type", async (t) => {
  const ids = [
    ...[
      "a",
      "7",
      " ",
      "é😀",
      '"\\\n',
      "\0",
      "\ud800",
      "__proto__",
      "x".repeat(256),
      "é".repeat(256),
    ],
    ...[0, 7, -7, 2 ** 53 - 1, 1 - 2 ** 53],
  ];
  for (const id of ids) {
    await t.step(JSON.stringify(id).slice(0, 20), () => {
      for (const data of ["A&&x&&1", "A&&x&&é"]) {
        const request = encodeRequest(id, data);
        assertEquals(answers(request, 1), [plainResponse(id, data, 1)]);
        assertEquals(answers(`[${request},${request}]`), [
          plainResponse(id, data),
          plainResponse(id, data),
        ]);
      }
    });
  }
});

Deno.test("writeResponse() keeps nothing of a large answer in a small one", () => {
  const many = Array.from({ length: 5000 }, (_, i) => `E${i % 100}&&n${i % 70}&&é${i}`).join("%%");
  const datas = [
    "A&&x&&1",
    "",
    many,
    "A&&x&&é",
    many + "%%" + "x".repeat(200_000),
    "A&&x&&2&&x&&3",
  ];
  for (const data of datas) {
    for (const next of datas) {
      assertEquals(answers(encodeRequest(1, data)), [plainResponse(1, data)]);
      assertEquals(answers(encodeRequest("é", next), 1234), [plainResponse("é", next, 1234)]);
    }
  }
});

Deno.test("writeResponse() answers random requests as the plain twin does", () => {
  const id = fc.oneof(
    fc.maxSafeInteger(),
    anyText.filter((text) => text !== ""),
    fc.constantFrom("a", "é"),
  );
  const requests = fc.array(fc.tuple(id, anyData), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(requests, fc.integer({ min: NO_DELAY, max: 10_000 }), (all, delay) => {
      const responses = all.map(([id, data]) => plainResponse(id, data, delay));
      const frame = encodeFrame(all.map(([id, data]) => encodeRequest(id, data)));
      assertEquals(answers(frame, delay), responses);
      assertEquals(answers(escaped(frame), delay), responses);
    }),
    { numRuns: 1500 },
  );
});

Deno.test("representationText() grows with the data", () => {
  for (let length = 1; length < 2_000_000; length *= 3) {
    const data = `A&&${"n".repeat(length)}&&${"v".repeat(length)}`;
    const bytes = new Uint8Array(data.length + SOURCE_MARGIN);
    new TextEncoder().encodeInto(data, bytes);
    assertStrictEquals(representationText(bytes, 0, data.length, true), plainConvertToJson(data));
  }
});
