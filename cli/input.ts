/**
 * Inputs of users: lines of stdin or a file, and the data or packet that a line or argument holds.
 *
 * @module
 */

import type { RequestId } from "../protocol.ts";
import { decodePacket } from "../protocol/packet.ts";
import { parseJson } from "../protocol/parse_json.ts";
import { messageOf, UsageError } from "./command.ts";

/** Most bytes in a line. A packet is a frame, and no server accepts a frame of 64 MiB or more. */
const MAX_LINE = 64 * 2 ** 20;

type Content =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: string };

/** A line: its number, from 1, and either its text or why it has none. */
export type InputLine = { readonly number: number } & Content;

/** A line that has a text. */
export type TextLine = Extract<InputLine, { text: string }>;

const LF = 0x0a;
const BOM = "\ufeff";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the lines of a UTF-8 stream as they arrive, and keeps no more than one in memory. A line ends
 * with LF or CR LF, which the last line may lack. A byte order mark at the start is dropped.
 *
 * @param signal ends the lines when it is aborted, even while the stream is idle.
 * @param limit most bytes in a line.
 * @throws {UsageError} if the stream cannot be read, for example because it is a directory.
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
  limit: number = MAX_LINE,
): AsyncGenerator<InputLine, void, void> {
  let number = 0;
  const lineOf = (content: Content): InputLine => {
    number++;
    if (number > 1 || !content.text?.startsWith(BOM)) return { number, ...content };
    return { number, text: content.text.slice(1) };
  };
  // The start of a line that has not ended yet.
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(stream, signal)) {
    const last = chunk.lastIndexOf(LF);
    if (last >= 0) {
      const block = concat([...parts, chunk.subarray(0, last)]);
      for (const content of contentsOf(block, limit)) yield lineOf(content);
      [parts, length] = [[], 0];
    }
    // Further bytes of a line that is too long are not kept.
    if (length <= limit) {
      parts.push(chunk.subarray(last + 1));
      length += chunk.length - last - 1;
    }
  }
  if (signal?.aborted) return;
  const last = lineOf(contentsOf(concat(parts), limit)[0]!);
  if (last.text !== "") yield last;
}

/** Buffer.concat() would do, but node:buffer takes 5 ms to load. */
function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Checks that {@linkcode readLines} would read a text back if it were written as a line.
 *
 * @param limit most bytes in a line.
 * @throws {RangeError} if it would not; the message says what in the text prevents it.
 */
export function checkLine(text: string, limit: number = MAX_LINE): void {
  const problem = text.includes("\n")
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
  if (problem !== undefined) throw new RangeError(`Cannot write the data as a line: ${problem}`);
}

/** Decodes the lines of a block: all at once, which is faster, unless one of them has a problem. */
function contentsOf(block: Uint8Array, limit: number): Content[] {
  const text = block.length <= limit ? decode(block) : undefined;
  if (text !== undefined) return text.split("\n").map((line) => ({ text: withoutReturn(line) }));
  const contents: Content[] = [];
  for (let start = 0; start <= block.length;) {
    const next = block.indexOf(LF, start);
    const end = next < 0 ? block.length : next;
    const text = end - start <= limit ? decode(block.subarray(start, end)) : undefined;
    if (text !== undefined) contents.push({ text: withoutReturn(text) });
    else contents.push({ problem: end - start > limit ? tooLong(limit) : "not valid UTF-8" });
    start = end + 1;
  }
  return contents;
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

/** Yields the chunks of a stream, until it ends or the signal is aborted. */
async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* stream.pipeThrough(new TransformStream<Uint8Array>(), signal && { signal });
  } catch (error) {
    if (signal?.aborted) return;
    throw new UsageError(`cannot read the input: ${messageOf(error)}`);
  }
}

/** Most UTF-16 units of an input that an error quotes. */
const MAX_QUOTE = 60;

/** An argument or a line, as data to send. */
export interface Input {
  readonly data: string;
  /** The id in the input, if any. It may be invalid; the client checks it. */
  readonly id: RequestId | undefined;
  /** Why an input that begins like JSON is not a packet. */
  readonly problem?: string;
}

/**
 * Reads an argument or a line. A JSON object with `data` is a packet; anything else is data. If such data
 * begins like JSON, `problem` says why it is not a packet.
 */
export function readInput(text: string): Input {
  if (!/^\s*[[{]/.test(text)) return { id: undefined, data: text };
  let value: { request_id?: RequestId; data?: unknown; cancel?: unknown };
  try {
    value = parseJson(text) as typeof value;
  } catch (error) {
    // The input is one line, whose number in the file is another.
    return notPacket(text, messageOf(error).replace(/ \(line \d+ column \d+\)$/, ""));
  }
  const { request_id: id, data, cancel } = value;
  if (typeof data === "string" && cancel !== true) return { id, data };
  const packet = decodePacket(Array.isArray(value) ? value : { ...value, request_id: 0 });
  return notPacket(text, "error" in packet ? packet.error.message : "it cancels a request");
}

function notPacket(text: string, reason: string): Input {
  return { id: undefined, data: text, problem: `${shorten(text)} is not a packet: ${reason}` };
}

/** Returns the start of an input, for an error about it. */
export function shorten(text: string): string {
  return text.length > MAX_QUOTE ? `${text.slice(0, MAX_QUOTE)}…` : text;
}
