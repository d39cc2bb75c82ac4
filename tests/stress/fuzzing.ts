/**
 * What both fuzzers have in common: rounds, each with a seed of its own, until the time is up.
 *
 * Round i of seed N is the first round of seed N + i: so that what is found in it can be had again alone.
 *
 * @module
 */

import { formatCount } from "../../cli/figures.ts";
import type { Outcome } from "./trial.ts";

/** What fuzzing is told. */
export interface FuzzOptions {
  readonly seed: number;
  /** How long to go on, in milliseconds; at least one round is made. */
  readonly duration: number;
  /** How many rounds to make at most. @default {Infinity} */
  readonly rounds?: number;
}

/** Something that is not as it should be. */
export interface Finding {
  /** The seed of which it is found in the first round. */
  readonly seed: number;
  readonly what: string;
  /** What was sent, to be read as JSON. */
  readonly input: unknown;
}

/** What came of it. */
export interface FuzzResult {
  readonly rounds: number;
  /** How many inputs were tried in them, and how many of them were wrong. */
  readonly inputs: number;
  readonly badInputs: number;
  /** How many requests were owed an answer. */
  readonly requests: number;
  readonly findings: readonly Finding[];
}

/** After so many findings, more of them say nothing new. */
export const ENOUGH = 3;

/** A seed that nobody has chosen. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Int32Array(1))[0]! & 0x3fffffff;
}

/** Fuzzes as a trial, with a seed that nobody has chosen. */
export async function fuzzOutcome(
  only: string,
  fuzz: (options: FuzzOptions) => FuzzResult | Promise<FuzzResult>,
  duration: number,
): Promise<Outcome> {
  const seed = randomSeed();
  const { inputs, badInputs, requests, findings } = await fuzz({ seed, duration });
  return {
    extent: `${formatCount(inputs)} ${only === "packets" ? "packets" : "connections"} in ` +
      `${duration / 1000} s, seed ${seed}`,
    requests,
    lost: findings.length,
    badInputs,
    failures: findings.map(({ seed, what }) => `${what}; again: ${again(only, seed)}`),
  };
}

/** A finding as lines for people, with the command that repeats it. */
export function findingText(only: string, { seed, what, input }: Finding): string {
  return `FOUND ${what}\n  input: ${JSON.stringify(input)}\n` +
    `  again: ${again(only, seed)}\n`;
}

function again(only: string, seed: number): string {
  return `deno task fuzz --only ${only} --rounds 1 --seed ${seed}`;
}
