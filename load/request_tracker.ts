/**
 * The requests of one connection, without I/O: frames are texts, and the caller passes the time.
 *
 * @module
 */

import { type Answer, decodeAnswers, isError } from "../protocol.ts";
import { numberOf, type Payload } from "./payload.ts";
import type { Results } from "./results.ts";

/** When the requests of one frame were sent, and when they were due. */
interface Times {
  readonly sentAt: number;
  readonly intendedAt: number;
}

/** Sends requests, and matches answers to them. */
export class RequestTracker {
  readonly #send: (frame: string) => void;
  readonly #payload: Payload;
  readonly #results: Results;
  /** The requests in flight by number, the oldest first. */
  readonly #inFlight = new Map<number, Times>();
  /** Requests that timed out and may still be answered. */
  readonly #timedOut = new Set<number>();
  #lastSent = 0;
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
    const first = this.#lastSent + 1;
    const times = { sentAt: now, intendedAt };
    for (let i = 0; i < count; i++) this.#inFlight.set(++this.#lastSent, times);
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
    const times = this.#inFlight.get(number);
    if (isError(answer)) results.error(answer.error.code);
    if (times === undefined) {
      if (this.#timedOut.delete(number)) counts.late++;
      else counts.unknown++;
      return;
    }
    this.#inFlight.delete(number);
    if (number < this.#lastAnswered) counts.out_of_order++;
    else this.#lastAnswered = number;
    if (isError(answer)) return results.failed(now - times.sentAt);
    const delay = answer.delay === undefined ? undefined : 1000 * answer.delay;
    results.answered(now - times.sentAt, now - times.intendedAt, delay);
  }

  /** Gives up the requests that were sent at `time` or before. */
  timeOut(time: number, now: number): void {
    for (const number of this.#giveUp("timed_out", time, now)) this.#timedOut.add(number);
  }

  /** Gives up all requests. */
  giveUp(why: "lost" | "unanswered", now: number): void {
    this.#giveUp(why, Infinity, now);
  }

  /** Gives up the requests that were sent at `time` or before; returns their numbers. */
  #giveUp(why: "timed_out" | "lost" | "unanswered", time: number, now: number): number[] {
    const numbers: number[] = [];
    for (const [number, { sentAt }] of this.#inFlight) {
      if (sentAt > time) break;
      this.#inFlight.delete(number);
      this.#results.gaveUp(why, now - sentAt);
      numbers.push(number);
    }
    return numbers;
  }
}
