/**
 * Counts of each worker that the others need, for limits that hold for all together.
 *
 * @module
 */

/** Counts, or their changes, by name. */
export type Counts = ReadonlyMap<string, number>;

/** The name of requests in flight. */
export const IN_FLIGHT = "in flight";

/** The name of all admitted clients; those of a network have its name. */
export const ADMITTED = "admitted";

/** Adds changes to counts. A count of 0 takes no memory. */
export function addCounts(counts: Map<string, number>, changes: Counts): void {
  for (const [name, change] of changes) {
    const count = (counts.get(name) ?? 0) + change;
    if (count === 0) counts.delete(name);
    else counts.set(name, count);
  }
}
