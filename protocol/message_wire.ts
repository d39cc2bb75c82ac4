/**
 * A protocol of messages as sessions use it.
 *
 * A request is answered with what {@linkcode Protocol.answer} returned when it arrived: that is what
 * the bytes of its data are.
 *
 * @module
 */

import type { Message, Protocol } from "./message.ts";
import type { ErrorDetails, RequestId } from "./packet.ts";
import { parseJson } from "./parse_json.ts";
import type { Frame, RequestReader, Wire } from "./wire.ts";

/** Room after the data that its users may overwrite. */
const MARGIN = 2;

/** The first byte of the data says whether the answer is text or a binary frame. */
const TEXT = 0;
const BINARY = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Returns a protocol as sessions use it, with a reader of its own. */
export function messageWire(protocol: Protocol): Wire {
  const idOf = (text: string) => parseJson(text) as RequestId | null;
  return {
    reader: new MessageReader(protocol),
    response(bytes, _idAt, _idEnd, dataAt, dataEnd) {
      const answer = bytes.subarray(dataAt + 1, dataEnd);
      return bytes[dataAt] === TEXT ? decoder.decode(answer) : answer.slice();
    },
    responseWith: (id, result) => protocol.result(idOf(id), parseJson(result)),
    errorAnswer: (id, details) => protocol.error(idOf(id), details),
    // Only packets share frames.
    frame: (answers) => answers.join("\n"),
    peekId: () => "null",
    valueOf: (data) => {
      try {
        return parseJson(data);
      } catch {
        return data;
      }
    },
  };
}

interface Noted {
  readonly message: Message;
  readonly idAt: number;
  readonly idEnd: number;
  readonly dataEnd: number;
}

/** Reads the frames of a protocol of messages. */
class MessageReader implements RequestReader {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  isAscii = true;
  readonly isAsciiFrame = false;
  readonly #protocol: Protocol;
  #noted: Noted[] = [];
  #length = 0;

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  get count(): number {
    return this.#noted.length;
  }

  read(frame: string, nth: number): void {
    this.#note(this.#protocol.read(frame, nth));
  }

  readBinary(frame: Uint8Array, nth: number): void {
    this.#note(this.#protocol.read(frame, nth));
  }

  error(i: number): ErrorDetails | undefined {
    return this.#noted[i]!.message.error;
  }

  isCancel(i: number): boolean {
    return this.#noted[i]!.message.kind === "cancel";
  }

  isNotification(i: number): boolean {
    return this.#noted[i]!.message.kind === "notification";
  }

  idAt(i: number): number {
    return this.#noted[i]!.idAt;
  }

  idEnd(i: number): number {
    return this.#noted[i]!.idEnd;
  }

  idText(i: number): string {
    return JSON.stringify(this.#noted[i]!.message.id);
  }

  dataAt(i: number): number {
    return this.#noted[i]!.idEnd;
  }

  dataEnd(i: number): number {
    return this.#noted[i]!.dataEnd;
  }

  dataText(i: number): string {
    const { value } = this.#noted[i]!.message;
    if (typeof value === "string") return value;
    return value instanceof Uint8Array ? value.toBase64() : JSON.stringify(value);
  }

  #note(messages: readonly Message[]): void {
    this.#noted = [];
    this.#length = 0;
    this.isAscii = true;
    for (const message of messages) {
      const idAt = this.#length;
      this.#append(JSON.stringify(message.id));
      const idEnd = this.#length;
      if (message.kind === "request") this.#appendAnswer(this.#protocol.answer(message));
      this.#noted.push({ message, idAt, idEnd, dataEnd: this.#length });
      this.#length += MARGIN;
    }
  }

  #appendAnswer(answer: Frame): void {
    this.#makeRoom(1);
    this.bytes[this.#length++] = typeof answer === "string" ? TEXT : BINARY;
    if (typeof answer === "string") return this.#append(answer);
    this.#makeRoom(answer.length);
    this.bytes.set(answer, this.#length);
    this.#length += answer.length;
    this.isAscii = false;
  }

  #append(text: string): void {
    this.#makeRoom(3 * text.length);
    const { written } = encoder.encodeInto(text, this.bytes.subarray(this.#length));
    if (written !== text.length) this.isAscii = false;
    this.#length += written;
  }

  #makeRoom(length: number): void {
    const most = this.#length + length + MARGIN;
    if (most <= this.bytes.length) return;
    const larger = new Uint8Array(2 * most);
    larger.set(this.bytes.subarray(0, this.#length));
    this.bytes = larger;
  }
}
