import { assertEquals, assertThrows } from "@std/assert";
import { FrameError, FrameReader, FrameWriter } from "./frames.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A frame as a server sends it. */
function serverFrame(first: number, content: string | Uint8Array): Uint8Array {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  const { length } = bytes;
  const header = length < 126
    ? [length]
    : length < 1 << 16
    ? [126, length >> 8, length & 255]
    : [127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => length >> shift & 255)];
  return new Uint8Array([first, ...header, ...bytes]);
}

/** What a reader makes of bytes that come in pieces of at most `size`. */
function readInPieces(bytes: Uint8Array, size: number): unknown[] {
  const seen: unknown[] = [];
  const reader = new FrameReader({
    message: (text) => seen.push(text),
    ping: (content) => seen.push(["ping", decoder.decode(content)]),
    close: (content) => seen.push(["close", ...content]),
  });
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + Math.min(size, reader.space.length));
    reader.space.set(piece);
    reader.read(piece.length);
    at += piece.length;
  }
  return seen;
}

const concat = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((part) => [...part]));

Deno.test("FrameReader reads frames, however they are cut", () => {
  const long = "ü".repeat(40_000);
  const bytes = concat(
    serverFrame(0x81, "short"),
    serverFrame(0x81, ""),
    serverFrame(0x81, "x".repeat(126)),
    serverFrame(0x81, long),
    serverFrame(0x89, "are you there"),
    serverFrame(0x01, new Uint8Array([0xc3])),
    serverFrame(0x89, "between"),
    serverFrame(0x8a, "nobody asked"),
    serverFrame(0x80, new Uint8Array([0xbc])),
    serverFrame(0x82, "bytes"),
    serverFrame(0x81, "x".repeat(65_535)),
    serverFrame(0x88, new Uint8Array([3, 233])),
  );
  const expected = [
    "short",
    "",
    "x".repeat(126),
    long,
    ["ping", "are you there"],
    ["ping", "between"],
    "ü",
    undefined,
    "x".repeat(65_535),
    ["close", 3, 233],
  ];
  for (const size of [1, 2, 7, 1000, Infinity]) {
    assertEquals(readInPieces(bytes, size), expected, `in pieces of ${size}`);
  }
});

Deno.test("FrameReader refuses what no server sends", async (t) => {
  const cases: [string, Uint8Array][] = [
    ["reserved bits", serverFrame(0xc1, "x")],
    ["a mask", new Uint8Array([0x81, 0x81, 0, 0, 0, 0, 0x78])],
    ["an unknown opcode", serverFrame(0x83, "x")],
    ["an unknown control opcode", serverFrame(0x8b, "x")],
    ["a control frame in fragments", serverFrame(0x09, "x")],
    ["a long control frame", serverFrame(0x89, "x".repeat(126))],
    ["a continuation of nothing", serverFrame(0x80, "x")],
    ["a message within a message", concat(serverFrame(0x01, "x"), serverFrame(0x81, "y"))],
    ["more than fits", new Uint8Array([0x81, 127, 0, 1, 0, 0, 0, 0, 0, 0])],
  ];
  for (const [name, bytes] of cases) {
    await t.step(name, () => {
      assertThrows(() => readInPieces(bytes, Infinity), FrameError);
    });
  }
});

Deno.test("FrameWriter writes frames that are masked with nothing", () => {
  const texts = ["", "x", "ü".repeat(62), "ü".repeat(63), "x".repeat(125), "x".repeat(126)];
  texts.push("ü".repeat(32_768), "x".repeat(65_535), "x".repeat(65_536), "€".repeat(30_000));
  const writer = new FrameWriter();
  assertEquals(writer.isEmpty, true);
  for (const text of texts) writer.text(text);
  writer.pong(encoder.encode("here"));
  writer.close();
  const frames = unmasked(writer.take());
  assertEquals(
    frames.map(([first, content]) => [first, decoder.decode(content)]),
    [...texts.map((text) => [0x81, text]), [0x8a, "here"], [0x88, "\x03\ufffd"]],
  );
  assertEquals(writer.isEmpty, true);
});

Deno.test("FrameWriter.take() gives bytes that the next frames leave alone", () => {
  const writer = new FrameWriter();
  writer.text("first");
  const taken = writer.take();
  writer.text("other");
  assertEquals(unmasked(taken).map(([, content]) => decoder.decode(content)), ["first"]);
});

/** The frames of a client. */
function unmasked(bytes: Uint8Array): [first: number, content: Uint8Array][] {
  const frames: [number, Uint8Array][] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < bytes.length;) {
    const second = view.getUint8(at + 1) & 0x7f;
    const header = second < 126 ? 2 : second === 126 ? 4 : 10;
    const length = second < 126
      ? second
      : second === 126
      ? view.getUint16(at + 2)
      : Number(view.getBigUint64(at + 2));
    assertEquals(view.getUint8(at + 1) & 0x80, 0x80);
    assertEquals(view.getUint32(at + header), 0);
    const from = at + header + 4;
    frames.push([view.getUint8(at), bytes.subarray(from, from + length)]);
    at = from + length;
  }
  return frames;
}
