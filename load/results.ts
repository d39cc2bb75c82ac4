/**
 * What became of the requests: counts and distributions.
 *
 * @module
 */

import { Distribution } from "./distribution.ts";

/** Past this many error codes, further ones are counted together: the server makes them up. */
const MAX_CODES = 50;

/** The code under which they are. */
const OTHER_CODES = "(others)";

/** What is counted, in the order in which it is reported. */
export interface Counts {
  /** Requests that were sent. */
  sent: number;
  /** … answered with a response, in time. */
  answered: number;
  /** … answered with an error, in time. */
  failed: number;
  /** … not answered in time. */
  timed_out: number;
  /** … in flight when their connection was lost. */
  lost: number;
  /** … in flight when the run was interrupted. */
  unanswered: number;
  /** Requests that were due by the rate and never sent, as there was no room for them. */
  missed: number;
  /** Answers to requests that had timed out. */
  late: number;
  /** Answers to requests that were sent before one that had been answered on the same connection. */
  out_of_order: number;
  /** Answers to no request: an id that was never sent, or has been answered before, or none. */
  unknown: number;
  /** Frames that hold no answers. */
  garbage: number;
  /** Connections that the server closed, or that broke. */
  connections_lost: number;
}

/** The results of a run, which grow as it runs. All times are in milliseconds. */
export class Results {
  readonly counts: Counts = {
    sent: 0,
    answered: 0,
    failed: 0,
    timed_out: 0,
    lost: 0,
    unanswered: 0,
    missed: 0,
    late: 0,
    out_of_order: 0,
    unknown: 0,
    garbage: 0,
    connections_lost: 0,
  };
  /** Error answers by their code, those to no request among them. */
  readonly errors = new Map<string, number>();
  /** From the time at which a request was to be sent to its response. */
  readonly latency = new Distribution();
  /** Latency less the delay that the server reports, if it does. */
  readonly overhead = new Distribution();
  /** By how much frames were sent later than they were to be. */
  readonly lag = new Distribution();
  /** How many requests were in flight at once, at most. */
  maxInFlight = 0;
  #inFlight = 0;
  /** The time that all requests together were in flight, and those that were answered among them. */
  #timeInFlight = 0;
  #timeToAnswer = 0;

  /** How many requests are in flight. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many were in flight on average, over a run that took `elapsed`. */
  meanInFlight(elapsed: number): number {
    return elapsed > 0 ? this.#timeInFlight / elapsed : 0;
  }

  /** How long a request was in flight until it was answered, on average. */
  get meanTimeToAnswer(): number {
    const { answered, failed } = this.counts;
    return answered + failed > 0 ? this.#timeToAnswer / (answered + failed) : 0;
  }

  /** Requests have been sent. */
  sent(count: number): void {
    this.counts.sent += count;
    this.#inFlight += count;
    if (this.#inFlight > this.maxInFlight) this.maxInFlight = this.#inFlight;
  }

  /** A request has been answered with a response, `delay` of which was the server's intention. */
  answered(timeInFlight: number, latency: number, delay: number | undefined): void {
    this.counts.answered++;
    this.#timeToAnswer += timeInFlight;
    this.#settled(timeInFlight);
    this.latency.record(latency);
    if (delay !== undefined) this.overhead.record(latency - delay);
  }

  /** A request has been answered with an error; see also {@linkcode Results.error}. */
  failed(timeInFlight: number): void {
    this.counts.failed++;
    this.#timeToAnswer += timeInFlight;
    this.#settled(timeInFlight);
  }

  /** A request has ended without an answer. */
  gaveUp(why: "timed_out" | "lost" | "unanswered", timeInFlight: number): void {
    this.counts[why]++;
    this.#settled(timeInFlight);
  }

  /** There is an error answer, to whatever it may be. */
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
