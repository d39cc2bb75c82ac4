/**
 * Text read line by line, from what people pipe in or name.
 *
 * @module
 */

import { UsageError } from "./exit.ts";

/** The most bytes in a line. A packet is a frame, and no server takes a frame of 64 MiB or more. */
export const MAX_LINE = 64 * 2 ** 20;

type Content =
  | { readonly text: string; readonly fault?: undefined }
  | { readonly text?: undefined; readonly fault: string };

/** A line: its number, from 1, and its text, or why it has none. */
export type Line = { readonly number: number } & Content;

/** A line that has a text. */
export type TextLine = Extract<Line, { text: string }>;

/** Options for {@linkcode linesOf}. */
export interface LinesOptions {
  /** Ends the lines when it is aborted, even while the stream has nothing to give. */
  readonly signal?: AbortSignal;
  /** The most bytes in a line. @default {MAX_LINE} */
  readonly limit?: number;
}

const LF = 0x0a;
const BOM = "\ufeff";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the lines of a stream of UTF-8 as they arrive, and keeps no more than one in memory. A line ends
 * with LF or CR LF, which the last may lack. A byte order mark at the start is not part of the text.
 *
 * @throws {UsageError} if the stream cannot be read, for example because it is a directory.
 */
export async function* linesOf(
  stream: ReadableStream<Uint8Array>,
  { signal, limit = MAX_LINE }: LinesOptions = {},
): AsyncGenerator<Line, void, void> {
  let number = 0;
  const lineOf = (content: Content): Line => {
    number++;
    if (number > 1 || !content.text?.startsWith(BOM)) return { number, ...content };
    return { number, text: content.text.slice(1) };
  };
  const unfinished = new UnfinishedLine(limit);
  for await (const chunk of chunksOf(stream, signal)) {
    const first = chunk.indexOf(LF);
    const last = first < 0 ? first : chunk.lastIndexOf(LF);
    if (first >= 0) yield lineOf(unfinished.end(chunk.subarray(0, first)));
    if (last > first) {
      for (const content of contentsOf(chunk.subarray(first + 1, last), limit)) {
        yield lineOf(content);
      }
    }
    unfinished.add(chunk.subarray(last + 1));
  }
  if (signal?.aborted) return;
  const last = lineOf(unfinished.end());
  if (last.text !== "") yield last;
}

/**
 * Checks that {@linkcode linesOf} would read a text back if it were written as a line.
 *
 * @param limit the most bytes in a line.
 * @throws {RangeError} if it would not; the message says what in the text prevents it.
 */
export function checkLine(text: string, limit: number = MAX_LINE): void {
  const fault = text.includes("\n")
    ? "it contains a line feed"
    : text.endsWith("\r")
    ? "it ends in a carriage return"
    : text.startsWith(BOM)
    ? "it begins with a byte order mark"
    : !text.isWellFormed()
    ? "it contains a lone surrogate, which UTF-8 cannot encode"
    : text.length > limit / 3 && encoder.encode(text).length > limit
    ? `it is ${tooLong(limit)}`
    : undefined;
  if (fault !== undefined) throw new RangeError(`Cannot write the data as a line: ${fault}`);
}

/** A line of which more may come. What exceeds the limit is not kept. */
class UnfinishedLine {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > this.#limit) this.#parts = [];
    else if (bytes.length > 0) this.#parts.push(bytes);
  }

  /** Ends the line with these bytes, and begins another. */
  end(bytes: Uint8Array = new Uint8Array()): Content {
    this.add(bytes);
    const isTooLong = this.#length > this.#limit;
    const parts = this.#parts;
    this.#parts = [];
    this.#length = 0;
    if (isTooLong) return { fault: tooLong(this.#limit) };
    return contentOf(parts.length === 1 ? parts[0]! : concat(parts), this.#limit);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The lines of a block; its end ends the last of them. */
function contentsOf(block: Uint8Array, limit: number): Content[] {
  const text = block.length <= limit ? decode(block) : undefined;
  if (text !== undefined) return text.split("\n").map((text) => ({ text: withoutReturn(text) }));
  const contents: Content[] = [];
  for (let start = 0; start <= block.length;) {
    const next = block.indexOf(LF, start);
    const end = next < 0 ? block.length : next;
    contents.push(contentOf(block.subarray(start, end), limit));
    start = end + 1;
  }
  return contents;
}

function contentOf(bytes: Uint8Array, limit: number): Content {
  if (bytes.length > limit) return { fault: tooLong(limit) };
  const text = decode(bytes);
  return text === undefined ? { fault: "not valid UTF-8" } : { text: withoutReturn(text) };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

function tooLong(limit: number): string {
  return `longer than ${limit / 2 ** 20} MiB`;
}

/** The chunks of a stream, until it ends or the signal is aborted. */
async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const through = new TransformStream<Uint8Array, Uint8Array>();
  try {
    yield* stream.pipeThrough(through, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`cannot read the input: ${reason}`);
  }
}
