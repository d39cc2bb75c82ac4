/**
 * The delays of requests (protocol, "The delay").
 *
 * @module
 */

import { formatNumber, parseDuration } from "./duration.ts";
import { RandomStream, seededRandom } from "./seeded_random.ts";

/** Decides the delay of each request. */
export interface DelayPolicy {
  /** The longest delay, in milliseconds. */
  readonly maxDelay: number;
  /**
   * Returns the delay of the request whose id is `bytes[at .. end]`, as JSON text in UTF-8, in
   * whole milliseconds.
   */
  delayOf(bytes: Uint8Array, at: number, end: number): number;
}

/** A fixed delay or a distribution of delays, in seconds. */
export type Delay = number | DelayRange | NormalDelay | LognormalDelay;

/** Delays that are uniform over a range, in seconds, both ends included. */
export interface DelayRange {
  /** The shortest delay, in seconds. */
  min: number;
  /** The longest delay, in seconds. */
  max: number;
}

/** Normally distributed delays, in seconds. Negative delays become 0; none is longer than a day. */
export interface NormalDelay {
  /** The mean, in seconds. */
  mean: number;
  /** The standard deviation, in seconds. */
  sd: number;
}

/**
 * Lognormally distributed delays, in seconds, like those of many real services: most are near the
 * median, and a few are much longer. None is longer than a day.
 */
export interface LognormalDelay {
  /** The median: half of the delays are shorter. */
  median: number;
  /** Standard deviation of the logarithm. With 0.5, one delay in 100 is 3.2 medians or longer. */
  sigma: number;
}

/** Returns a delay as {@linkcode parseDelay} takes it. */
export function formatDelay(delay: Delay): string {
  if (typeof delay === "number") return `${delay}`;
  if ("mean" in delay) return `normal:${formatNumber(delay.mean)},${formatNumber(delay.sd)}`;
  if ("median" in delay) {
    return `lognormal:${formatNumber(delay.median)},${formatNumber(delay.sigma)}`;
  }
  const [min, max] = [formatNumber(delay.min), formatNumber(delay.max)];
  return min === max ? min : `${min}..${max}`;
}

/** The default delays of the protocol. */
export const DEFAULT_DELAY: DelayRange = { min: 1, max: 5 };

/** The longest delay, in seconds: a day. */
export const MAX_DELAY = 86_400;

/** The most standard deviations from the mean that {@linkcode standardNormal} returns. */
const MOST_DEVIATIONS = Math.sqrt(-2 * Math.log(2 ** -53));

/**
 * Returns a policy for a distribution of delays. A seed, an integer, makes a delay a function of
 * the seed and the id alone.
 *
 * @throws {RangeError} if a number of the distribution is out of range, or the seed is not an
 * integer.
 */
export function delayPolicy(delay: Delay = DEFAULT_DELAY, seed?: number): DelayPolicy {
  if (typeof delay === "number") return uniformDelay({ min: delay, max: delay }, seed);
  if ("mean" in delay) return normalDelay(delay, seed);
  if ("median" in delay) return lognormalDelay(delay, seed);
  return uniformDelay(delay, seed);
}

function uniformDelay({ min, max }: DelayRange, seed: number | undefined): DelayPolicy {
  if (!(min >= 0 && min <= max && max <= MAX_DELAY)) {
    throw new RangeError(
      `delay: expected 0 <= min <= max <= ${MAX_DELAY} seconds, got min ${min}, max ${max}`,
    );
  }
  const chosen = seededRandom(seed, RandomStream.uniformDelay);
  const first = Math.round(min * 1000);
  const span = Math.round(max * 1000) - first;
  const maxDelay = first + span;
  if (span === 0) return { maxDelay, delayOf: () => first };
  return {
    maxDelay,
    delayOf: (bytes, at, end) => first + Math.round(chosen(bytes, at, end) * span),
  };
}

function normalDelay({ mean, sd }: NormalDelay, seed: number | undefined): DelayPolicy {
  if (!isDelay(mean) || !isDelay(sd)) {
    throw new RangeError(
      `delay: expected mean and sd from 0 to ${MAX_DELAY} seconds, got mean ${mean}, sd ${sd}`,
    );
  }
  return shapedDelay((deviations) => mean + sd * deviations, seed);
}

function lognormalDelay({ median, sigma }: LognormalDelay, seed: number | undefined): DelayPolicy {
  if (!isDelay(median) || !(sigma >= 0 && sigma <= MAX_SIGMA)) {
    throw new RangeError(
      `delay: expected a median from 0 to ${MAX_DELAY} seconds and a sigma from 0 to ${MAX_SIGMA}, ` +
        `got median ${median}, sigma ${sigma}`,
    );
  }
  return shapedDelay((deviations) => median * Math.exp(sigma * deviations), seed);
}

/** With a larger sigma, nearly every delay would be 0 or a day. */
const MAX_SIGMA = 10;

/** @param shape returns the delay in seconds at this many deviations from the center. */
function shapedDelay(
  shape: (deviations: number) => number,
  seed: number | undefined,
): DelayPolicy {
  const ms = (deviations: number) =>
    Math.round(1000 * Math.min(Math.max(shape(deviations), 0), MAX_DELAY));
  const radius = seededRandom(seed, RandomStream.radius);
  const angle = seededRandom(seed, RandomStream.angle);
  return {
    maxDelay: ms(MOST_DEVIATIONS),
    delayOf: (bytes, at, end) => ms(standardNormal(radius(bytes, at, end), angle(bytes, at, end))),
  };
}

/** Returns a standard normal number for two uniform numbers, by the Box–Muller transform. */
function standardNormal(radius: number, angle: number): number {
  return Math.sqrt(-2 * Math.log(1 - radius)) * Math.cos(2 * Math.PI * angle);
}

function isDelay(seconds: number): boolean {
  return seconds >= 0 && seconds <= MAX_DELAY;
}

/** The forms of a delay on the command line; the first that matches counts. */
const FORMS: readonly [form: RegExp, read: (one: string, other: string) => Delay][] = [
  [/^(.*?)\.\.(.*)$/, (min, max) => ({ min: parseDuration(min), max: parseDuration(max) })],
  [/^normal:(.*),(.*)$/, (mean, sd) => ({ mean: parseDuration(mean), sd: parseDuration(sd) })],
  [
    /^lognormal:(.*),(\d+(?:\.\d+)?)$/,
    (median, sigma) => ({ median: parseDuration(median), sigma: Number(sigma) }),
  ],
  [/^(.*)$/, (fixed) => ({ min: parseDuration(fixed), max: parseDuration(fixed) })],
];

/**
 * Parses a delay of the command line, such as `1..5`, `3`, `normal:3,0.5` for a mean and a standard
 * deviation, or `lognormal:2,0.5` for a median and sigma. Times are in seconds or have a unit, such
 * as `500ms`.
 *
 * @throws {RangeError} if the text has another form, or a number is out of range.
 */
export function parseDelay(text: string): Delay {
  for (const [form, read] of FORMS) {
    const match = form.exec(text);
    if (match === null) continue;
    const delay = read(match[1]!, match[2]!);
    try {
      delayPolicy(delay);
      return delay;
    } catch {
      break;
    }
  }
  throw new RangeError(
    "expected a delay of at most a day, such as 1..5, 3, 500ms, normal:3,0.5 or lognormal:2,0.5, " +
      `got ${JSON.stringify(text)}`,
  );
}
