/**
 * A protocol of messages as sessions use it.
 *
 * The data of a request is the answer that {@linkcode Protocol.answer} returns when it arrives, so
 * that sessions keep it as they keep the data of packets.
 *
 * @module
 */

import { isErrorCode } from "./errors.ts";
import { isId, shown } from "./json_protocol.ts";
import type { Message, Protocol } from "./message.ts";
import type { ErrorDetails, RequestId } from "./packet.ts";
import { parseJson } from "./parse_json.ts";
import type { Frame, RequestReader, Wire } from "./wire.ts";

/** The first byte of the data if the answer is text. */
const TEXT = 0;
/** The first byte of the data if the answer is a binary frame; none is larger. */
export const BINARY = 1;

/** The most UTF-16 units for which a loop is faster than `JSON.stringify()` and `encodeInto()`. */
const SHORT = 32;

/** The size of the buffer at first, and the largest that is used for the next frame, in bytes. */
const SIZE = 4096;
const MAX_KEPT = 8 << 20;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The first code that is not ASCII. */
const BEYOND_ASCII = 0x80;

const NONE = -1;

const KINDS: readonly unknown[] = ["request", "notification", "cancel", "wrong"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The protocols that sessions can use in a faster way, which needs not load for the others. */
export const OWN_WIRES = new WeakMap<Protocol, (protocol: Protocol) => Wire>();

/** Returns a protocol as sessions use it, with a reader of its own. */
export function wireOf(protocol: Protocol): Wire {
  return (OWN_WIRES.get(protocol) ?? messageWire)(protocol);
}

/** Returns any protocol as sessions use it, with a reader of its own. */
export function messageWire(protocol: Protocol): Wire {
  const reader = new MessageReader(protocol);
  const idOf = (text: string) => parseJson(text) as RequestId | null;
  return {
    reader,
    response(bytes, _idAt, _idEnd, dataAt, dataEnd) {
      const answer = bytes.subarray(dataAt + 1, dataEnd);
      return bytes[dataAt] === TEXT ? decoder.decode(answer) : answer.slice();
    },
    responseAtOnce(i) {
      const answer = reader.answer(i);
      // The bytes of the frame, which an echo returns, are valid for now only.
      return typeof answer === "string" ? answer : answer.slice();
    },
    responseWith: (id, result) =>
      checkFrame(protocol.result(idOf(id), parseJson(result)), "result"),
    errorAnswer(id, details) {
      const answer = protocol.error(idOf(id), details);
      return answer === undefined ? undefined : checkFrame(answer, "error");
    },
    // Only packets share frames.
    frame: (answers) => answers.join("\n"),
    peekId: () => "null",
  };
}

/** Reads the frames of a protocol of messages. */
class MessageReader implements RequestReader {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SIZE);
  readonly isAscii = false;
  readonly isAsciiFrame = false;
  readonly #protocol: Protocol;
  #messages: readonly Message[] = [];
  /** The end of the id of each message in the bytes, where one id follows the other. */
  #idEnds: number[] = [];
  #length = 0;
  /** The message whose answer follows the ids. */
  #answered = NONE;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  get count(): number {
    return this.#messages.length;
  }

  read(frame: Frame, nth: number): void {
    if (this.bytes.length > MAX_KEPT) this.bytes = new Uint8Array(SIZE);
    this.#messages = [];
    this.#length = 0;
    this.#answered = NONE;
    const messages = this.#protocol.read(frame, nth);
    if (messages.length === 0) {
      throw new TypeError("read(): expected at least one message, got none");
    }
    for (let i = 0; i < messages.length; i++) {
      checkMessage(messages[i]!);
      this.#appendId(messages[i]!.id);
      this.#idEnds[i] = this.#length;
    }
    this.#messages = messages;
  }

  readBinary(frame: Uint8Array, nth: number): void {
    this.read(frame, nth);
  }

  /** Returns the answer to message `i`. */
  answer(i: number): Frame {
    return checkFrame(this.#protocol.answer(this.#messages[i]!), "answer");
  }

  error(i: number): ErrorDetails | undefined {
    return this.#messages[i]!.error;
  }

  isCancel(i: number): boolean {
    return this.#messages[i]!.kind === "cancel";
  }

  isNotification(i: number): boolean {
    return this.#messages[i]!.kind === "notification";
  }

  idAt(i: number): number {
    return i === 0 ? 0 : this.#idEnds[i - 1]!;
  }

  idEnd(i: number): number {
    return this.#idEnds[i]!;
  }

  idText(i: number): string {
    return JSON.stringify(this.#messages[i]!.id);
  }

  dataAt(i: number): number {
    const at = this.#idEnds[this.count - 1]!;
    if (this.#answered === i) return at;
    const answer = this.answer(i);
    this.#length = at;
    this.#makeRoom(1);
    if (typeof answer === "string") {
      this.bytes[this.#length++] = TEXT;
      this.#append(answer);
    } else {
      this.bytes[this.#length++] = BINARY;
      this.#makeRoom(answer.length);
      this.bytes.set(answer, this.#length);
      this.#length += answer.length;
    }
    this.#answered = i;
    return at;
  }

  dataEnd(i: number): number {
    this.dataAt(i);
    return this.#length;
  }

  dataText(i: number): string {
    const { value, text } = this.#messages[i]!;
    if (text !== undefined) return text;
    if (typeof value === "string") return value;
    return value instanceof Uint8Array ? value.toBase64() : JSON.stringify(value) ?? "";
  }

  value(i: number, data: string): () => unknown {
    const { value } = this.#messages[i]!;
    // The bytes of a frame are valid for now only.
    const kept = value instanceof Uint8Array ? data : value;
    return () => kept;
  }

  /** Appends an id as JSON text. */
  #appendId(id: RequestId | null): void {
    const isCopied = typeof id === "string" && id.length <= SHORT && this.#copyQuoted(id);
    if (!isCopied) this.#append(JSON.stringify(id));
  }

  /** Appends a short string as JSON text; returns false if it needs more than quotes. */
  #copyQuoted(text: string): boolean {
    this.#makeRoom(text.length + 2);
    const bytes = this.bytes;
    let end = this.#length;
    bytes[end++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < SPACE || code >= BEYOND_ASCII || code === QUOTE || code === BACKSLASH) {
        return false;
      }
      bytes[end++] = code;
    }
    bytes[end++] = QUOTE;
    this.#length = end;
    return true;
  }

  #append(text: string): void {
    this.#makeRoom(3 * text.length);
    this.#length += encoder.encodeInto(text, this.bytes.subarray(this.#length)).written;
  }

  #makeRoom(length: number): void {
    const most = this.#length + length;
    if (most <= this.bytes.length) return;
    const larger = new Uint8Array(2 * most);
    larger.set(this.bytes.subarray(0, this.#length));
    this.bytes = larger;
  }
}

/** @throws {TypeError} if the protocol of a program returned what is no message. */
function checkMessage({ kind, id, error }: Message): void {
  if (!KINDS.includes(kind)) {
    throw new TypeError(`kind: expected ${KINDS.join(", ")}, got ${shown(kind)}`);
  }
  if (id !== null && !isId(id)) {
    throw new TypeError(`id: expected a string, an integer or null, got ${shown(id)}`);
  }
  if ((kind === "wrong") !== isErrorCode(error?.code)) {
    const expected = kind === "wrong"
      ? "one of the error codes"
      : "none in a message that is right";
    throw new TypeError(`error.code: expected ${expected}, got ${shown(error?.code)}`);
  }
}

/** @throws {TypeError} if the protocol of a program returned what is no frame. */
function checkFrame(frame: Frame, method: string): Frame {
  if (typeof frame === "string" || frame as unknown instanceof Uint8Array) return frame;
  throw new TypeError(`${method}(): expected a string or a Uint8Array, got ${shown(frame)}`);
}
