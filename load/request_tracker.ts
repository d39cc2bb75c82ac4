/**
 * The requests of one connection, without I/O: frames are texts, and the caller passes the time.
 *
 * @module
 */

import { type Answer, decodeAnswers, isError } from "../protocol.ts";
import { InFlight } from "./in_flight.ts";
import { numberOf, type Payload } from "./payload.ts";
import type { Results } from "./results.ts";

/** Sends requests, and matches answers to them. */
export class RequestTracker {
  readonly #send: (frame: string) => void;
  readonly #payload: Payload;
  readonly #results: Results;
  readonly #inFlight = new InFlight();
  /** Requests that timed out and may still be answered. */
  readonly #timedOut = new Set<number>();
  /** The highest number among answered requests. */
  #lastAnswered = 0;

  constructor(send: (frame: string) => void, payload: Payload, results: Results) {
    this.#send = send;
    this.#payload = payload;
    this.#results = results;
  }

  /** Number of requests in flight. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Sends `count` requests in a frame that was due at `intendedAt`. */
  send(count: number, intendedAt: number, now: number): void {
    const first = this.#inFlight.add(now, intendedAt);
    for (let i = 1; i < count; i++) this.#inFlight.add(now, intendedAt);
    this.#results.sent(count);
    this.#send(this.#payload.frame(first, count));
  }

  /** Reads a frame; undefined for a binary one. */
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
    const intendedAt = this.#inFlight.intendedAt(number);
    this.#inFlight.settle(number);
    if (number < this.#lastAnswered) counts.out_of_order++;
    else this.#lastAnswered = number;
    if (isError(answer)) return results.failed(now - sentAt);
    const delay = answer.delay === undefined ? undefined : 1000 * answer.delay;
    results.answered(now - sentAt, now - intendedAt, delay);
  }

  /** Gives up the requests that were sent at `time` or before. */
  timeOut(time: number, now: number): void {
    this.#giveUp("timed_out", time, now);
  }

  /** Gives up all requests. */
  giveUp(why: "lost" | "unanswered", now: number): void {
    this.#giveUp(why, Infinity, now);
  }

  #giveUp(why: "timed_out" | "lost" | "unanswered", time: number, now: number): void {
    for (let number; (number = this.#inFlight.oldestSentBy(time)) > 0;) {
      if (why === "timed_out") this.#timedOut.add(number);
      this.#results.gaveUp(why, now - this.#inFlight.sentAt(number));
      this.#inFlight.settle(number);
    }
  }
}
