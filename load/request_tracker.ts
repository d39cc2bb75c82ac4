/**
 * The requests of one connection, without I/O: the caller passes frames and the time.
 *
 * @module
 */

import type { ClientWire, OnAnswer, RequestWriter } from "../protocol/client_wire.ts";
import type { Frame } from "../protocol/wire.ts";
import { InFlight } from "./in_flight.ts";
import type { Results } from "./results.ts";

/** Sends requests, and matches answers to them. */
export class RequestTracker {
  readonly #send: (frame: string) => void;
  readonly #wire: ClientWire;
  readonly #requests: RequestWriter;
  readonly #results: Results;
  readonly #inFlight = new InFlight();
  /** Requests that timed out and may still be answered. */
  readonly #timedOut = new Set<number>();
  /** The highest number among answered requests. */
  #lastAnswered = 0;
  /** When the frame came whose answers are being read. */
  #now = 0;

  constructor(
    send: (frame: string) => void,
    wire: ClientWire,
    requests: RequestWriter,
    results: Results,
  ) {
    this.#send = send;
    this.#wire = wire;
    this.#requests = requests;
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
    this.#send(this.#requests.frame(first, count));
  }

  /** Reads a frame. */
  receive(frame: Frame, now: number): void {
    this.#now = now;
    if (!this.#wire.read(frame, this.#answer)) this.#results.counts.garbage++;
  }

  readonly #answer: OnAnswer = (id, error, delay) => {
    const results = this.#results;
    const { counts } = results;
    const now = this.#now;
    const number = this.#requests.numberOf(id);
    const sentAt = this.#inFlight.sentAt(number);
    if (error !== undefined) results.error(error);
    if (sentAt < 0) {
      if (this.#timedOut.delete(number)) counts.late++;
      else counts.unknown++;
      return;
    }
    const intendedAt = this.#inFlight.intendedAt(number);
    this.#inFlight.settle(number);
    if (number < this.#lastAnswered) counts.out_of_order++;
    else this.#lastAnswered = number;
    if (error !== undefined) return results.failed(now - sentAt);
    results.answered(
      now - sentAt,
      now - intendedAt,
      delay === undefined ? undefined : 1000 * delay,
    );
  };

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
