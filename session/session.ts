/**
 * The server's side of one session, without I/O: frames and the time go in, frames come out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { DelayPolicy } from "./delays.ts";
import type { TimingWheel } from "./timing_wheel.ts";
import type { FaultKind } from "./fault_policy.ts";
import {
  encodeError,
  encodeFrame,
  type ErrorCode,
  type ErrorDetails,
  ERRORS,
  type FrameReader,
  NO_DELAY,
  peekId,
  responseText,
} from "../protocol.ts";
import type { Counters } from "./counters.ts";
import type { Crew } from "./crew.ts";
import type { Elsewhere, HandedOver } from "./responder.ts";
import type { Faults } from "./faults.ts";
import type { InFlight } from "./request_table.ts";

const NONE = -1;

/** Answers that share a frame share it up to about this many UTF-16 units. */
const MAX_SHARED_FRAME = 1 << 20;

/** How much a server takes in. */
export interface Limits {
  /** The longest frame, in bytes of UTF-8. */
  maxPacketSize: number;
  /** Requests in flight on one connection. */
  inFlight: number;
  /** Requests in flight on all connections together. */
  maxInFlightTotal: number;
  /** Packets in a row that the peer itself has got wrong; with so many it has broken the rules. */
  maxConsecutiveErrors: number;
}

/** What a peer gets wrong by itself, whatever the state of the server. */
const WRONG: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_json",
  "invalid_packet",
  "packet_too_large",
  "duplicate_request_id",
]);

/** What is told of sessions while they happen. An id is JSON text; `null` if there is none. */
export interface Events {
  /** A request was taken in, to be answered after `delay` milliseconds. */
  accepted?(id: string, delay: number): void;
  /** A request, or a frame that held none, was answered with an error. */
  refused?(id: string, fault: ErrorDetails): void;
  /** Trouble was made for a request, on purpose. */
  faulted?(id: string, kind: FaultKind): void;
  /** A fault of the server's own; the client only gets to know that it was `internal`. */
  failed?(id: string, error: unknown): void;
}

/** What all sessions of a process share. */
export interface Shared {
  readonly delays: DelayPolicy;
  readonly limits: Limits;
  readonly events: Events;
  readonly counters: Counters;
  /** Those who share the limits in all, if there are any. */
  readonly crew: Crew | undefined;
  readonly wheel: TimingWheel;
  readonly inFlight: InFlight;
  /** Trouble that is made on purpose, if any is. */
  readonly faults: Faults | undefined;
  /** Holds one frame at a time, so one is enough for all. */
  readonly reader: FrameReader;
  /** Who converts the requests, if not this process. */
  readonly elsewhere: Elsewhere | undefined;
  readonly handedOver: HandedOver;
  /** The sessions that have answers to flush. */
  readonly unsent: Session[];
  /** Whether new requests are refused. */
  isDraining: boolean;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder();

/** One session; {@linkcode Sessions.open} begins it. */
export class Session {
  /** How many of its requests are in flight. */
  inFlight = 0;
  /** Tells it from the others that are open. */
  readonly number: number;
  /** Whether the peer has got too many packets in a row wrong, so that the carrier had better end it. */
  hasBrokenRules = false;

  readonly #shared: Shared;
  readonly #send: (frame: string) => void;
  readonly #batched: boolean;
  readonly #onFault: (kind: FaultKind) => void;
  #unsent: string[] = [];
  #isUnsentAscii = true;
  #maxConsecutiveErrors = 0;
  #isClosed = false;
  /** How many requests were handed over and do not count as accepted yet. */
  #unaccepted = 0;
  #decided: PromiseWithResolvers<void> | undefined;

  /** Called by {@linkcode Sessions.open}, which says what the parameters are. */
  constructor(
    shared: Shared,
    number: number,
    send: (frame: string) => void,
    batched: boolean,
    onFault: (kind: FaultKind) => void,
  ) {
    this.#shared = shared;
    this.number = number;
    this.#send = send;
    this.#batched = batched;
    this.#onFault = onFault;
  }

  /**
   * Takes in a frame from the peer that came at time `now`, in milliseconds: text, or bytes that hold it
   * in UTF-8. Whatever it is, it is answered, unless the session is closed; nothing is thrown.
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

  /** Answers a request of this session that has become due, or will once it is converted. */
  answerDue(entry: number, due: number, now: number): void {
    const { inFlight, counters, faults, elsewhere, handedOver } = this.#shared;
    const isAscii = inFlight.isAscii(entry);
    let text: string;
    try {
      if (elsewhere === undefined) {
        text = inFlight.response(entry, this.#batched);
      } else {
        handedOver.setDue(entry, due);
        const representation = handedOver.representation(entry);
        if (representation === undefined) return;
        text = inFlight.responseOf(entry, representation, this.#batched);
      }
    } catch (error) {
      const id = inFlight.idText(entry);
      this.#release(entry);
      return this.#fail(id, error);
    }
    this.#maxConsecutiveErrors = 0;
    const fault = faults?.plannedFor(entry);
    if (fault !== undefined) return this.#answerBadly(entry, text, isAscii, fault);
    this.#release(entry);
    counters.answered++;
    counters.lateness.add(now - due);
    this.#answer(text, isAscii);
  }

  /** A request that was handed over counts as accepted. */
  accept(entry: number, ticket: number): void {
    const { inFlight, events, counters, handedOver } = this.#shared;
    handedOver.accept(entry, ticket);
    counters.delays.add(inFlight.delay(entry));
    this.#decideOne();
    this.#maxConsecutiveErrors = 0;
    try {
      events.accepted?.(inFlight.idText(entry), inFlight.delay(entry));
    } catch (error) {
      this.fail(entry, error);
    }
  }

  /** A request that was handed over was not taken on. */
  refuse(entry: number): void {
    const id = this.#shared.inFlight.idText(entry);
    this.#drop(entry);
    this.#refuse(id, "overloaded");
  }

  /** A request that was handed over was converted, be it due or not. */
  convert(entry: number, representation: string, now: number): void {
    const { handedOver } = this.#shared;
    handedOver.setRepresentation(entry, representation);
    if (handedOver.isDue(entry)) this.answerDue(entry, handedOver.due(entry), now);
  }

  /** A fault that is not the peer's keeps a request from being answered. */
  fail(entry: number, error: unknown): void {
    const id = this.#shared.inFlight.idText(entry);
    this.#drop(entry);
    this.#fail(id, error);
  }

  /** Resolves once it is decided of all requests whether they are accepted; undefined if it is. */
  get decided(): Promise<void> | undefined {
    if (this.#unaccepted === 0) return undefined;
    return (this.#decided ??= Promise.withResolvers()).promise;
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

  /**
   * Drops what is in flight, and takes in no more. Called by {@linkcode Sessions.close}, which is what
   * ends one; a second time it does nothing.
   */
  close(): void {
    this.#isClosed = true;
    const { inFlight, counters } = this.#shared;
    counters.dropped += this.inFlight;
    for (let entry = NONE; (entry = inFlight.newestOf(this.number)) !== NONE;) this.#drop(entry);
    this.#unsent = [];
  }

  /** Makes the trouble that a request is to meet where its answer, `text`, would have been sent. */
  #answerBadly(entry: number, text: string, isAscii: boolean, kind: FaultKind): void {
    const { inFlight, faults, events, counters } = this.#shared;
    const id = inFlight.idText(entry);
    // Before the release: a POST ends with the answer after which nothing is in flight.
    if (kind === "duplicate") this.#answer(text, isAscii);
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
        this.#answerError(id, { code: "internal", message: ERRORS.internal });
        break;
      case "duplicate":
      case "late":
        counters.answered++;
        this.#answer(text, isAscii);
        break;
      case "garbage":
        // Alone in its frame, so that it spoils no other answer.
        this.#sendFrame(text.slice(0, text.length / 2), isAscii);
        break;
      case "disconnect":
        this.flush();
        this.close();
        break;
    }
    this.#onFault(kind);
  }

  #textOf(frame: string | Uint8Array): string | undefined {
    const { limits, counters } = this.#shared;
    const limit = limits.maxPacketSize;
    // Each UTF-16 unit is one to three bytes, so most frames need no closer look.
    if (frame.length > limit || (3 * frame.length > limit && Buffer.byteLength(frame) > limit)) {
      counters.bytesIn += Buffer.byteLength(frame);
      const head = typeof frame === "string"
        ? frame
        : lenientDecoder.decode(frame.subarray(0, 4096));
      const id = JSON.stringify(peekId(head));
      this.#refuse(id, "packet_too_large", `the frame is longer than ${limit} bytes`, limit);
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
    const { reader, inFlight, wheel, limits, events, counters, delays, faults, crew, elsewhere } =
      this.#shared;
    const error = reader.error(i);
    if (error !== undefined) {
      return this.#refuse(reader.idText(i), error.error.code, error.error.message);
    }
    if (reader.isCancel(i)) return this.#cancel(i);
    if (this.#shared.isDraining) return this.#refuse(reader.idText(i), "shutting_down");
    const inAll = inFlight.size + (crew === undefined ? 0 : crew.inFlightOfOthers(now));
    if (this.inFlight >= limits.maxInFlight || inAll >= limits.maxInFlightTotal) {
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
    if (elsewhere !== undefined) return this.#handOver(i, delay, fault, now, elsewhere);
    events.accepted?.(reader.idText(i), delay);
    counters.delays.add(delay);
    this.#maxConsecutiveErrors = 0;
    if (delay === 0 && fault === undefined) {
      counters.answered++;
      counters.lateness.add(0);
      const told = this.#batched ? 0 : NO_DELAY;
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

  /** The request is in flight at once, so that its id is taken, and counts as accepted later. */
  #handOver(
    i: number,
    delay: number,
    fault: FaultKind | undefined,
    now: number,
    elsewhere: Elsewhere,
  ): void {
    const { reader, inFlight, wheel, faults, handedOver } = this.#shared;
    const { bytes, isAscii } = reader;
    const dataAt = reader.dataAt(i);
    const dataEnd = reader.dataEnd(i);
    if (!elsewhere.hasRoom) return this.#refuse(reader.idText(i), "overloaded");
    if (dataEnd - dataAt > elsewhere.longest) {
      const message = `the data is longer than ${elsewhere.longest} bytes`;
      return this.#refuse(reader.idText(i), "packet_too_large", message);
    }
    const [idAt, idEnd] = [reader.idAt(i), reader.idEnd(i)];
    // Of the data, no copy is needed here.
    const entry = inFlight.add(this.number, bytes, idAt, idEnd, 0, 0, isAscii, delay);
    this.inFlight++;
    this.#unaccepted++;
    const key = handedOver.add(entry);
    try {
      const later = faults === undefined ? 0 : faults.plan(entry, fault);
      if (delay + later === 0) handedOver.setDue(entry, now);
      else wheel.add(entry, now + delay + later);
    } catch (error) {
      // As where it is not handed over: there is no memory for more.
      this.#release(entry);
      throw error;
    }
    elsewhere.take(key, bytes, dataAt, dataEnd, delay);
  }

  #cancel(i: number): void {
    const { reader, inFlight } = this.#shared;
    const entry = inFlight.find(this.number, reader.bytes, reader.idAt(i), reader.idEnd(i));
    if (entry === NONE) return;
    this.#drop(entry);
    this.#refuse(reader.idText(i), "cancelled");
  }

  /** Takes a request out, wherever it is, that is not going to be answered with a response. */
  #drop(entry: number): void {
    const { wheel, elsewhere, handedOver } = this.#shared;
    if (elsewhere === undefined) {
      wheel.cancel(entry);
    } else {
      if (!handedOver.isDue(entry)) wheel.cancel(entry);
      const ticket = handedOver.ticket(entry);
      if (ticket !== NONE) elsewhere.drop(ticket);
    }
    this.#release(entry);
  }

  #release(entry: number): void {
    const { inFlight, elsewhere, handedOver } = this.#shared;
    if (elsewhere !== undefined) {
      if (!handedOver.isAccepted(entry)) this.#decideOne();
      handedOver.remove(entry);
    }
    inFlight.remove(entry);
    this.inFlight--;
  }

  #decideOne(): void {
    if (--this.#unaccepted > 0) return;
    this.#decided?.resolve();
    this.#decided = undefined;
  }

  #fail(id: string, error: unknown): void {
    const { events } = this.#shared;
    const fault: ErrorDetails = { code: "internal", message: ERRORS.internal };
    try {
      events.failed?.(id, error);
      events.refused?.(id, fault);
    } catch {
      // It is the events that are at fault; the peer gets its answer all the same.
    }
    this.#answerError(id, fault);
  }

  #refuse(
    id: string,
    code: ErrorCode,
    message: string = ERRORS[code],
    limit?: number,
  ): void {
    const fault: ErrorDetails = limit === undefined ? { code, message } : { code, message, limit };
    const { events, limits } = this.#shared;
    if (WRONG.has(code) && ++this.#maxConsecutiveErrors >= limits.maxConsecutiveErrors) {
      this.hasBrokenRules = true;
    }
    events.refused?.(id, fault);
    this.#answerError(id, fault);
  }

  #answerError(id: string, fault: ErrorDetails): void {
    this.#shared.counters.errors[fault.code]++;
    this.#answer(encodeError(id, fault), false);
  }

  /** @param isAscii whether it is known that all of the text is. */
  #answer(text: string, isAscii: boolean): void {
    if (!this.#batched) return this.#sendFrame(text, isAscii);
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
