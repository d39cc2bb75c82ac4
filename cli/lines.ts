/**
 * Text read line by line.
 *
 * @module
 */

/**
 * The lines of a stream of UTF-8, as they come in; no more of it is kept than a line. A line ends with LF
 * or CR LF; a last one without is a line too.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { linesOf } from "./lines.ts";
 *
 * const stream = new Blob(["one\ntwo\r\n\nlast"]).stream();
 * assertEquals(await Array.fromAsync(linesOf(stream)), ["one", "two", "", "last"]);
 * ```
 */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: false });
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield withoutReturn(line);
  }
  rest += decoder.decode();
  if (rest !== "") yield withoutReturn(rest);
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
