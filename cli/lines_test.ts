import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { linesOf } from "./lines.ts";

const encoder = new TextEncoder();

/** A stream of chunks of `size` bytes. */
function streamOf(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return ReadableStream.from(chunks);
}

const CASES: [text: string, ...lines: string[]][] = [
  [""],
  ["\n", ""],
  ["\r\n", ""],
  ["a", "a"],
  ["a\n", "a"],
  ["a\nb", "a", "b"],
  ["a\r\nb\r\n", "a", "b"],
  ["a\n\n\r\n\nb", "a", "", "", "", "b"],
  ["a\rb\n", "a\rb"],
  ["a\r\r\nb", "a\r", "b"],
  ["é€😀\n€\r\n😀", "é€😀", "€", "😀"],
  ["a\u2028b\u0085c\n", "a\u2028b\u0085c"],
  ["\0\n \n\t\n", "\0", " ", "\t"],
  ["\ufeffa\n\ufeffb", "a", "\ufeffb"],
  [`${"x".repeat(200_000)}\ny`, "x".repeat(200_000), "y"],
];

Deno.test("linesOf() splits at LF and CR LF, however the bytes are cut", async () => {
  for (const [text, ...lines] of CASES) {
    for (const size of text.length > 1000 ? [65_536, 999] : [1, 2, 3, 5, 65_536]) {
      const stream = streamOf(encoder.encode(text), size);
      assertEquals(await Array.fromAsync(linesOf(stream)), lines, JSON.stringify(text));
    }
  }
});

Deno.test("linesOf() replaces what is not UTF-8, and goes on", async () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0x0a, 0xc3, 0x0a, 0x62, 0xe2, 0x82);
  for (const size of [1, 2, 100]) {
    const lines = await Array.fromAsync(linesOf(streamOf(bytes, size)));
    assertEquals(lines, ["a\ufffd", "\ufffd", "b\ufffd"]);
  }
});

Deno.test("linesOf() gives a line before the next has come", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const lines = linesOf(readable);
  void writer.write(encoder.encode("one\ntw"));
  assertEquals(await lines.next(), { done: false, value: "one" });
  void writer.write(encoder.encode("o\n"));
  assertEquals(await lines.next(), { done: false, value: "two" });
  void writer.close();
  assertEquals(await lines.next(), { done: true, value: undefined });
});

Deno.test("linesOf() cancels the stream when it is left", async () => {
  let cancelled = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encoder.encode("a\nb\n")),
    cancel: () => void cancelled++,
  });
  for await (const line of linesOf(stream)) {
    assertStrictEquals(line, "a");
    break;
  }
  assertStrictEquals(cancelled, 1);
  assert(!stream.locked);
});

Deno.test("linesOf() passes on what the stream fails with", async () => {
  const error = new Error("broken");
  const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(error) });
  assertStrictEquals(await assertRejects(() => Array.fromAsync(linesOf(stream))), error);
});
