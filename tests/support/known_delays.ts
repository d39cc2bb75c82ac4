/**
 * Requests whose delays a test knows beforehand.
 *
 * @module
 */

import { type DelayRange, uniformDelay } from "../../session/delays.ts";

/** Gives ids that a server with this range and seed delays by `least` to `most` milliseconds. */
export function idDelayedBy(
  { delay, seed }: { delay: DelayRange; seed: number },
  least: number,
  most: number,
): string {
  const policy = uniformDelay(delay, seed);
  const encoder = new TextEncoder();
  for (let i = 0;; i++) {
    const bytes = encoder.encode(JSON.stringify(`id${i}`));
    const given = policy.delayOf(bytes, 0, bytes.length);
    if (given >= least && given <= most) return `id${i}`;
  }
}
