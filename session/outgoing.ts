/**
 * Sends the answers of one session, in plain mode each at once, in `asyncpkt.v1` in shared frames.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ErrorDetails } from "../protocol.ts";
import {
  type AsciiResponse,
  type AsciiText,
  type Frame,
  frameOf,
  isAsciiText,
  type WrittenResponse,
} from "../protocol/wire.ts";
import { type Carrier, detailsOf, type SessionContext } from "./context.ts";
import type { TransportFault } from "./faults.ts";

/**
 * Length that answers in a shared frame have together at most, in UTF-16 units. With its header, such a
 * frame of ASCII fits into one buffer of a transport, and into one of those below.
 */
const MAX_SHARED_FRAME = (1 << 16) - 32;

const COMMA = 0x2c;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

/** Size of the buffers that are kept for shared frames, in bytes, and how many are kept. */
const BUFFER = 1 << 16;
const MAX_POOL = 64;

/** Up to so many bytes, a loop copies faster than `set()`. */
const SHORT = 256;

/** Buffers that no shared frame uses: a session without answers needs none. */
const pool: DataView<ArrayBuffer>[] = [];

const decoder = new TextDecoder();

/** Answers on their way to a carrier. */
export class Outgoing {
  readonly #context: SessionContext;
  readonly #carrier: Carrier;
  /** Whether answers wait to share a frame. */
  readonly #batched: boolean;
  #unsent: string[] = [];
  #isUnsentAscii = true;
  /** The start of a shared frame in ASCII: a bracket, and answers with commas between them. */
  #shared: DataView<ArrayBuffer> | undefined;
  #length = 0;
  #count = 0;

  constructor(context: SessionContext, carrier: Carrier, batched: boolean) {
    this.#context = context;
    this.#carrier = carrier;
    this.#batched = batched;
  }

  /** @param isAscii whether the answer is known to be ASCII. */
  answer(answer: WrittenResponse, isAscii: boolean): void {
    if (isAsciiText(answer)) {
      if (this.#batched && this.#unsent.length === 0) return this.#share(answer);
      if (!this.#batched && this.#carrier.sendAscii !== undefined) {
        return this.#sendAscii(answer.bytes, answer.at, answer.at + answer.length);
      }
    }
    const frame = frameOf(answer);
    if (!this.#batched || typeof frame !== "string") return this.sendFrame(frame, isAscii);
    if (this.#count > 0) this.#unshare();
    this.#isUnsentAscii &&= isAscii;
    if (this.#unsent.push(frame) === 1) this.#context.unsent.push(this);
  }

  /** Answers with an error, if the protocol has answers for errors. */
  answerError(id: string, details: ErrorDetails): void {
    const { counters, wire, events } = this.#context;
    counters.errors[details.code]++;
    let answer: Frame | undefined;
    try {
      answer = wire.errorAnswer(id, details);
    } catch (error) {
      try {
        events.failed?.(id, error);
      } catch {
        // The event fails as well.
      }
    }
    if (answer === undefined) this.#carrier.dropped?.();
    else this.answer(answer, false);
  }

  /** Reports a request that has its response. An error of the event is only reported. */
  reportAnswered(id: string, elapsed: number): void {
    const { events } = this.#context;
    try {
      events.answered?.(id, elapsed);
    } catch (error) {
      try {
        events.failed?.(id, error);
      } catch {
        // The event fails; the peer has its answer.
      }
    }
  }

  /** Answers `internal` for an error of the server. */
  fail(id: string, error: unknown): void {
    const { events } = this.#context;
    const details = detailsOf("internal");
    try {
      events.failed?.(id, error);
      events.refused?.(id, details);
    } catch {
      // The event fails; the peer still gets its answer.
    }
    this.answerError(id, details);
  }

  /** Sends a frame in the way of a fault, if the carrier can, or else as an answer. */
  sendFaulty(kind: TransportFault, frame: Frame, isAscii: boolean, parameter?: number): void {
    if (this.#carrier.sendFaulty === undefined) return this.answer(frame, isAscii);
    this.#context.counters.bytesOut += byteLength(frame, isAscii);
    this.#carrier.sendFaulty(kind, frame, parameter);
  }

  sendFrame(frame: Frame, isAscii: boolean): void {
    this.#context.counters.bytesOut += byteLength(frame, isAscii);
    if (typeof frame === "string") this.#carrier.send(frame);
    else this.#carrier.sendBinary?.(frame);
  }

  /** Sends the answers that waited to share a frame. */
  flush(): void {
    if (this.#count > 0) this.#flushShared();
    const texts = this.#unsent;
    if (texts.length === 0) return;
    const isAscii = this.#isUnsentAscii;
    this.#unsent = [];
    this.#isUnsentAscii = true;
    let from = 0;
    let length = 0;
    for (let i = 0; i < texts.length; i++) {
      length += texts[i]!.length;
      if (length > MAX_SHARED_FRAME && i > from) {
        this.sendFrame(this.#context.wire.frame(texts.slice(from, i)), isAscii);
        from = i;
        length = texts[i]!.length;
      }
    }
    this.sendFrame(this.#context.wire.frame(from === 0 ? texts : texts.slice(from)), isAscii);
  }

  /** Forgets the answers that were not sent. */
  clear(): void {
    this.#unsent = [];
    this.#takeShared();
  }

  /** One string of a whole frame costs less than one of each answer. */
  #sendAscii(bytes: Uint8Array, at: number, end: number): void {
    this.#context.counters.bytesOut += end - at;
    if (this.#carrier.sendAscii !== undefined) this.#carrier.sendAscii(bytes, at, end);
    else {this.#carrier.send(
        Buffer.from(bytes.buffer as ArrayBuffer, at, end - at).toString("latin1"),
      );}
  }

  /** Adds an answer to the shared frame. */
  #share({ bytes, view, at: from, length }: AsciiResponse): void {
    if (this.#length + length > MAX_SHARED_FRAME && this.#count > 0) this.#flushShared();
    const shared = this.#reserve(length);
    shared.setUint8(this.#length, this.#count === 0 ? BRACKET_OPEN : COMMA);
    const at = this.#length + 1;
    if (length > SHORT) {
      new Uint8Array(shared.buffer).set(bytes.subarray(from, from + length), at);
    } else {
      // Up to three bytes too many, which what follows overwrites.
      for (let i = 0; i < length; i += 4) {
        shared.setInt32(at + i, view.getInt32(from + i, true), true);
      }
    }
    this.#length = at + length;
    if (++this.#count === 1) this.#context.unsent.push(this);
  }

  /** Returns the shared frame, with room for an answer. */
  #reserve(length: number): DataView<ArrayBuffer> {
    const needed = this.#length + 1 + length + 3;
    let shared = this.#shared;
    if (shared === undefined && needed <= BUFFER) shared = pool.pop();
    if (shared === undefined || shared.byteLength < needed) {
      const larger = new Uint8Array(Math.max(BUFFER, 2 * needed));
      if (shared !== undefined) {
        larger.set(new Uint8Array(shared.buffer, 0, this.#length));
        release(shared);
      }
      shared = new DataView(larger.buffer);
    }
    return this.#shared = shared;
  }

  #flushShared(): void {
    const isSingle = this.#count === 1;
    const shared = this.#shared!;
    let end = this.#length;
    if (!isSingle) shared.setUint8(end++, BRACKET_CLOSE);
    this.#takeShared();
    this.#sendAscii(new Uint8Array(shared.buffer), isSingle ? 1 : 0, end);
  }

  /** Turns the shared frame into a text, for an answer that is not ASCII. */
  #unshare(): void {
    this.#unsent.push(decoder.decode(new Uint8Array(this.#shared!.buffer, 1, this.#length - 1)));
    this.#takeShared();
  }

  #takeShared(): void {
    if (this.#shared !== undefined) release(this.#shared);
    this.#shared = undefined;
    this.#length = this.#count = 0;
  }
}

function release(buffer: DataView<ArrayBuffer>): void {
  if (buffer.byteLength === BUFFER && pool.length < MAX_POOL) pool.push(buffer);
}

/** `Buffer.byteLength()` of a small frame costs a tenth of answering it. */
export function byteLength(frame: Frame | AsciiText, isAscii = false): number {
  return isAscii || isAsciiText(frame) ? frame.length : Buffer.byteLength(frame);
}
