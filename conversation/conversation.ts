/**
 * The server's side of one conversation, without I/O: frames and the time go in, frames come out.
 *
 * @module
 */

import type { DelayPolicy } from "../delay/policy.ts";
import type { TimingWheel } from "../delay/timing_wheel.ts";
import type { FaultKind } from "../fault/policy.ts";
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
import type { Faults } from "./faults.ts";
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
  /** Packets in a row that the peer itself has got wrong; with so many it has broken the rules. */
  wrongInARow: number;
}

/** What a peer gets wrong by itself, whatever the state of the server. */
const WRONG: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_json",
  "invalid_packet",
  "packet_too_large",
  "duplicate_request_id",
]);

/** What is told of conversations while they happen. An id is JSON text; `null` if there is none. */
export interface Events {
  /** A request was taken in, to be answered after `delay` milliseconds. */
  accepted?(id: string, delay: number): void;
  /** A request, or a frame that held none, was answered with an error. */
  refused?(id: string, fault: Fault): void;
  /** Trouble was made for a request, on purpose. */
  faulted?(id: string, kind: FaultKind): void;
  /** A fault of the server's own; the client only gets to know that it was `internal`. */
  failed?(id: string, error: unknown): void;
}

/** What all conversations of a process share. */
export interface Shared {
  readonly delays: DelayPolicy;
  readonly limits: Limits;
  readonly events: Events;
  readonly wheel: TimingWheel;
  readonly inFlight: InFlight;
  /** Trouble that is made on purpose, if any is. */
  readonly faults: Faults | undefined;
  /** Holds one frame at a time, so one is enough for all. */
  readonly reader: FrameReader;
  /** The conversations that have answers to flush. */
  readonly unsent: Conversation[];
  /** Whether new requests are refused. */
  isDraining: boolean;
  /** How many requests have been answered with a response. */
  answered: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder();

/** One conversation; {@linkcode Conversations.open} begins it. */
export class Conversation {
  /** How many of its requests are in flight. */
  inFlight = 0;
  /** Tells it from the others that are open. */
  readonly number: number;
  /** Whether the peer has got too many packets in a row wrong, so that the carrier had better end it. */
  hasBrokenRules = false;

  readonly #shared: Shared;
  readonly #send: (frame: string) => void;
  readonly #sharesFrames: boolean;
  readonly #onFault: (kind: FaultKind) => void;
  #unsent: string[] = [];
  #wrongInARow = 0;
  #isClosed = false;

  /** Called by {@linkcode Conversations.open}, which says what the parameters are. */
  constructor(
    shared: Shared,
    number: number,
    send: (frame: string) => void,
    sharesFrames: boolean,
    onFault: (kind: FaultKind) => void,
  ) {
    this.#shared = shared;
    this.number = number;
    this.#send = send;
    this.#sharesFrames = sharesFrames;
    this.#onFault = onFault;
  }

  /**
   * Takes in a frame from the peer that came at time `now`, in milliseconds: text, or bytes that hold it
   * in UTF-8. Whatever it is, it is answered, unless the conversation is closed; nothing is thrown.
   */
  receive(frame: string | Uint8Array, now: number): void {
    if (this.#isClosed) return;
    const { reader } = this.#shared;
    try {
      const text = this.#textOf(frame);
      if (text === undefined) return;
      reader.read(text);
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

  /** Answers a request of this conversation that has become due. */
  answerDue(entry: number): void {
    const { inFlight, faults } = this.#shared;
    let text: string;
    try {
      text = inFlight.response(entry, this.#sharesFrames);
    } catch (error) {
      const id = inFlight.idText(entry);
      this.#release(entry);
      return this.#fail(id, error);
    }
    this.#wrongInARow = 0;
    const fault = faults?.plannedFor(entry);
    if (fault !== undefined) return this.#answerBadly(entry, text, fault);
    this.#release(entry);
    this.#shared.answered++;
    this.#answer(text);
  }

  /** Sends the answers that waited to share a frame. */
  flush(): void {
    const texts = this.#unsent;
    if (texts.length === 0) return;
    this.#unsent = [];
    let from = 0;
    let length = 0;
    for (let i = 0; i < texts.length; i++) {
      length += texts[i]!.length;
      if (length > MAX_SHARED_FRAME && i > from) {
        this.#send(encodeFrame(texts.slice(from, i)));
        from = i;
        length = texts[i]!.length;
      }
    }
    this.#send(encodeFrame(from === 0 ? texts : texts.slice(from)));
  }

  /**
   * Drops what is in flight, and takes in no more. Called by {@linkcode Conversations.close}, which is what
   * ends one; a second time it does nothing.
   */
  close(): void {
    this.#isClosed = true;
    const { inFlight, wheel } = this.#shared;
    for (let entry = NONE; (entry = inFlight.newestOf(this.number)) !== NONE;) {
      wheel.cancel(entry);
      this.#release(entry);
    }
    this.#unsent = [];
  }

  /** Makes the trouble that a request is to meet where its answer, `text`, would have been sent. */
  #answerBadly(entry: number, text: string, kind: FaultKind): void {
    const { inFlight, faults, events } = this.#shared;
    const id = inFlight.idText(entry);
    // Before the release: a POST ends with the answer after which nothing is in flight.
    if (kind === "duplicate") this.#answer(text);
    this.#release(entry);
    faults!.note(kind, id);
    try {
      events.faulted?.(id, kind);
    } catch (error) {
      return this.#fail(id, error);
    }
    switch (kind) {
      case "drop":
        break;
      case "error":
        this.#answer(encodeError(id, { code: "internal", message: ERRORS.internal }));
        break;
      case "duplicate":
      case "late":
        this.#answer(text);
        break;
      case "garbage":
        // Alone in its frame, so that it spoils no other answer.
        this.#send(text.slice(0, text.length / 2));
        break;
      case "disconnect":
        this.flush();
        this.close();
        break;
    }
    this.#onFault(kind);
  }

  #textOf(frame: string | Uint8Array): string | undefined {
    const limit = this.#shared.limits.packetSize;
    // Each UTF-16 unit is one to three bytes, so most frames need no closer look.
    if (frame.length > limit || (3 * frame.length > limit && byteLength(frame) > limit)) {
      const head = typeof frame === "string"
        ? frame
        : lenientDecoder.decode(frame.subarray(0, 4096));
      const id = JSON.stringify(peekId(head));
      this.#refuse(id, "packet_too_large", `the frame is longer than ${limit} bytes`);
      return undefined;
    }
    if (typeof frame === "string") return frame;
    try {
      return decoder.decode(frame);
    } catch {
      this.#refuse("null", "invalid_json", "the binary frame is not UTF-8");
      return undefined;
    }
  }

  #take(i: number, now: number): void {
    const { reader, inFlight, wheel, limits, events, delays, faults } = this.#shared;
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
    const fault = faults?.kindFor(bytes, idAt, idEnd);
    events.accepted?.(reader.idText(i), delay);
    this.#wrongInARow = 0;
    if (delay === 0 && fault === undefined) {
      const told = this.#sharesFrames ? 0 : NO_DELAY;
      this.#shared.answered++;
      return this.#answer(responseText(bytes, idAt, idEnd, dataAt, dataEnd, isAscii, told));
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
    this.inFlight++;
    try {
      const later = faults === undefined ? 0 : faults.plan(entry, fault);
      wheel.add(entry, now + delay + later);
    } catch (error) {
      // It would never fall due: there is no memory for more.
      this.#release(entry);
      throw error;
    }
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
    this.#answer(encodeError(id, fault));
  }

  #refuse(id: string, code: ErrorCode, message: string = ERRORS[code]): void {
    const fault = { code, message };
    const { events, limits } = this.#shared;
    if (WRONG.has(code) && ++this.#wrongInARow >= limits.wrongInARow) this.hasBrokenRules = true;
    events.refused?.(id, fault);
    this.#answer(encodeError(id, fault));
  }

  #answer(text: string): void {
    if (!this.#sharesFrames) return this.#send(text);
    if (this.#unsent.push(text) === 1) this.#shared.unsent.push(this);
  }
}

function byteLength(frame: string | Uint8Array): number {
  return typeof frame === "string" ? encoder.encode(frame).length : frame.length;
}
