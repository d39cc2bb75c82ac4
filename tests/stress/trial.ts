/**
 * What a trial is: something that is done to a server or a client, which has to come through.
 *
 * @module
 */

/** What came of a trial. */
export interface Outcome {
  /** How much was tried, in words, such as `20 clients for 30 s`. */
  readonly extent: string;
  /** What is worth knowing besides, such as the memory it took. */
  readonly seen?: string;
  /** Requests that were owed an answer. */
  readonly requests: number;
  /** How many of them got none, or not the right one, or more than one. */
  readonly lost: number;
  /** Frames, packets, requests and handshakes that were wrong. */
  readonly badInputs?: number;
  /** Connections that broke, processes that were killed or stopped, descriptors that ran out. */
  readonly faults?: number;
  /** What was not as it should be, a sentence each. */
  readonly failures: readonly string[];
}

/** A trial. */
export interface Trial {
  /** What is tried, and what has to come of it. */
  readonly title: string;
  run(options: TrialOptions): Promise<Outcome>;
}

/** What a trial is told, if it can go on for any time. */
export interface TrialOptions {
  /** In milliseconds. */
  readonly duration: number;
}

/** Whether all was as it should be. */
export function isPassed({ lost, failures }: Outcome): boolean {
  return lost === 0 && failures.length === 0;
}
