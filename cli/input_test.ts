import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { BROKEN_FRAMES } from "../tests/support/broken_json.ts";
import { UsageError } from "./command.ts";
import { checkLine, readInput, readLines } from "./input.ts";

const encoder = new TextEncoder();

/** A stream of chunks of `size` bytes. */
function streamOf(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  return ReadableStream.from(chunks);
}

/** Returns the texts of a stream's lines, problems in brackets, and checks the numbers. */
async function textsOf(
  stream: ReadableStream<Uint8Array>,
  limit?: number,
): Promise<string[]> {
  const lines = await Array.fromAsync(readLines(stream, undefined, limit));
  assertEquals(lines.map(({ number }) => number), lines.map((_, i) => i + 1));
  return lines.map(({ text, problem }) => text ?? `[${problem}]`);
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
      const texts = await textsOf(streamOf(bytes, size), limit);
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
  const lines = readLines(stream, abort.signal);
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

Deno.test("readInput() returns the id and data of a packet", () => {
  const cases: [text: string, id: unknown, data: string][] = [
    ['{"request_id":"01","data":"a&&b&&c"}', "01", "a&&b&&c"],
    ['{"request_id":7,"data":""}', 7, ""],
    ['{"data":"a"}', undefined, "a"],
    ['  {"data" : "a", "more": [1]}\r', undefined, "a"],
    ['{"data":"a","data":"b"}', undefined, "b"],
    ['{"data":"\\u0061\\n"}', undefined, "a\n"],
    ['{"data":"a","d\\\\u0":"b"}', undefined, "a"],
    ['{"data":"a","d\\u0061ta":"b"}', undefined, "b"],
    // The client refuses invalid ids.
    ['{"request_id":1.5,"data":"a"}', 1.5, "a"],
    ['{"request_id":{},"data":"a"}', {}, "a"],
  ];
  for (const [text, id, data] of cases) {
    assertEquals<unknown>(readInput(text), { id, data }, text);
  }
});

Deno.test("readInput() returns other text as data", () => {
  const texts = [
    ...[
      "",
      " ",
      "a",
      "Hub&&name&&qwe",
      " a && b ",
      "01",
      "null",
      '"a"',
      "true",
      "&&{}",
      "__proto__",
    ],
    ...["}", "]", '"{}"'],
  ];
  for (const text of texts) assertEquals(readInput(text), { id: undefined, data: text }, text);
});

Deno.test("readInput() returns a problem when the text begins like JSON but is not a packet", () => {
  const cases: [text: string, reason: RegExp][] = [
    ["{", /^Expected property name or '}' in JSON at position 1$/],
    ['{"data":"a"', /^Expected ',' or '}' after property value in JSON at position 11$/],
    ['{"data":"a"}x', /^Unexpected non-whitespace character after JSON at position 12$/],
    [" [a&&b&&c]", /^Unexpected token 'a', " \[a&&b&&c]" is not valid JSON$/],
    ["{&&x&&1", /^Expected property name /],
    ["{}", /^data is missing$/],
    ['{"request_id":"1"}', /^data is missing$/],
    ['{"request_id":null}', /^data is missing$/],
    ['{"__proto__":{"data":"a"}}', /^data is missing$/],
    ['{"data":1}', /^data: expected a string, got a number$/],
    ['{"data":null}', /^data: expected a string, got null$/],
    ['{"data":["a"]}', /^data: expected a string, got an array$/],
    ['{"request_id":1,"cancel":true}', /^it cancels a request$/],
    ['{"request_id":1,"cancel":true,"data":"a"}', /^it cancels a request$/],
    ["[]", /^expected a JSON object, got an array$/],
    ['[{"data":"a"}]', /^expected a JSON object, got an array$/],
    ['[{"request_id":1,"data":"a"},{"request_id":2,"data":"b"}]', /^expected a JSON object, /],
  ];
  for (const [text, reason] of cases) {
    const { problem, ...input } = readInput(text);
    assertEquals(input, { id: undefined, data: text }, text);
    const [quote, why] = problem!.split(" is not a packet: ");
    assertEquals(quote, text);
    assertMatch(why!, reason, text);
  }
});

Deno.test("readInput() returns a problem for each frame that a server refuses", () => {
  for (const { name, text } of BROKEN_FRAMES) {
    const { problem, data } = readInput(text);
    const isPacket = data === "x"; // the client chooses an id, or refuses this one
    if (!/^\s*[[{]/.test(text) || isPacket) continue;
    assertEquals(data, text, name);
    assert(problem !== undefined && problem.length < 200, name);
  }
});
