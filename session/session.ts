/**
 * The server's side of one connection, without I/O: frames and times go in, frames come out.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  encodeError,
  encodeFrame,
  type ErrorCode,
  type ErrorDetails,
  ERRORS,
} from "../protocol.ts";
import { peekId } from "../protocol/packet.ts";
import type { Carrier, SessionContext } from "./context.ts";
import {
  ANSWERING_FAULTS,
  ENDING_FAULTS,
  type FaultKind,
  FAULTS,
  type TransportFault,
} from "./faults.ts";

const NONE = -1;

/** Length that answers in a shared frame have together at most, in UTF-16 units. */
const MAX_SHARED_FRAME = 1 << 20;

/** Errors that only the peer causes. */
const PEER_ERRORS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_json",
  "invalid_packet",
  "packet_too_large",
  "duplicate_request_id",
]);

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder();

/** Bytes at the start of a frame that is too long, which are searched for its id. */
const HEAD = 4096;

/** A session; {@linkcode Sessions.open} opens it. */
export class Session {
  /** How many of its requests are in flight. */
  inFlight = 0;
  /** Unique among open sessions. */
  readonly number: number;
  /** Whether the peer sent too many wrong packets in a row. The carrier should then close. */
  hasTooManyErrors = false;
  protected isClosed = false;

  readonly #context: SessionContext;
  readonly #carrier: Carrier;
  /** Whether answers wait to share a frame, and report their delay. */
  readonly #batched: boolean;
  #unsent: string[] = [];
  #isUnsentAscii = true;
  #consecutiveErrors = 0;
  /** Requests that were submitted and not accepted yet; undefined if there never were any. */
  #unaccepted: Set<number> | undefined;
  #allDecided: PromiseWithResolvers<void> | undefined;

  /** Called by {@linkcode Sessions.open}, which documents the parameters. */
  constructor(context: SessionContext, number: number, carrier: Carrier, batched: boolean) {
    this.#context = context;
    this.number = number;
    this.#carrier = carrier;
    this.#batched = batched;
  }

  /**
   * Receives a frame, as text or in UTF-8, at time `now`, in milliseconds. Every frame is answered,
   * valid or not, unless the session is closed.
   */
  receive(frame: string | Uint8Array, now: number): void {
    if (this.isClosed) return;
    const { reader, counters } = this.#context;
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

  /**
   * Refuses a frame of `size` bytes, which is over the limit.
   *
   * @param head the start of the frame, from which the id is read if it is there.
   */
  refuseTooLong(head: string | Uint8Array, size: number): void {
    if (this.isClosed) return;
    const { counters, limits } = this.#context;
    counters.bytesIn += size;
    const text = typeof head === "string" ? head : lenientDecoder.decode(head);
    const limit = limits.maxPacketSize;
    const message = `the frame is longer than ${limit} bytes`;
    try {
      this.#refuse(JSON.stringify(peekId(text)), { code: "packet_too_large", message, limit });
    } catch (error) {
      this.#fail("null", error);
    }
  }

  /** Answers a request that was due at time `due`, if its response is ready. */
  answerDue(entry: number, due: number, now: number): void {
    const { requests, counters, faults, responder } = this.#context;
    const isAscii = requests.isAscii(entry);
    let text: string | undefined;
    try {
      text = responder.respond(entry, due, this.#batched);
    } catch (error) {
      const id = requests.idText(entry);
      this.#remove(entry);
      return this.#fail(id, error);
    }
    if (text === undefined) return;
    this.#consecutiveErrors = 0;
    const fault = faults.size === 0 ? undefined : faults.get(entry);
    if (fault !== undefined) return this.#carryOut(fault, entry, text, isAscii);
    this.#remove(entry);
    counters.answered++;
    counters.lateness.add(now - due);
    this.#answer(text, isAscii);
  }

  accept(entry: number): void {
    const { requests, events } = this.#context;
    this.#decide(entry);
    try {
      events.accepted?.(requests.idText(entry), requests.delay(entry));
      this.#noteAccepted(requests.delay(entry));
    } catch (error) {
      this.fail(entry, error);
    }
  }

  /** Refuses a submitted request as `overloaded`. */
  reject(entry: number): void {
    const id = this.#context.requests.idText(entry);
    this.#drop(entry);
    this.#refuse(id, detailsOf("overloaded"));
  }

  /** Answers a request with `internal`. */
  fail(entry: number, error: unknown): void {
    const id = this.#context.requests.idText(entry);
    this.#drop(entry);
    this.#fail(id, error);
  }

  /** Resolves once all submitted requests are accepted or refused; undefined if all are. */
  get decided(): Promise<void> | undefined {
    if (!this.#unaccepted?.size) return undefined;
    return (this.#allDecided ??= Promise.withResolvers()).promise;
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

  /** Drops requests in flight and ignores further frames. {@linkcode Sessions.close} calls it. */
  close(): void {
    this.isClosed = true;
    const { requests, counters } = this.#context;
    counters.dropped += this.inFlight;
    for (let entry = NONE; (entry = requests.newestOf(this.number)) !== NONE;) this.#drop(entry);
    this.#unsent = [];
  }

  #textOf(frame: string | Uint8Array): string | undefined {
    const { limits, counters } = this.#context;
    const limit = limits.maxPacketSize;
    // Each UTF-16 unit is one to three bytes, so most frames need no closer look.
    if (frame.length > limit || (3 * frame.length > limit && Buffer.byteLength(frame) > limit)) {
      this.refuseTooLong(
        typeof frame === "string" ? frame : frame.subarray(0, HEAD),
        Buffer.byteLength(frame),
      );
      return undefined;
    }
    if (typeof frame === "string") return frame;
    counters.bytesIn += frame.length;
    try {
      return decoder.decode(frame);
    } catch {
      this.#refuse("null", { code: "invalid_json", message: "the binary frame is not UTF-8" });
      return undefined;
    }
  }

  /** Handles packet `i` of the frame. */
  #take(i: number, now: number): void {
    const { reader, requests, wheel, limits, events, counters, planner, faults, responder } =
      this.#context;
    const error = reader.error(i);
    if (error !== undefined) return this.#refuse(reader.idText(i), error.error);
    if (reader.isCancel(i)) return this.#cancel(i);
    if (this.#context.isDraining) return this.#refuse(reader.idText(i), detailsOf("shutting_down"));
    const total = requests.size + this.#context.inFlightElsewhere();
    if (this.inFlight >= limits.maxInFlight || total >= limits.maxInFlightTotal) {
      return this.#refuse(reader.idText(i), detailsOf("overloaded"));
    }
    const { bytes } = reader;
    const idAt = reader.idAt(i);
    const idEnd = reader.idEnd(i);
    if (this.inFlight > 0 && requests.find(this.number, bytes, idAt, idEnd) !== NONE) {
      return this.#refuse(reader.idText(i), detailsOf("duplicate_request_id"));
    }
    const refusal = responder.check?.(reader.dataEnd(i) - reader.dataAt(i));
    if (refusal !== undefined) return this.#refuse(reader.idText(i), refusal);

    const plan = planner.plan(bytes, idAt, idEnd);
    if (responder.acceptsAtOnce) {
      // Makes a text of the id only if there is a listener.
      events.accepted?.(reader.idText(i), plan.delay);
      this.#noteAccepted(plan.delay);
    }
    if (plan.wait === 0 && plan.fault === undefined && responder.respondAtOnce !== undefined) {
      counters.answered++;
      counters.lateness.add(0);
      return this.#answer(responder.respondAtOnce(reader, i, this.#batched), reader.isAscii);
    }
    const entry = responder.submit(this.number, reader, i, plan.delay);
    this.inFlight++;
    if (!responder.acceptsAtOnce) (this.#unaccepted ??= new Set()).add(entry);
    if (plan.fault !== undefined) faults.set(entry, plan.fault);
    try {
      wheel.add(entry, now + plan.wait);
    } catch (error) {
      // There is no memory for more, and the request would never be due.
      responder.cancel(entry);
      this.#remove(entry);
      throw error;
    }
  }

  #noteAccepted(delay: number): void {
    this.#context.counters.delays.add(delay);
    this.#consecutiveErrors = 0;
  }

  #cancel(i: number): void {
    const { reader, requests } = this.#context;
    const entry = requests.find(this.number, reader.bytes, reader.idAt(i), reader.idEnd(i));
    if (entry === NONE) return;
    this.#drop(entry);
    this.#refuse(reader.idText(i), detailsOf("cancelled"));
  }

  /** Carries out the fault that a due request meets, where its response, `text`, would be sent. */
  #carryOut(kind: FaultKind, entry: number, text: string, isAscii: boolean): void {
    const { requests, events, counters, planner } = this.#context;
    const id = requests.idText(entry);
    counters.faults[kind]++;
    try {
      events.faulted?.(id, kind);
    } catch (error) {
      this.#remove(entry);
      return this.#fail(id, error);
    }
    if (ANSWERING_FAULTS.has(kind)) counters.answered++;
    if (ENDING_FAULTS.has(kind)) planner.spareOnce(id);
    FAULTS[kind]({
      text,
      remove: () => this.#remove(entry),
      answer: () => this.#answer(text, isAscii),
      sendAlone: (text) => this.#sendFrame(text, isAscii),
      sendError: () => this.#answerError(id, detailsOf("internal")),
      drop: () => this.#carrier.dropped?.(),
      disconnect: () => {
        this.flush();
        this.close();
        this.#carrier.disconnect?.();
      },
      stall: () => {
        if (this.#carrier.sendFaulty === undefined) return this.#answer(text, isAscii);
        this.flush();
        this.close();
        this.#carrier.sendFaulty("stall", "");
      },
      sendFaulty: (kind) => this.#sendFaulty(kind, text, isAscii),
    });
  }

  /** Removes a request that gets no response. */
  #drop(entry: number): void {
    const { wheel, responder } = this.#context;
    wheel.cancel(entry);
    responder.cancel(entry);
    this.#remove(entry);
  }

  #remove(entry: number): void {
    const { faults, responder } = this.#context;
    if (this.#unaccepted !== undefined) this.#decide(entry);
    if (faults.size > 0) faults.delete(entry);
    responder.remove(entry);
    this.inFlight--;
  }

  /** Notes that a submitted request was accepted or removed. */
  #decide(entry: number): void {
    if (!this.#unaccepted?.delete(entry) || this.#unaccepted.size > 0) return;
    this.#allDecided?.resolve();
    this.#allDecided = undefined;
  }

  #fail(id: string, error: unknown): void {
    const { events } = this.#context;
    const details = detailsOf("internal");
    try {
      events.failed?.(id, error);
      events.refused?.(id, details);
    } catch {
      // The event fails; the peer still gets its answer.
    }
    this.#answerError(id, details);
  }

  #refuse(id: string, details: ErrorDetails): void {
    const { events, limits } = this.#context;
    if (PEER_ERRORS.has(details.code) && ++this.#consecutiveErrors >= limits.maxConsecutiveErrors) {
      this.hasTooManyErrors = true;
    }
    events.refused?.(id, details);
    this.#answerError(id, details);
  }

  #answerError(id: string, details: ErrorDetails): void {
    this.#context.counters.errors[details.code]++;
    this.#answer(encodeError(id, details), false);
  }

  /** @param isAscii whether the text is known to be ASCII. */
  #answer(text: string, isAscii: boolean): void {
    if (!this.#batched) return this.#sendFrame(text, isAscii);
    this.#isUnsentAscii &&= isAscii;
    if (this.#unsent.push(text) === 1) this.#context.unsent.push(this);
  }

  #sendFaulty(kind: TransportFault, frame: string, isAscii: boolean): void {
    if (this.#carrier.sendFaulty === undefined) return this.#answer(frame, isAscii);
    this.#context.counters.bytesOut += byteLength(frame, isAscii);
    this.#carrier.sendFaulty(kind, frame);
  }

  #sendFrame(frame: string, isAscii: boolean): void {
    this.#context.counters.bytesOut += byteLength(frame, isAscii);
    this.#carrier.send(frame);
  }
}

function detailsOf(code: ErrorCode): ErrorDetails {
  return { code, message: ERRORS[code] };
}

/** `Buffer.byteLength()` of a small frame costs a tenth of answering it. */
function byteLength(frame: string, isAscii: boolean): number {
  return isAscii ? frame.length : Buffer.byteLength(frame);
}
