/**
 * The server's side of one conversation, without I/O: frames and the time go in, frames come out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { DelayPolicy } from "../delay/policy.ts";
import type { TimingWheel } from "../delay/timing_wheel.ts";
import {
  encodeError,
  encodeFrame,
  type ErrorCode,
  ERRORS,
  type Fault,
  type FrameReader,
  NO_DELAY,
  peekId,
  responseText,
} from "../protocol.ts";
import type { Counters } from "./counters.ts";
import type { InFlight } from "./in_flight.ts";

const NONE = -1;

/** Answers that share a frame share it up to about this many UTF-16 units. */
const MAX_SHARED_FRAME = 1 << 20;

/** How much a server takes in. */
export interface Limits {
  /** The longest frame, in bytes of UTF-8. */
  packetSize: number;
  /** Requests in flight on one connection. */
  inFlight: number;
  /** Requests in flight on all connections together. */
  inFlightInAll: number;
}

/** What is told of conversations while they happen. An id is JSON text; `null` if there is none. */
export interface Events {
  /** A request was taken in, to be answered after `delay` milliseconds. */
  accepted?(id: string, delay: number): void;
  /** A request, or a frame that held none, was answered with an error. */
  refused?(id: string, fault: Fault): void;
  /** A fault of the server's own; the client only gets to know that it was `internal`. */
  failed?(id: string, error: unknown): void;
}

/** What all conversations of a process share. */
export interface Shared {
  readonly delays: DelayPolicy;
  readonly limits: Limits;
  readonly events: Events;
  readonly counters: Counters;
  readonly wheel: TimingWheel;
  readonly inFlight: InFlight;
  /** Holds one frame at a time, so one is enough for all. */
  readonly reader: FrameReader;
  /** The conversations that have answers to flush. */
  readonly unsent: Conversation[];
  /** Whether new requests are refused. */
  isDraining: boolean;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder();

/** One conversation; {@linkcode Conversations.open} begins it. */
export class Conversation {
  /** How many of its requests are in flight. */
  inFlight = 0;
  /** Tells it from the others that are open. */
  readonly number: number;

  readonly #shared: Shared;
  readonly #send: (frame: string) => void;
  readonly #sharesFrames: boolean;
  #unsent: string[] = [];
  #isUnsentAscii = true;
  #isClosed = false;

  /** Called by {@linkcode Conversations.open}, which says what the parameters are. */
  constructor(
    shared: Shared,
    number: number,
    send: (frame: string) => void,
    sharesFrames: boolean,
  ) {
    this.#shared = shared;
    this.number = number;
    this.#send = send;
    this.#sharesFrames = sharesFrames;
  }

  /**
   * Takes in a frame from the peer that came at time `now`, in milliseconds: text, or bytes that hold it
   * in UTF-8. Whatever it is, it is answered, unless the conversation is closed; nothing is thrown.
   */
  receive(frame: string | Uint8Array, now: number): void {
    if (this.#isClosed) return;
    const { reader, counters } = this.#shared;
    try {
      const text = this.#textOf(frame);
      if (text === undefined) return;
      reader.read(text);
      if (text === frame) counters.bytesIn += byteLength(text, reader.isAsciiFrame);
    } catch (error) {
      return this.#fail("null", error);
    }
    for (let i = 0; i < reader.count; i++) {
      try {
        this.#take(i, now);
      } catch (error) {
        this.#fail(reader.idText(i), error);
      }
    }
  }

  /** Answers a request of this conversation that has become due, `lateness` milliseconds ago. */
  answerDue(entry: number, lateness: number): void {
    const { inFlight, counters } = this.#shared;
    const isAscii = inFlight.isAscii(entry);
    let text: string;
    try {
      text = inFlight.response(entry, this.#sharesFrames);
    } catch (error) {
      const id = inFlight.idText(entry);
      this.#release(entry);
      return this.#fail(id, error);
    }
    this.#release(entry);
    counters.answered++;
    counters.lateness.add(lateness);
    this.#answer(text, isAscii);
  }

  /** Sends the answers that waited to share a frame. */
  flush(): void {
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
        this.#sendFrame(encodeFrame(texts.slice(from, i)), isAscii);
        from = i;
        length = texts[i]!.length;
      }
    }
    this.#sendFrame(encodeFrame(from === 0 ? texts : texts.slice(from)), isAscii);
  }

  /** Drops what is in flight. Called by {@linkcode Conversations.close}, which is what ends one. */
  close(): void {
    this.#isClosed = true;
    const { inFlight, wheel, counters } = this.#shared;
    counters.dropped += this.inFlight;
    for (let entry = NONE; (entry = inFlight.newestOf(this.number)) !== NONE;) {
      wheel.cancel(entry);
      this.#release(entry);
    }
    this.#unsent = [];
  }

  #textOf(frame: string | Uint8Array): string | undefined {
    const { limits, counters } = this.#shared;
    const limit = limits.packetSize;
    // Each UTF-16 unit is one to three bytes, so most frames need no closer look.
    if (frame.length > limit || (3 * frame.length > limit && Buffer.byteLength(frame) > limit)) {
      counters.bytesIn += Buffer.byteLength(frame);
      const head = typeof frame === "string"
        ? frame
        : lenientDecoder.decode(frame.subarray(0, 4096));
      const id = JSON.stringify(peekId(head));
      this.#refuse(id, "packet_too_large", `the frame is longer than ${limit} bytes`);
      return undefined;
    }
    if (typeof frame === "string") return frame;
    counters.bytesIn += frame.length;
    try {
      return decoder.decode(frame);
    } catch {
      this.#refuse("null", "invalid_json", "the binary frame is not UTF-8");
      return undefined;
    }
  }

  #take(i: number, now: number): void {
    const { reader, inFlight, wheel, limits, events, counters, delays } = this.#shared;
    const error = reader.error(i);
    if (error !== undefined) {
      return this.#refuse(reader.idText(i), error.error.code, error.error.message);
    }
    if (reader.isCancel(i)) return this.#cancel(i);
    if (this.#shared.isDraining) return this.#refuse(reader.idText(i), "shutting_down");
    if (this.inFlight >= limits.inFlight || inFlight.size >= limits.inFlightInAll) {
      return this.#refuse(reader.idText(i), "overloaded");
    }
    const { bytes, isAscii } = reader;
    const idAt = reader.idAt(i);
    const idEnd = reader.idEnd(i);
    if (this.inFlight > 0 && inFlight.find(this.number, bytes, idAt, idEnd) !== NONE) {
      return this.#refuse(reader.idText(i), "duplicate_request_id");
    }

    const dataAt = reader.dataAt(i);
    const dataEnd = reader.dataEnd(i);
    const delay = delays.delayOf(bytes, idAt, idEnd);
    events.accepted?.(reader.idText(i), delay);
    counters.delays.add(delay);
    if (delay === 0) {
      counters.answered++;
      counters.lateness.add(0);
      const told = this.#sharesFrames ? 0 : NO_DELAY;
      const text = responseText(bytes, idAt, idEnd, dataAt, dataEnd, isAscii, told);
      return this.#answer(text, isAscii);
    }
    const entry = inFlight.add(
      this.number,
      bytes,
      idAt,
      idEnd,
      dataAt,
      dataEnd,
      isAscii,
      delay,
    );
    wheel.add(entry, now + delay);
    this.inFlight++;
  }

  #cancel(i: number): void {
    const { reader, inFlight, wheel } = this.#shared;
    const entry = inFlight.find(this.number, reader.bytes, reader.idAt(i), reader.idEnd(i));
    if (entry === NONE) return;
    wheel.cancel(entry);
    this.#release(entry);
    this.#refuse(reader.idText(i), "cancelled");
  }

  #release(entry: number): void {
    this.#shared.inFlight.remove(entry);
    this.inFlight--;
  }

  #fail(id: string, error: unknown): void {
    const { events } = this.#shared;
    const fault: Fault = { code: "internal", message: ERRORS.internal };
    try {
      events.failed?.(id, error);
      events.refused?.(id, fault);
    } catch {
      // It is the events that are at fault; the peer gets its answer all the same.
    }
    this.#answerError(id, fault);
  }

  #refuse(id: string, code: ErrorCode, message: string = ERRORS[code]): void {
    const fault = { code, message };
    this.#shared.events.refused?.(id, fault);
    this.#answerError(id, fault);
  }

  #answerError(id: string, fault: Fault): void {
    this.#shared.counters.errors[fault.code]++;
    this.#answer(encodeError(id, fault), false);
  }

  /** @param isAscii whether it is known that all of the text is. */
  #answer(text: string, isAscii: boolean): void {
    if (!this.#sharesFrames) return this.#sendFrame(text, isAscii);
    this.#isUnsentAscii &&= isAscii;
    if (this.#unsent.push(text) === 1) this.#shared.unsent.push(this);
  }

  #sendFrame(frame: string, isAscii: boolean): void {
    this.#shared.counters.bytesOut += byteLength(frame, isAscii);
    this.#send(frame);
  }
}

/** To look through a small frame for what is not ASCII costs a tenth of answering it. */
function byteLength(frame: string, isAscii: boolean): number {
  return isAscii ? frame.length : Buffer.byteLength(frame);
}
