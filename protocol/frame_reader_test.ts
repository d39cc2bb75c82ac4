import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import {
  anyText,
  faultyFrameText,
  frameText,
  spellings,
  tellingText,
} from "../tests/support/arbitraries.ts";
import { SENTINEL_LENGTH } from "./conversion.ts";
import { FrameReader } from "./frame_reader.ts";
import { decodeFrame, encodeCancel, encodeFrame, encodeRequest, type Packet } from "./packet.ts";

const numRuns = 3000;

/** One reader for all tests, so that leftovers of a frame would affect the next. */
const reader = new FrameReader();

/** Checks that a frame is read as `decodeFrame()` reads it. */
function assertReadsPlainly(text: string): void {
  reader.read(text);
  assertHasRead(text);
  const bytes = new TextEncoder().encode(`[${text}]`);
  if (bytes.length !== text.length + 2) return;
  reader.readAscii({ bytes, at: 1, length: text.length, toString: () => text });
  assert(reader.isAsciiFrame);
  assertHasRead(text);
}

function assertHasRead(text: string): void {
  const packets = decodeFrame(text);
  assertStrictEquals(reader.count, packets.length);
  packets.forEach(assertHolds);
  // Converting the data of one packet must not change another.
  packets.forEach((packet, i) => {
    if (!("data" in packet)) return;
    assert(reader.dataEnd(i) + SENTINEL_LENGTH <= reader.bytes.length);
    reader.bytes.fill(0xff, reader.dataEnd(i), reader.dataEnd(i) + SENTINEL_LENGTH);
  });
  packets.forEach(assertHolds);
}

function assertHolds(packet: Packet, i: number): void {
  assertEquals(reader.error(i), "error" in packet ? packet.error : undefined);
  assertStrictEquals(
    textBetween(reader.idAt(i), reader.idEnd(i)),
    JSON.stringify(packet.request_id),
  );
  assertStrictEquals(reader.idText(i), JSON.stringify(packet.request_id));
  assertStrictEquals(reader.isCancel(i), "cancel" in packet);
  if (!("data" in packet)) return;
  const data = textBetween(reader.dataAt(i), reader.dataEnd(i));
  assertStrictEquals(`"${data}"`, JSON.stringify(packet.data));
}

function textBetween(at: number, end: number): string {
  const bytes = reader.bytes.subarray(at, end);
  if (reader.isAscii) assert(bytes.every((byte) => byte < 0x80), "not ASCII after all");
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

const ids = [
  ...[
    "0",
    "7",
    "-1",
    "-7",
    "10",
    "-0",
    "00",
    "01",
    "-01",
    "1e3",
    "1E3",
    "1.0",
    "1.5",
    "-",
    "+1",
    ".5",
  ],
  ...["123456789012345", "-123456789012345", "1234567890123456", "9007199254740991"],
  ...[
    "-9007199254740991",
    "9007199254740992",
    "-9007199254740992",
    "99999999999999999999",
    "1e999",
  ],
  ...["null", "true", "{}", "[]", "[1]", "NaN", "0x1", "1_0", "1 2", "", '"', "'a'"],
  ...['""', '" "', '"a"', '"é"', '"😀"', '"\u2028"', '"\u007f"', '"7"', '"null"', '"__proto__"'],
  ...[
    '"\\n"',
    '"\\u0000"',
    '"\\""',
    '"\\\\"',
    '"\\/"',
    '"\\x"',
    '"\\',
    '"\\ud83d"',
    '"\\ud83d\\ude00"',
  ],
  ...['"\0"', '"\n"', '"\u001f"', '"\ud800"', '"a\udc00b"'],
  ...[254, 255, 256, 257, 383, 384, 400].map((length) => `"${"x".repeat(length)}"`),
  ...[127, 128, 129, 254, 255, 256, 257].map((length) => `"${"é".repeat(length)}"`),
];

const datas = [
  ...['"x"', '""', '"a&&b&&c"', '" "', '"é"', '"😀"', '"\u2028\u2029"', '"\u007f"', '"%"', '"&"'],
  ...['"\\n"', '"\\u0026"', '"\\u00e9"', '"\\""', '"\\\\"', '"\\/"', '"\\ud800"', '"\\u12"', '"\\'],
  ...['"\0"', '"\t"', '"\u001f"', '"\ud800"', '"a\udc00"', '"\ud83d\ude00"', '"', "", "'x'", "x"],
  ...["null", '7"', 'x"', "7", "true", "[]", "{}", '["x"]', '"x""y"', '"x" "y"', '"x",'],
  ...[382, 383, 384, 385, 386, 4095, 4096, 8150, 8151, 8152, 8192, 8193, 20_000].map((length) =>
    `"${"x".repeat(length)}"`
  ),
  ...[191, 192, 193, 5000].map((length) => `"${"é".repeat(length)}"`),
  ...[383, 384, 385, 9000].map((length) => `"${"x".repeat(length)}\\n"`),
  ...[383, 384, 385].map((length) => `"${"x".repeat(length)}`),
];

Deno.test("FrameReader.read() reads every spelling of an id as decodeFrame() does", async (t) => {
  for (const id of ids) {
    await t.step(JSON.stringify(id).slice(0, 40), () => {
      for (const text of spellings(id, '"a&&b&&c"')) {
        assertReadsPlainly(text);
        assertReadsPlainly(`[${text}]`);
      }
    });
  }
});

Deno.test("FrameReader.read() reads every spelling of data as decodeFrame() does", async (t) => {
  for (const data of datas) {
    await t.step(JSON.stringify(data).slice(0, 40), () => {
      for (const text of spellings('"id"', data)) {
        assertReadsPlainly(text);
        assertReadsPlainly(`[{"request_id":1,"data":"é"},${text}]`);
      }
    });
  }
});

const one = '{"request_id":1,"data":"x"}';
const two = '{"request_id":"b","data":"é&&y&&1"}';

const frames = [
  ...[
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    "{}",
    "[]",
    "[{}]",
    "null",
    "7",
    '"x"',
    "[null]",
    `[[${one}]]`,
    "\ud800",
  ],
  ...[`[${one},${two}]`, `[${two},${one}]`, `[${one}, ${two}]`, `[${one},  ${two}]`, `[ ${one}]`],
  ...[`[${one} ]`, `[${one} ,${two}]`, `[${one},\n${two}]`, `[${one}] `, ` [${one}]`, `[${one}]\n`],
  ...[
    `[${one},]`,
    `[,${one}]`,
    `[${one},,${two}]`,
    `[${one}`,
    `[${one},`,
    `[${one},${two}`,
    `${one}]`,
  ],
  ...[
    `[${one}]]`,
    `[${one}][`,
    `${one}${two}`,
    `${one},${two}`,
    `${one}x`,
    `${one}\0`,
    `[${one}]\0`,
  ],
  ...[`[${one}${two}]`, `[${one};${two}]`, `[${one},7]`, `[7,${two}]`, `[${one},${two},null]`],
  ...[encodeCancel(1), encodeCancel("é"), `[${one},${encodeCancel(1)},${two}]`],
  ...[
    `[${encodeCancel("a")},{"request_id":3},${one}]`,
    '{"request_id":1,"cancel":true,"data":"x"}',
  ],
  ...['{"request_id":1,"data":"x","cancel":true}', '{"request_id":1,"data":"x","cancel":false}'],
  ...['{"request_ix":1,"data":"x"}', '{"request_id";1,"data":"x"}', '{"request_id":1;"data":"x"}'],
  ...['{"request_id":1,"date":"x"}', '{"request_id":1,"data";"x"}', '{"request_id":1"data":"x"}'],
  ...['{"request_id":1,"data":"x"]', '["request_id":1,"data":"x"}', '("request_id":1,"data":"x"}'],
  ...['{"request_id":1,"data":"x",}', '{"request_id":1,"data":"x"', '{"request_id":1,"data":"x'],
  ...['{"request_id":1,"data"', '{"request_id":1', '{"request_id"', '{"request_id":1,"data":'],
  ...['{"request\\u005fid":1,"data":"x"}', '{"request_id":1,"d\\u0061ta":"x"}'],
  `[${one},{"request_id":2,"data":"${"x".repeat(500)}"},${two}]`,
  "[".repeat(1e5) + "]".repeat(1e5),
];

Deno.test("FrameReader.read() reads other frames as decodeFrame() does", async (t) => {
  for (const text of frames) {
    await t.step(text.slice(0, 80), () => assertReadsPlainly(text));
  }
});

Deno.test("FrameReader.read() accepts 1000 packets and refuses 1001", async (t) => {
  for (const count of [999, 1000, 1001, 1002, 5000]) {
    for (const data of ["x", 'é\n"', "x".repeat(400)]) {
      const texts = Array.from({ length: count }, (_, i) => encodeRequest(i, data));
      await t.step(`${count} of ${data.slice(0, 3)}`, () => {
        assertReadsPlainly(encodeFrame(texts));
        assertReadsPlainly(`[${texts.join(" , ")}]`);
        assertStrictEquals(reader.count, count > 1000 ? 1 : count);
      });
    }
  }
});

Deno.test("FrameReader.read() keeps nothing of the frame before", () => {
  const long = "é".repeat(50_000);
  const texts = [
    `[${encodeRequest(1, long)},{"request_id":3},null]`,
    one,
    "x",
    two,
    `[${one},${two}]`,
    one,
  ];
  for (const text of texts) for (const next of texts) [text, next].forEach(assertReadsPlainly);
  for (const text of [one, `[${one},${two}]`]) {
    for (let length = text.length; length >= 0; length--) {
      reader.read(text);
      assertReadsPlainly(text.slice(0, length));
    }
  }
  reader.read(one);
  assertStrictEquals(reader.isAscii, true);
});

Deno.test("FrameReader.read() reads random frames as decodeFrame() does", () => {
  fc.assert(fc.property(frameText, assertReadsPlainly), { numRuns });
});

Deno.test("FrameReader.read() reads damaged frames as decodeFrame() does", () => {
  fc.assert(fc.property(faultyFrameText, assertReadsPlainly), { numRuns });
});

Deno.test("FrameReader.read() reads any text as decodeFrame() does", () => {
  fc.assert(fc.property(fc.oneof(anyText, tellingText, fc.json()), assertReadsPlainly), {
    numRuns,
  });
});
