/**
 * How many a second.
 *
 * @module
 */

/** Over how long a rate is taken, in milliseconds. */
const WINDOW = 1000;

/** How exactly, in milliseconds. */
const STEP = 100;

/**
 * Counts what happened in the last second.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Rate } from "./rate.ts";
 *
 * const rate = new Rate();
 * for (let i = 0; i < 20; i++) rate.add(i * 100);
 * assertEquals(rate.at(1950), 10);
 * assertEquals(rate.at(9999), 0);
 * ```
 */
export class Rate {
  #steps: { at: number; count: number }[] = [];

  /** Something happened. */
  add(now: number): void {
    const at = Math.floor(now / STEP);
    const last = this.#steps.at(-1);
    if (last?.at === at) last.count++;
    else this.#steps.push({ at, count: 1 });
  }

  /** How often in the second that ends now. */
  at(now: number): number {
    const from = Math.floor(now / STEP) - WINDOW / STEP;
    this.#steps = this.#steps.filter(({ at }) => at > from);
    return this.#steps.reduce((sum, { count }) => sum + count, 0);
  }
}
