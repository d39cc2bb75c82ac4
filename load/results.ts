/**
 * Results of a run: counts and distributions.
 *
 * @module
 */

import { Distribution } from "./distribution.ts";

/** Error codes that are counted each by itself: the server makes them up. */
const MAX_CODES = 50;

/** Stands for all further codes. */
const OTHER_CODES = "(others)";

/** Counts in the order of the report. */
export class LoadCounts {
  /** Requests sent. */
  sent = 0;
  /** Requests answered with a response in time. */
  answered = 0;
  /** Requests answered with an error in time. */
  failed = 0;
  /** Requests not answered in time. */
  timed_out = 0;
  /** Requests in flight when their connection was lost. */
  lost = 0;
  /** Requests in flight when the run was interrupted. */
  unanswered = 0;
  /** Requests that were due by the rate but never sent, because there was no room for them. */
  missed = 0;
  /** Answers to requests that had timed out. */
  late = 0;
  /** Answers to requests sent before one that was answered already on the same connection. */
  out_of_order = 0;
  /** Answers with an id that was never sent, or was answered before. */
  unknown = 0;
  /** Frames that hold no answers. */
  garbage = 0;
  /** Connections that the server closed, or that broke. */
  connections_lost = 0;
}

/** Results of a run, which grow while it runs. All times are in milliseconds. */
export class Results {
  readonly counts = new LoadCounts();
  /** Error answers by code, including those that match no request. */
  readonly errors = new Map<string, number>();
  /** From the intended time of a request to its response. */
  readonly latency = new Distribution();
  /** Latency less the delay that the server reports, if it does. */
  readonly overhead = new Distribution();
  /** By how much frames were sent later than intended. */
  readonly lag = new Distribution();
  /** Most requests in flight at once. */
  maxInFlight = 0;
  #inFlight = 0;
  /** Sum over all settled requests of their time in flight. */
  #timeInFlight = 0;
  /** The same sum over answered requests. */
  #timeToAnswer = 0;

  /** Number of requests in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Returns the mean number of requests in flight, over a run of `elapsed` milliseconds. */
  meanInFlight(elapsed: number): number {
    return elapsed > 0 ? this.#timeInFlight / elapsed : 0;
  }

  /** Mean time in flight of answered requests. */
  get meanTimeToAnswer(): number {
    const { answered, failed } = this.counts;
    return answered + failed > 0 ? this.#timeToAnswer / (answered + failed) : 0;
  }

  /** Counts sent requests. */
  sent(count: number): void {
    this.counts.sent += count;
    this.#inFlight += count;
    if (this.#inFlight > this.maxInFlight) this.maxInFlight = this.#inFlight;
  }

  /** Counts a response, with the delay that the server reports. */
  answered(timeInFlight: number, latency: number, delay: number | undefined): void {
    this.counts.answered++;
    this.#timeToAnswer += timeInFlight;
    this.#settled(timeInFlight);
    this.latency.record(latency);
    if (delay !== undefined) this.overhead.record(latency - delay);
  }

  /** Counts a request that was answered with an error; see also {@linkcode Results.error}. */
  failed(timeInFlight: number): void {
    this.counts.failed++;
    this.#timeToAnswer += timeInFlight;
    this.#settled(timeInFlight);
  }

  /** Counts a request that ended without an answer. */
  gaveUp(why: "timed_out" | "lost" | "unanswered", timeInFlight: number): void {
    this.counts[why]++;
    this.#settled(timeInFlight);
  }

  /** Counts the code of an error answer. */
  error(code: string): void {
    const isKnown = this.errors.has(code) || this.errors.size < MAX_CODES;
    const key = isKnown ? code : OTHER_CODES;
    this.errors.set(key, (this.errors.get(key) ?? 0) + 1);
  }

  #settled(timeInFlight: number): void {
    this.#inFlight--;
    this.#timeInFlight += timeInFlight;
  }
}
