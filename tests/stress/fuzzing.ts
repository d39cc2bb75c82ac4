/**
 * What the fuzzers share. Round i of seed N is the first round of seed N + i, so a finding can be repeated
 * alone.
 *
 * @module
 */

/** Options for a fuzzer. */
export interface FuzzOptions {
  readonly seed: number;
  /** How long to go on, in milliseconds; there is at least one round. */
  readonly duration: number;
  /** Most rounds. @default {Infinity} */
  readonly rounds?: number;
}

/** Something that is wrong. */
export interface Finding {
  /** Its first round has the finding. */
  readonly seed: number;
  readonly what: string;
  /** What was sent, as JSON. */
  readonly input: unknown;
}

/** Result of a fuzzer. */
export interface FuzzResult {
  readonly rounds: number;
  /** Inputs that were tried, and how many of them were wrong. */
  readonly inputs: number;
  readonly badInputs: number;
  /** Requests that were owed an answer. */
  readonly requests: number;
  readonly findings: readonly Finding[];
}

/** After so many findings, more of them say nothing new. */
export const ENOUGH = 3;
