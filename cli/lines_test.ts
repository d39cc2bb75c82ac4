import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { UsageError } from "./exit.ts";
import { checkLine, readLines, type ReadLinesOptions } from "./lines.ts";

const encoder = new TextEncoder();

/** A stream of chunks of `size` bytes. */
function streamOf(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return ReadableStream.from(chunks);
}

/** Returns the texts of a stream's lines, faults in brackets, and checks the numbers. */
async function textsOf(
  stream: ReadableStream<Uint8Array>,
  options?: ReadLinesOptions,
): Promise<string[]> {
  const lines = await Array.fromAsync(readLines(stream, options));
  assertEquals(lines.map(({ number }) => number), lines.map((_, i) => i + 1));
  return lines.map(({ text, fault }) => text ?? `[${fault}]`);
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
  ["\ufeff"],
  ["\ufeff\n", ""],
  ["\ufeff\ufeffa", "\ufeffa"],
  ["a\ufffdb\n", "a\ufffdb"],
  [`${"x".repeat(200_000)}\ny`, "x".repeat(200_000), "y"],
];

Deno.test("readLines() splits at LF and CR LF, wherever chunks end", async () => {
  for (const [text, ...lines] of CASES) {
    for (const size of text.length > 1000 ? [65_536, 999] : [1, 2, 3, 5, 65_536]) {
      const stream = streamOf(encoder.encode(text), size);
      assertEquals(await textsOf(stream), lines, JSON.stringify(text));
    }
  }
});

Deno.test("readLines() reports lines that are not UTF-8, and goes on", async () => {
  const invalid = "[not valid UTF-8]";
  const bytes = Uint8Array.of(
    ...[0x61, 0xff, 0x0a], // never part of UTF-8
    ...[0xc3, 0x0a], // ends amid a character
    ...[0x62, 0x0a],
    ...[0xed, 0xa0, 0x80, 0x0d, 0x0a], // a surrogate
    ...[0xc0, 0xaf, 0x0a], // longer than needed
    ...[0x0a],
    ...[0x62, 0xe2, 0x82],
  );
  for (const size of [1, 2, 3, 100]) {
    const texts = await textsOf(streamOf(bytes, size));
    assertEquals(texts, [invalid, invalid, "b", invalid, invalid, "", invalid], `${size}`);
  }
});

Deno.test("readLines() reports lines over the limit, and goes on", async () => {
  const limit = 2 ** 20;
  const lines = ["a", "x".repeat(limit + 1), "b", "x".repeat(limit), "x".repeat(3 * limit)];
  const tooLong = "[longer than 1 MiB]";
  for (const end of ["", "\n", "\nlast"]) {
    const bytes = encoder.encode(lines.join("\n") + end);
    for (const size of [10_000, limit, 10 * limit]) {
      const texts = await textsOf(streamOf(bytes, size), { limit });
      const last = end === "\nlast" ? ["last"] : [];
      assertEquals(texts, ["a", tooLong, "b", "x".repeat(limit), tooLong, ...last], `${size}`);
    }
  }
});

/** Returns a stream of one line of `chunks` × 64 KiB, which share their memory. */
function longLine(chunks: number): ReadableStream<Uint8Array> {
  const chunk = new Uint8Array(65_536).fill(0x78);
  return new ReadableStream({
    pull(controller) {
      if (chunks-- > 0) controller.enqueue(chunk);
      else controller.close();
    },
  });
}

Deno.test("readLines() reads long lines in linear time", async () => {
  const [line] = await Array.fromAsync(readLines(longLine(200)));
  assertEquals(line!.text!.length, 200 * 65_536);
  // If each chunk cost as much as the line so far, this would take minutes.
  assertEquals(await textsOf(longLine(4000)), ["[longer than 64 MiB]"]);
});

Deno.test("readLines() yields a line before the next one comes", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const lines = readLines(readable);
  void writer.write(encoder.encode("one\ntw"));
  assertEquals(await lines.next(), { done: false, value: { number: 1, text: "one" } });
  void writer.write(encoder.encode("o\n"));
  assertEquals(await lines.next(), { done: false, value: { number: 2, text: "two" } });
  void writer.close();
  assertEquals(await lines.next(), { done: true, value: undefined });
});

Deno.test("readLines() drops the unfinished line when it is aborted", async () => {
  const abort = new AbortController();
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode("one\ntw")),
  });
  const lines = readLines(stream, { signal: abort.signal });
  assertEquals((await lines.next()).value?.text, "one");
  const next = lines.next();
  abort.abort();
  assertEquals(await next, { done: true, value: undefined });
});

Deno.test("readLines() cancels the stream when the caller stops", async () => {
  const cancelled = Promise.withResolvers<void>();
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encoder.encode("a\nb\n")),
    cancel: () => cancelled.resolve(),
  });
  for await (const { text } of readLines(stream)) {
    assertEquals(text, "a");
    break;
  }
  await cancelled.promise;
});

Deno.test("readLines() throws a UsageError when the stream fails", async () => {
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("broken")),
  });
  await assertRejects(
    () => Array.fromAsync(readLines(stream)),
    UsageError,
    "cannot read the input: broken",
  );
});

Deno.test("checkLine() accepts exactly what readLines() reads back", async () => {
  const parts = ["", "a", "\r", "\n", "\ufeff", "\ud83d", "\ude00", "\u2028", "é"];
  for (const first of parts) {
    for (const second of parts) {
      for (const third of parts) {
        const text = first + second + third;
        const stream = new Blob([text + "\nend\n"]).stream();
        const isKept = (await textsOf(stream)).join("|") === `${text}|end`;
        // As the first line, where a byte order mark is lost.
        const what = JSON.stringify(text);
        if (isKept) checkLine(text);
        else {assertThrows(
            () => checkLine(text),
            RangeError,
            "Cannot write the data as a line",
            what,
          );}
      }
    }
  }
});

Deno.test("checkLine() throws when the text is longer than the limit", () => {
  const limit = 2 ** 20;
  for (const text of ["x".repeat(limit), "é".repeat(limit / 2), "€".repeat(limit / 3)]) {
    checkLine(text, limit);
    assertThrows(() => checkLine(text + "é", limit), RangeError, "longer than 1 MiB");
  }
});
