/**
 * How long a request waits (protocol, "The delay").
 *
 * @module
 */

/** Decides the delay of each request. */
export interface DelayPolicy {
  /** No delay is longer than this, in milliseconds. */
  readonly longest: number;
  /**
   * The delay of the request whose id is `bytes[at .. end]`, as JSON text in UTF-8; in whole
   * milliseconds.
   */
  delayOf(bytes: Uint8Array, at: number, end: number): number;
}

/** A range of delays, in seconds; both ends included. */
export interface DelayRange {
  min: number;
  max: number;
}

/** The delays that the protocol asks for where nothing else is said. */
export const DEFAULT_DELAY: DelayRange = { min: 1, max: 5 };

/** The longest delay, in seconds: a day. */
export const MAX_DELAY = 86_400;

/**
 * Delays that are uniform over `range`. With a seed, an integer, a delay is a function of the seed and
 * the id alone.
 *
 * @throws {RangeError} if the range is not within 0 to {@linkcode MAX_DELAY} or the seed no integer.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { uniformDelay } from "./policy.ts";
 *
 * const id = new TextEncoder().encode('"01"');
 * const [one, other] = [uniformDelay({ min: 1, max: 5 }, 7), uniformDelay({ min: 1, max: 5 }, 7)];
 * assertEquals(one.delayOf(id, 0, id.length), other.delayOf(id, 0, id.length));
 * ```
 */
export function uniformDelay(range: DelayRange = DEFAULT_DELAY, seed?: number): DelayPolicy {
  const { min, max } = range;
  if (!(min >= 0 && min <= max && max <= MAX_DELAY)) {
    throw new RangeError(
      `Cannot delay by ${min} to ${max} seconds: want 0 <= min <= max <= ${MAX_DELAY}`,
    );
  }
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    throw new RangeError(`Cannot seed with ${seed}: want an integer within ±(2^53 − 1)`);
  }
  const first = Math.round(min * 1000);
  const span = Math.round(max * 1000) - first;
  const longest = first + span;
  if (span === 0) return { longest, delayOf: () => first };
  if (seed === undefined) {
    return { longest, delayOf: () => first + Math.round(Math.random() * span) };
  }
  const basis = mix(mix(seed | 0) ^ Math.floor(seed / 2 ** 32));
  return {
    longest,
    delayOf: (bytes, at, end) => first + Math.round(fraction(basis, bytes, at, end) * span),
  };
}

/** A number in [0, 1) that depends on the basis and on every byte: FNV-1a, then mixed. */
function fraction(basis: number, bytes: Uint8Array, at: number, end: number): number {
  let hash = basis ^ 0x811c9dc5;
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (mix(hash) >>> 0) / 2 ** 32;
}

/** Spreads every bit of a 32-bit integer over all of them, by the finalizer of MurmurHash3. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/**
 * Reads a range as the command line has it: `1..5` is uniform between the two, `3` is fixed.
 *
 * @throws {RangeError} if it is not of that form, or not within 0 to {@linkcode MAX_DELAY}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseDelay } from "./policy.ts";
 *
 * assertEquals(parseDelay("1..5"), { min: 1, max: 5 });
 * assertEquals(parseDelay("0.25"), { min: 0.25, max: 0.25 });
 * ```
 */
export function parseDelay(text: string): DelayRange {
  const match = /^(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?$/.exec(text);
  const min = Number(match?.[1]);
  const max = Number(match?.[2] ?? match?.[1]);
  if (!(min <= max && max <= MAX_DELAY)) {
    throw new RangeError(
      `want seconds, such as 1..5 or 3, from 0 to ${MAX_DELAY}, got ${JSON.stringify(text)}`,
    );
  }
  return { min, max };
}
