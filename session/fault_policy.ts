/**
 * Which requests meet trouble that is made on purpose, and what trouble; each meets one kind at most.
 *
 * @module
 */

import { Purpose, seededRandom } from "./seeded_random.ts";
import { MAX_DELAY } from "./delays.ts";

/** What can be done to a request instead of answering it well. */
export const FAULT_KINDS = [
  "drop",
  "error",
  "duplicate",
  "late",
  "garbage",
  "disconnect",
] as const;

/** One of {@linkcode FAULT_KINDS}. */
export type FaultKind = typeof FAULT_KINDS[number];

/** Which share of the requests is to meet which trouble: from 0 to 1, and at most 1 together. */
export interface FaultRates extends Partial<Record<FaultKind, number>> {
  /** How much later than due a `late` answer comes, in seconds. @default {10} */
  lateBy?: number;
}

/** Decides what each request meets. */
export interface FaultPolicy {
  /** How much later than due a `late` answer comes, in milliseconds. */
  readonly lateBy: number;
  /** What the request meets whose id is `bytes[at .. end]`, as JSON text in UTF-8; mostly nothing. */
  kindFor(bytes: Uint8Array, at: number, end: number): FaultKind | undefined;
}

/** How much later than due a `late` answer comes where nothing is said, in seconds. */
const DEFAULT_LATE_BY = 10;

/** By how much shares may exceed 1 together: sums of decimals are not exact. */
const ROUNDING = 1e-9;

/**
 * Trouble at these rates. With a seed, an integer, what a request meets is a function of the seed and its
 * id alone, and has nothing to do with its delay.
 *
 * @throws {RangeError} if a number is out of its range, the shares exceed 1, or the seed is no integer.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { faultPolicy } from "./fault_policy.ts";
 *
 * const id = new TextEncoder().encode('"01"');
 * assertEquals(faultPolicy({ drop: 1 }, 7).kindFor(id, 0, id.length), "drop");
 * assertEquals(faultPolicy({ drop: 0 }, 7).kindFor(id, 0, id.length), undefined);
 * ```
 */
export function faultPolicy(rates: FaultRates, seed?: number): FaultPolicy {
  const { lateBy = DEFAULT_LATE_BY } = rates;
  if (!(lateBy > 0 && lateBy <= MAX_DELAY)) {
    throw new RangeError(
      `Cannot be late by ${lateBy} seconds: want more than 0, and at most ${MAX_DELAY}`,
    );
  }
  const bounds: [FaultKind, end: number][] = [];
  let sum = 0;
  for (const kind of FAULT_KINDS) {
    const rate = rates[kind] ?? 0;
    if (!(rate >= 0 && rate <= 1)) {
      throw new RangeError(`Cannot do ${kind} to a share of ${rate}: want 0 to 1`);
    }
    sum += rate;
    bounds.push([kind, sum]);
  }
  if (sum > 1 + ROUNDING) throw new RangeError(`The shares are ${sum} together: want at most 1`);
  const chosen = seededRandom(seed, Purpose.fault);
  return {
    lateBy: Math.round(1000 * lateBy),
    kindFor: (bytes, at, end) => {
      const number = chosen(bytes, at, end);
      return bounds.find(([, end]) => number < end)?.[0];
    },
  };
}

/**
 * Reads rates as the command line has them: `drop=0.01,late=0.02:5` drops one in a hundred and answers
 * one in fifty 5 s late.
 *
 * @throws {RangeError} if they are not of that form, or not such as {@linkcode faultPolicy} takes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseFaults } from "./fault_policy.ts";
 *
 * assertEquals(parseFaults("drop=0.01,late=0.02:5"), { drop: 0.01, late: 0.02, lateBy: 5 });
 * ```
 */
export function parseFaults(text: string): FaultRates {
  const rates: FaultRates = {};
  for (const part of text.split(",")) {
    const [, name, rate, lateBy] = /^([a-z]+)=(\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?$/.exec(part) ??
      [];
    if (name === undefined || (lateBy !== undefined && name !== "late")) {
      throw new RangeError(
        `want kinds with their shares, such as drop=0.01,late=0.02:5, got ${JSON.stringify(part)}`,
      );
    }
    const kind = FAULT_KINDS.find((kind) => kind === name);
    if (kind === undefined) {
      throw new RangeError(`want ${FAULT_KINDS.join(", ")}, got ${JSON.stringify(name)}`);
    }
    if (rates[kind] !== undefined) throw new RangeError(`${kind} is there twice`);
    rates[kind] = Number(rate);
    if (lateBy !== undefined) rates.lateBy = Number(lateBy);
  }
  faultPolicy(rates);
  return rates;
}
