/**
 * The server's side of one connection, without I/O: frames and times go in, frames come out.
 *
 * @module
 */

import type { ErrorCode, ErrorDetails } from "../protocol.ts";
import { type Carrier, detailsOf, type RequestOutcome, type SessionContext } from "./context.ts";
import type { Replacement } from "./faults.ts";
import { type AsciiText, type Frame, frameOf, type WrittenResponse } from "../protocol/wire.ts";
import { carryOut } from "./faulty_request.ts";
import { byteLength, Outgoing } from "./outgoing.ts";
import { Unaccepted } from "./responder.ts";
import type { ArrivedRequest } from "./rules.ts";

const NONE = -1;

/** Errors that only the peer causes. */
const PEER_ERRORS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_json",
  "invalid_packet",
  "packet_too_large",
  "duplicate_request_id",
]);

const lenientDecoder = new TextDecoder();

/** Bytes at the start of a frame that is too long, which are searched for its id. */
const HEAD = 4096;

/** A session; {@linkcode Sessions.open} opens it. */
export class Session {
  /** How many of its requests are in flight. */
  inFlight = 0;
  /** Unique among open sessions. */
  readonly number: number;
  /** Its number among all sessions of the server since the start or a reset, from 1. */
  connection: number;
  /** How many valid requests it has received since then. */
  received = 0;
  /** Whether the peer sent too many wrong packets in a row. The carrier should then close. */
  hasTooManyErrors = false;
  readonly carrier: Carrier;
  /** Whether answers report their delay, and share frames. */
  readonly batched: boolean;
  protected isClosed = false;

  readonly #context: SessionContext;
  readonly #outgoing: Outgoing;
  #consecutiveErrors = 0;
  /** Requests that were submitted and not accepted yet; undefined if there never were any. */
  #unaccepted: Unaccepted | undefined;

  /** Called by {@linkcode Sessions.open}, which documents the parameters. */
  constructor(
    context: SessionContext,
    number: number,
    connection: number,
    carrier: Carrier,
    batched: boolean,
  ) {
    this.#context = context;
    this.number = number;
    this.connection = connection;
    this.carrier = carrier;
    this.#outgoing = new Outgoing(context, carrier, batched);
    this.batched = batched;
  }

  /**
   * Receives a frame, as text or in UTF-8, at time `now`, in milliseconds. Every frame is answered,
   * valid or not, unless the session is closed.
   */
  receive(frame: Frame | AsciiText, now: number): void {
    if (this.isClosed) return;
    const { reader, counters } = this.#context;
    try {
      if (this.#isTooLong(frame)) return;
      const nth = this.received + 1;
      if (typeof frame === "string") reader.read(frame, nth);
      else if (frame instanceof Uint8Array) reader.readBinary(frame, nth);
      else if (reader.readAscii !== undefined) reader.readAscii(frame, nth);
      else reader.read(frame.toString(), nth);
      counters.bytesIn += byteLength(frame, reader.isAsciiFrame);
    } catch (error) {
      return this.#outgoing.fail("null", error);
    }
    for (let i = 0; i < reader.count; i++) this.#take(i, now);
  }

  /**
   * Refuses a frame of `size` bytes, which is over the limit.
   *
   * @param head the start of the frame, from which the id is read if it is there.
   */
  refuseTooLong(head: string | Uint8Array, size: number): void {
    if (this.isClosed) return;
    const { connection } = this;
    const { counters, limits, wire, observer } = this.#context;
    counters.bytesIn += size;
    const text = typeof head === "string" ? head : lenientDecoder.decode(head);
    const limit = limits.maxPacketSize;
    const message = `the frame is longer than ${limit} bytes`;
    try {
      const id = wire.peekId(text);
      this.#refuse(id, { code: "packet_too_large", message, limit });
      const arrival = { connection, nth: this.received, id, data: "", value: () => undefined };
      observer?.passed(arrival, "error:packet_too_large");
    } catch (error) {
      this.#outgoing.fail("null", error);
    }
  }

  /** Answers a request that was due at time `due`, if its response is ready. */
  answerDue(entry: number, due: number, now: number): void {
    const { requests, replacements } = this.#context;
    const replacement = replacements.size === 0 ? undefined : replacements.get(entry);
    if (replacement !== undefined) return this.#replace(replacement, entry, due, now);
    const isAscii = requests.isAscii(entry);
    const response = this.#responseTo(entry, due);
    if (response === undefined) return;
    this.#consecutiveErrors = 0;
    this.#answer(entry, response, isAscii, now - due);
  }

  /** Answers a held request at once. Its delay becomes the time for which it was held. */
  release(entry: number, now: number): void {
    const { requests, held, counters, observer } = this.#context;
    const delay = Math.round(now - held.get(entry)!.arrivedAt);
    held.delete(entry);
    requests.setDelay(entry, delay);
    // If it was not accepted yet, accepting it counts its delay.
    if (!this.#unaccepted?.has(entry)) counters.delays.add(delay);
    observer?.released(entry, delay);
    this.answerDue(entry, now, now);
  }

  /** Drops all requests in flight; the session stays open. */
  dropAll(): void {
    const { requests } = this.#context;
    for (let entry = NONE; (entry = requests.newestOf(this.number)) !== NONE;) {
      this.#drop(entry, "dropped");
      this.carrier.dropped?.();
    }
  }

  accept(entry: number): void {
    const { requests, events } = this.#context;
    this.#unaccepted?.delete(entry);
    try {
      const held = this.#context.held.get(entry);
      const delay = held === undefined ? requests.delay(entry) : undefined;
      if (held !== undefined) events.held?.(requests.idText(entry), held.forever);
      else events.accepted?.(requests.idText(entry), requests.delay(entry));
      this.#noteAccepted(delay);
    } catch (error) {
      this.fail(entry, error);
    }
  }

  /** Refuses a submitted request as `overloaded`. */
  reject(entry: number): void {
    const id = this.#context.requests.idText(entry);
    this.#drop(entry, "error:overloaded");
    this.#refuse(id, detailsOf("overloaded"));
  }

  /** Answers a request with `internal`. */
  fail(entry: number, error: unknown): void {
    const id = this.#context.requests.idText(entry);
    this.#drop(entry, "error:internal");
    this.#outgoing.fail(id, error);
  }

  /** Resolves once all submitted requests are accepted or refused; undefined if all are. */
  get decided(): Promise<void> | undefined {
    return this.#unaccepted?.decided;
  }

  /** Sends the answers that waited to share a frame. */
  flush(): void {
    this.#outgoing.flush();
  }

  /** Drops requests in flight and ignores further frames. {@linkcode Sessions.close} calls it. */
  close(): void {
    this.isClosed = true;
    const { requests, counters } = this.#context;
    counters.dropped += this.inFlight;
    for (let entry = NONE; (entry = requests.newestOf(this.number)) !== NONE;) {
      this.#drop(entry, "dropped");
    }
    this.#outgoing.clear();
  }

  /** Refuses a frame that is too long; returns whether it is. */
  #isTooLong(frame: Frame | AsciiText): boolean {
    const limit = this.#context.limits.maxPacketSize;
    // Each UTF-16 unit is one to three bytes, so most frames need no closer look.
    if (3 * frame.length <= limit || byteLength(frame) <= limit) return false;
    const start = frameOf(frame);
    const head = typeof start === "string" ? start : start.subarray(0, HEAD);
    this.refuseTooLong(head, byteLength(frame));
    return true;
  }

  /** Handles packet `i` of the frame. */
  #take(i: number, now: number): void {
    const { reader, planner, observer, counters } = this.#context;
    let arrival: ArrivedRequest | undefined;
    try {
      if (reader.isCancel(i)) return this.#cancel(i);
      if (reader.error(i) === undefined) this.received++;
      if (planner.hasRules || observer !== undefined) arrival = this.#arrivalOf(i);
      if (reader.isNotification?.(i)) {
        counters.notifications++;
        this.#consecutiveErrors = 0;
        return arrival && observer?.passed(arrival, "notification");
      }
      this.#takeRequest(i, now, arrival);
    } catch (error) {
      if (arrival !== undefined) observer?.passed(arrival, "error:internal");
      this.#outgoing.fail(reader.idText(i), error);
    }
  }

  #takeRequest(i: number, now: number, arrival: ArrivedRequest | undefined): void {
    const { reader, wheel, events, counters, planner, replacements } = this.#context;
    const { held, dueAtOnce, responder, observer } = this.#context;
    const refusal = this.#refusalOf(i);
    if (refusal !== undefined) {
      this.#refuse(reader.idText(i), refusal);
      if (arrival !== undefined) observer?.passed(arrival, `error:${refusal.code}`);
      return;
    }

    const plan = planner.plan(reader.bytes, reader.idAt(i), reader.idEnd(i), arrival);
    const { delay, wait, isHeld, replacement, rule } = plan;
    if (wait === 0 && replacement?.error !== undefined) {
      this.#refuse(reader.idText(i), replacement.error, true);
      if (arrival !== undefined) observer?.passed(arrival, `error:${replacement.error.code}`, plan);
      return;
    }
    const isTimed = wait < Infinity;
    if (responder.acceptsAtOnce) {
      // Makes a text of the id only if there is a listener.
      if (isTimed) events.accepted?.(reader.idText(i), delay);
      else events.held?.(reader.idText(i), !isHeld);
      this.#noteAccepted(isTimed ? delay : undefined);
    }
    if (wait === 0 && replacement === undefined && responder.respondAtOnce !== undefined) {
      const response = responder.respondAtOnce(reader, i, this.batched);
      counters.answered++;
      counters.lateness.add(0);
      this.#outgoing.answer(response, reader.isAscii);
      if (events.answered !== undefined) this.#outgoing.reportAnswered(reader.idText(i), 0);
      if (arrival !== undefined) observer?.passed(arrival, "answered", plan);
      return;
    }
    const entry = responder.submit(this.number, reader, i, delay);
    this.inFlight++;
    if (!responder.acceptsAtOnce) (this.#unaccepted ??= new Unaccepted()).add(entry);
    if (replacement !== undefined) replacements.set(entry, replacement);
    if (arrival !== undefined) observer?.arrived(arrival, entry, plan);
    if (!isTimed) return void held.set(entry, { arrivedAt: now, forever: !isHeld, arrival, rule });
    if (wait === 0) return void dueAtOnce.set(entry, now);
    try {
      wheel.add(entry, now + wait);
    } catch (error) {
      // There is no memory for more, and the request would never be due.
      responder.cancel(entry);
      this.#remove(entry, "error:internal");
      this.#outgoing.fail(reader.idText(i), error);
    }
  }

  /** Returns why packet `i` of the frame is refused; undefined if it is accepted. */
  #refusalOf(i: number): ErrorDetails | undefined {
    const { reader, requests, limits, responder } = this.#context;
    const error = reader.error(i);
    if (error !== undefined) return error;
    if (this.#context.isDraining) return detailsOf("shutting_down");
    const total = requests.size + this.#context.inFlightElsewhere();
    if (this.inFlight >= limits.maxInFlight || total >= limits.maxInFlightTotal) {
      return detailsOf("overloaded");
    }
    const idAt = reader.idAt(i);
    const idEnd = reader.idEnd(i);
    if (this.inFlight > 0 && requests.find(this.number, reader.bytes, idAt, idEnd) !== NONE) {
      return detailsOf("duplicate_request_id");
    }
    return responder.check?.(reader.dataEnd(i) - reader.dataAt(i));
  }

  #arrivalOf(i: number): ArrivedRequest {
    const { reader } = this.#context;
    const data = reader.dataText(i);
    const [id, value] = [reader.idText(i), reader.value(i, data)];
    return { connection: this.connection, nth: this.received, id, data, value };
  }

  /** @param delay undefined if it is not known yet. */
  #noteAccepted(delay: number | undefined): void {
    if (delay !== undefined) this.#context.counters.delays.add(delay);
    this.#consecutiveErrors = 0;
  }

  #cancel(i: number): void {
    const { reader, requests } = this.#context;
    const entry = requests.find(this.number, reader.bytes, reader.idAt(i), reader.idEnd(i));
    if (entry === NONE) return;
    this.#drop(entry, "cancelled");
    this.#refuse(reader.idText(i), detailsOf("cancelled"));
  }

  /** Returns the response, with the result `answer` if given; if that fails, answers `internal`. */
  #responseTo(entry: number, due: number, answer?: string): WrittenResponse | undefined {
    const { requests, responder } = this.#context;
    try {
      return answer === undefined
        ? responder.respond(entry, due, this.batched)
        : requests.responseWith(entry, answer, this.batched);
    } catch (error) {
      this.fail(entry, error);
      return undefined;
    }
  }

  /** Does what happens to a due request in place of its response. */
  #replace(replacement: Replacement, entry: number, due: number, now: number): void {
    const { error, answer, fault, isSparedLater } = replacement;
    const { requests } = this.#context;
    const id = requests.idText(entry);
    if (error !== undefined) {
      this.#drop(entry, `error:${error.code}`);
      try {
        return this.#refuse(id, error, true);
      } catch (failure) {
        return this.#outgoing.fail(id, failure);
      }
    }
    const isAscii = answer === undefined && requests.isAscii(entry);
    const response = this.#responseTo(entry, due, answer);
    if (response === undefined) return;
    this.#consecutiveErrors = 0;
    if (answer !== undefined) this.#context.responder.cancel(entry);
    if (fault === undefined) return this.#answer(entry, response, isAscii, now - due);
    carryOut(fault, {
      ...{ context: this.#context, carrier: this.carrier, outgoing: this.#outgoing },
      ...{ id, response: frameOf(response), isAscii, isSparedLater },
      elapsed: requests.delay(entry) + now - due,
      remove: (outcome) => this.#remove(entry, outcome),
      end: () => {
        this.flush();
        this.close();
      },
    });
  }

  #answer(entry: number, response: WrittenResponse, isAscii: boolean, lateness: number): void {
    const { events, counters, requests } = this.#context;
    const id = events.answered && requests.idText(entry);
    const elapsed = requests.delay(entry) + lateness;
    this.#remove(entry, "answered");
    counters.answered++;
    counters.lateness.add(lateness);
    this.#outgoing.answer(response, isAscii);
    if (id !== undefined) this.#outgoing.reportAnswered(id, elapsed);
  }

  /** Removes a request that gets no response. */
  #drop(entry: number, outcome: RequestOutcome): void {
    const { wheel, responder } = this.#context;
    wheel.cancel(entry);
    responder.cancel(entry);
    this.#remove(entry, outcome);
  }

  #remove(entry: number, outcome: RequestOutcome): void {
    const { replacements, held, dueAtOnce, responder, observer } = this.#context;
    this.#unaccepted?.delete(entry);
    if (replacements.size > 0) replacements.delete(entry);
    if (held.size > 0) held.delete(entry);
    if (dueAtOnce.size > 0) dueAtOnce.delete(entry);
    observer?.ended(entry, outcome);
    responder.remove(entry);
    this.inFlight--;
  }

  /** @param isOnPurpose whether a rule says so, which is no fault of the peer. */
  #refuse(id: string, details: ErrorDetails, isOnPurpose = false): void {
    const { events, limits } = this.#context;
    if (isOnPurpose) this.#consecutiveErrors = 0;
    else if (PEER_ERRORS.has(details.code)) this.#consecutiveErrors++;
    if (this.#consecutiveErrors >= limits.maxConsecutiveErrors) this.hasTooManyErrors = true;
    events.refused?.(id, details);
    this.#outgoing.answerError(id, details);
  }
}
