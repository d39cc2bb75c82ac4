/**
 * Sends the answers of one session, in plain mode each at once, in `asyncpkt.v1` in shared frames.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ErrorDetails } from "../protocol.ts";
import type { Frame } from "../protocol/wire.ts";
import { type Carrier, detailsOf, type SessionContext } from "./context.ts";
import type { TransportFault } from "./faults.ts";

/** Length that answers in a shared frame have together at most, in UTF-16 units. */
const MAX_SHARED_FRAME = 1 << 20;

/** Answers on their way to a carrier. */
export class Outgoing {
  readonly #context: SessionContext;
  readonly #carrier: Carrier;
  /** Whether answers wait to share a frame. */
  readonly #batched: boolean;
  #unsent: string[] = [];
  #isUnsentAscii = true;

  constructor(context: SessionContext, carrier: Carrier, batched: boolean) {
    this.#context = context;
    this.#carrier = carrier;
    this.#batched = batched;
  }

  /** @param isAscii whether the answer is known to be ASCII. */
  answer(answer: Frame, isAscii: boolean): void {
    if (!this.#batched || typeof answer !== "string") return this.sendFrame(answer, isAscii);
    this.#isUnsentAscii &&= isAscii;
    if (this.#unsent.push(answer) === 1) this.#context.unsent.push(this);
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
  }
}

/** `Buffer.byteLength()` of a small frame costs a tenth of answering it. */
export function byteLength(frame: Frame, isAscii: boolean): number {
  return isAscii ? frame.length : Buffer.byteLength(frame);
}
