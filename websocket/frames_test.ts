import { assertEquals, assertThrows } from "@std/assert";
import { randomIntegers } from "../tests/support/random.ts";
import { FrameDecoder } from "./decoder.ts";
import { FrameEncoder } from "./encoder.ts";
import {
  buildFrame,
  closePayload,
  FrameError,
  type FrameHeader,
  Opcode,
  parseClose,
  ZERO_MASK,
} from "./frames.ts";

const utf8 = new TextDecoder();
const MASK = new Uint8Array([0x12, 0x00, 0xff, 0xa5]);

type Role = "client" | "server";

/** A frame for a reader of this role: masked for a server. */
function frameTo(role: Role, payload: string | Uint8Array, header: FrameHeader = {}): Uint8Array {
  return buildFrame(payload, role === "server" ? { mask: MASK, ...header } : header);
}

/** Decodes bytes in pieces that `size` decides; returns what came out. */
function decode(role: Role, bytes: Uint8Array, size: () => number, maxMessage?: number): unknown[] {
  const seen: unknown[] = [];
  const decoder = new FrameDecoder(role, {
    onText: (text) => seen.push(text),
    onBinary: (payload) => seen.push(["binary", ...payload]),
    onPing: (payload) => seen.push(["ping", utf8.decode(payload)]),
    onPong: (payload) => seen.push(["pong", utf8.decode(payload)]),
    onClose: (payload) => seen.push(["close", ...payload]),
  }, maxMessage);
  for (let at = 0; at < bytes.length;) {
    const end = at + size();
    decoder.write(bytes.subarray(at, end));
    at = end;
  }
  return seen;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("FrameDecoder decodes frames for both roles, however their bytes are cut", () => {
  const long = "ü".repeat(40_000);
  for (const role of ["client", "server"] as const) {
    const frame = (first: number, payload: string | Uint8Array) =>
      frameTo(role, payload, { first });
    const bytes = concat(
      frame(0x81, "short"),
      frame(0x81, ""),
      frame(0x81, "x".repeat(126)),
      frame(0x81, long),
      frame(0x89, "are you there"),
      frame(0x01, new Uint8Array([0xc3])),
      frame(0x89, "between"),
      frame(0x00, ""),
      frame(0x8a, "nobody asked"),
      frame(0x80, new Uint8Array([0xbc])),
      frame(0x02, new Uint8Array([0, 255])),
      frame(0x80, new Uint8Array([7])),
      frame(0x82, new Uint8Array([1])),
      frame(0x81, "\ufeffx".repeat(16_384)),
      frame(0x01, ""),
      frame(0x80, ""),
      frame(0x88, closePayload(1001, "bye")),
    );
    const expected = [
      "short",
      "",
      "x".repeat(126),
      long,
      ["ping", "are you there"],
      ["ping", "between"],
      ["pong", "nobody asked"],
      "ü",
      ["binary", 0, 255, 7],
      ["binary", 1],
      "\ufeffx".repeat(16_384),
      "",
      ["close", 3, 233, 0x62, 0x79, 0x65],
    ];
    for (const size of [1, 2, 7, 1000, Infinity]) {
      assertEquals(decode(role, bytes, () => size), expected, `${role}, in pieces of ${size}`);
    }
    for (let seed = 0; seed < 20; seed++) {
      const random = randomIntegers(seed);
      const size = () => random(2 ** random(18));
      assertEquals(decode(role, bytes, size), expected, `${role}, cut by seed ${seed}`);
    }
  }
});

/** Frames that break the rules, with the status codes that they are worth. */
const BROKEN: [what: string, code: number, ...frames: [string | Uint8Array, FrameHeader?][]][] = [
  ["reserved bits", 1002, ["x", { first: 0xc1 }]],
  ["an unknown opcode", 1002, ["x", { first: 0x83 }]],
  ["an unknown control opcode", 1002, ["x", { first: 0x8b }]],
  ["a fragmented control frame", 1002, ["x", { first: 0x09 }]],
  ["a long control frame", 1002, ["x".repeat(126), { first: 0x89 }]],
  ["a continuation of nothing", 1002, ["x", { first: 0x80 }]],
  ["a message within a message", 1002, ["x", { first: 0x01 }], ["y"]],
  ["a message within an empty one", 1002, ["", { first: 0x01 }], ["y"]],
  ["a length of 1 in 2 bytes", 1002, ["x", { lengthSize: 2 }]],
  ["a length of 1 in 8 bytes", 1002, ["x", { lengthSize: 8 }]],
  ["a length of 65,535 in 8 bytes", 1002, ["x", { length: 65_535, lengthSize: 8 }]],
  ["a text that is not UTF-8", 1007, [new Uint8Array([0xff])]],
  ["fragments that are not UTF-8", 1007, [new Uint8Array([0xc3]), { first: 0x01 }], [
    "x",
    { first: 0x80 },
  ]],
  ["more than fits", 1009, ["x", { length: 1001 }]],
  ["more than all memory", 1009, ["x", { length: 2 ** 62 }]],
  ["a length of 64 bits", 1002, ["x", { length: 2 ** 63 }]],
  ["text that cannot become UTF-8 any more", 1007, [new Uint8Array([0xc3, 0x28]), { first: 0x01 }]],
  ["the start of a long text that is not UTF-8", 1007, [
    new Uint8Array([...new Uint8Array(500), 0xff, ...new Uint8Array(400)]),
    { first: 0x01 },
  ]],
  ["fragments of more than fits", 1009, ["x", { first: 0x01 }], [
    "y".repeat(1000),
    { first: 0x80 },
  ]],
];

for (const [what, code, ...frames] of BROKEN) {
  Deno.test(`FrameDecoder throws with code ${code} on ${what}`, () => {
    for (const role of ["client", "server"] as const) {
      const bytes = concat(...frames.map(([payload, header]) => frameTo(role, payload, header)));
      for (const size of [1, Infinity]) {
        const error = assertThrows(() => decode(role, bytes, () => size, 1000), FrameError);
        assertEquals(error.code, code, `${role}, in pieces of ${size}`);
      }
    }
  });
}

Deno.test("FrameDecoder throws on a frame that is masked for the other role", () => {
  const cases = [["client", { mask: MASK }, "is masked"], ["server", {}, "is not masked"]] as const;
  for (const [role, header, message] of cases) {
    const bytes = buildFrame("x", header);
    assertThrows(() => decode(role, bytes, () => Infinity), FrameError, message);
  }
});

Deno.test("FrameDecoder keeps U+FFFD in a text that has it", () => {
  assertEquals(decode("client", buildFrame("a\ufffdb"), () => Infinity), ["a\ufffdb"]);
});

Deno.test("FrameDecoder accepts a message of exactly its limit", () => {
  const text = "x".repeat(1000);
  assertEquals(decode("client", buildFrame(text), () => Infinity, 1000), [text]);
});

Deno.test("FrameDecoder passes over frames for which there is no handler", () => {
  const texts: string[] = [];
  const decoder = new FrameDecoder("client", { onText: (text) => texts.push(text) });
  const firsts = [Opcode.ping, Opcode.pong, Opcode.binary];
  for (const opcode of firsts) decoder.write(buildFrame("x", { first: 0x80 | opcode }));
  decoder.write(buildFrame("heard"));
  assertEquals(texts, ["heard"]);
});

Deno.test("FrameEncoder writes what FrameDecoder reads, for both roles", () => {
  const texts = ["", "x", "ü".repeat(62), "ü".repeat(63), "x".repeat(125), "x".repeat(126)];
  texts.push("ü".repeat(32_768), "x".repeat(65_535), "x".repeat(65_536), "€".repeat(30_000));
  for (const role of ["client", "server"] as const) {
    const frames = new FrameEncoder(role);
    assertEquals(frames.length, 0);
    for (const text of texts) frames.text(text);
    frames.frame(Opcode.pong, new TextEncoder().encode("here"));
    frames.frame(Opcode.text, new Uint8Array([0x61]), false);
    frames.frame(Opcode.continuation, new Uint8Array([0x62]));
    frames.frame(Opcode.close, closePayload(1000));
    const reader = role === "client" ? "server" : "client";
    const bytes: number[] = [];
    for (let left = frames.length; left > 0; left = frames.length) {
      const piece = frames.take();
      assertEquals(frames.length, left - piece.length);
      bytes.push(...piece);
      frames.release();
    }
    assertEquals(
      decode(reader, new Uint8Array(bytes), () => Infinity),
      [...texts, ["pong", "here"], "ab", ["close", 3, 232]],
    );
    assertEquals(frames.take().length, 0);
  }
});

Deno.test("FrameEncoder.take() returns bytes that the next frames leave alone", () => {
  const frames = new FrameEncoder("server");
  frames.text("first");
  const taken = frames.take();
  frames.text("other");
  assertEquals(decode("client", taken, () => Infinity), ["first"]);
});

Deno.test("buildFrame() writes the header that it is given, whatever it claims", () => {
  const cases: [FrameHeader, number[]][] = [
    [{}, [0x81, 2, 1, 2]],
    [{ first: 0x70 }, [0x70, 2, 1, 2]],
    [{ length: 125 }, [0x81, 125, 1, 2]],
    [{ length: 126 }, [0x81, 126, 0, 126, 1, 2]],
    [{ length: 65_536 }, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2]],
    [{ length: 2 ** 63 }, [0x81, 127, 128, 0, 0, 0, 0, 0, 0, 0, 1, 2]],
    [{ lengthSize: 2 }, [0x81, 126, 0, 2, 1, 2]],
    [{ mask: ZERO_MASK }, [0x81, 0x82, 0, 0, 0, 0, 1, 2]],
    [{ mask: MASK }, [0x81, 0x82, ...MASK, 1 ^ 0x12, 2]],
  ];
  for (const [header, bytes] of cases) {
    assertEquals([...buildFrame(new Uint8Array([1, 2]), header)], bytes, JSON.stringify(header));
  }
});

Deno.test("FrameDecoder ignores whatever comes after a Close frame", () => {
  const bytes = concat(buildFrame("a"), buildFrame("", { first: 0x88 }), buildFrame("b"), MASK);
  for (const size of [1, Infinity]) {
    assertEquals(decode("client", bytes, () => size), ["a", ["close"]]);
  }
});

Deno.test("FrameDecoder reports a message over its limit by its first 4 KiB, and skips it", () => {
  const long = "x".repeat(9000);
  const table: [frames: [string, FrameHeader?][], report: [head: number, size: number]][] = [
    [[[long]], [4096, 9000]],
    [[["y".repeat(1001)]], [1001, 1001]],
    [[["y".repeat(600), { first: 0x01 }], ["y".repeat(500), { first: 0x80 }]], [1100, 1100]],
    [[["", { first: 0x01 }], [long, { first: 0 }], [long, { first: 0x80 }]], [4096, 9000]],
    [[[long, { first: 0x02 }], ["", { first: 0x80 }]], [4096, 9000]],
  ];
  for (const [frames, report] of table) {
    for (const size of [1, 100, Infinity]) {
      const seen: unknown[] = [];
      const decoder = new FrameDecoder("server", {
        onText: (text) => seen.push(text),
        onPing: () => seen.push("ping"),
        onTooLong: (head, size) => seen.push([head.length, size]),
      }, 1000);
      const bytes = concat(
        ...frames.map(([payload, header]) => frameTo("server", payload, header)),
        frameTo("server", "", { first: 0x89 }),
        frameTo("server", "next"),
      );
      for (let at = 0; at < bytes.length; at += size) decoder.write(bytes.subarray(at, at + size));
      assertEquals(seen, [report, "ping", "next"], `${frames}, in pieces of ${size}`);
    }
  }
});

Deno.test("FrameDecoder does not skip more than 64 MiB of a message", () => {
  const decoder = new FrameDecoder("client", { onText() {}, onTooLong() {} }, 1000);
  decoder.write(buildFrame("", { first: 0x01 }));
  decoder.write(buildFrame("", { first: 0x00, length: 1 << 25 }));
  const chunk = new Uint8Array(1 << 20);
  for (let i = 0; i < 32; i++) decoder.write(chunk);
  const next = buildFrame("", { first: 0x80, length: (1 << 25) + 1 });
  assertEquals(assertThrows(() => decoder.write(next), FrameError).code, 1009);
});

Deno.test("FrameDecoder reads into a small buffer, which grows while much comes", () => {
  const decoder = new FrameDecoder("client", { onText() {} });
  const sizes: number[] = [];
  const fill = (size: number) => {
    const bytes = buildFrame("x".repeat(size));
    decoder.space.set(bytes);
    decoder.decode(bytes.length);
    sizes.push(decoder.space.length);
  };
  for (let i = 0; i < 6; i++) fill(decoder.space.length - (decoder.space.length < 70_000 ? 4 : 10));
  assertEquals(sizes.slice(-2), [1 << 16, 1 << 16]);
  assertEquals(sizes[0], 1 << 10);
  for (let i = 0; i < 64; i++) fill(1);
  assertEquals(decoder.space.length, 1 << 8);
});

Deno.test("parseClose() reads status code and reason, and throws on what must not be sent", () => {
  const text = (code: number, reason: string | number[]) =>
    new Uint8Array([
      ...closePayload(code),
      ...(typeof reason === "string" ? new TextEncoder().encode(reason) : reason),
    ]);
  assertEquals(parseClose(new Uint8Array()), { code: 1005, reason: "" });
  assertEquals(parseClose(text(1001, "zürück")), { code: 1001, reason: "zürück" });
  for (const code of [1000, 1003, 1007, 1011, 1014, 3000, 4999]) {
    assertEquals(parseClose(closePayload(code)).code, code);
  }
  const wrong: [payload: Uint8Array, code: number][] = [
    [new Uint8Array([3]), 1002],
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code) =>
      [closePayload(code), 1002] as [Uint8Array, number]
    ),
    [text(1000, [0xff]), 1007],
  ];
  for (const [payload, code] of wrong) {
    const error = assertThrows(() => parseClose(payload), FrameError);
    assertEquals(error.code, code, String(payload));
  }
});
