/**
 * Waiting for what tells nobody that it has happened.
 *
 * @module
 */

import { delay } from "@std/async/delay";

/** How long anything may take before a test gives up, in milliseconds; machines may be busy. */
export const PATIENCE = 20_000;

/** Resolves once `holds` does; rejects with `what` if that takes longer than `patience` milliseconds. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patience: number = PATIENCE,
): Promise<void> {
  const end = performance.now() + patience;
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}`);
    await delay(2);
  }
}
