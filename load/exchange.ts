/**
 * What goes to and fro on one connection: frames are texts and time is an argument.
 *
 * @module
 */

import { type Answer, decodeAnswers, isError } from "../protocol.ts";
import { InFlight } from "./in_flight.ts";
import { numberOf, type Payload } from "./payload.ts";
import type { Results } from "./results.ts";

/** Sends requests, and finds out which of them each answer is for. */
export class Exchange {
  readonly #send: (frame: string) => void;
  readonly #payload: Payload;
  readonly #results: Results;
  readonly #inFlight = new InFlight();
  /** Requests that timed out and may be answered yet. */
  readonly #timedOut = new Set<number>();
  /** The last sent of the requests that have been answered. */
  #lastAnswered = 0;

  constructor(send: (frame: string) => void, payload: Payload, results: Results) {
    this.#send = send;
    this.#payload = payload;
    this.#results = results;
  }

  /** How many requests are in flight. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Sends `count` requests in a frame, which was to be sent at `intendedAt`. */
  send(count: number, intendedAt: number, now: number): void {
    const first = this.#inFlight.add(now, intendedAt);
    for (let i = 1; i < count; i++) this.#inFlight.add(now, intendedAt);
    this.#results.sent(count);
    this.#send(this.#payload.frame(first, count));
  }

  /** Takes a frame in, undefined for one that is no text. */
  receive(frame: string | undefined, now: number): void {
    const answers = frame === undefined ? undefined : decodeAnswers(frame);
    if (answers === undefined) this.#results.counts.garbage++;
    else for (const answer of answers) this.#answer(answer, now);
  }

  #answer(answer: Answer, now: number): void {
    const results = this.#results;
    const { counts } = results;
    const number = numberOf(answer.request_id);
    const sentAt = this.#inFlight.sentAt(number);
    if (isError(answer)) results.error(answer.error.code);
    if (sentAt < 0) {
      if (this.#timedOut.delete(number)) counts.late++;
      else counts.unknown++;
      return;
    }
    if (number < this.#lastAnswered) counts.out_of_order++;
    else this.#lastAnswered = number;
    if (isError(answer)) {
      results.failed(now - sentAt);
    } else {
      const delay = answer.delay === undefined ? undefined : 1000 * answer.delay;
      results.answered(now - sentAt, now - this.#inFlight.intendedAt(number), delay);
    }
    this.#inFlight.settle(number);
  }

  /** Gives up the requests that were sent at `time` or before. */
  timeOut(time: number, now: number): void {
    let number: number;
    while ((number = this.#inFlight.oldestSentBy(time)) > 0) {
      this.#timedOut.add(number);
      this.#results.gaveUp("timed_out", now - this.#inFlight.sentAt(number));
      this.#inFlight.settle(number);
    }
  }

  /** Gives up all requests. */
  giveUp(why: "lost" | "unanswered", now: number): void {
    let number: number;
    while ((number = this.#inFlight.oldestSentBy(Infinity)) > 0) {
      this.#results.gaveUp(why, now - this.#inFlight.sentAt(number));
      this.#inFlight.settle(number);
    }
  }
}
