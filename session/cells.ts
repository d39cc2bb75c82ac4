/**
 * Numbers that stand in memory of their own, which several workers may share.
 *
 * @module
 */

/**
 * Numbers by name, in cells one after the other.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { namedCells } from "./cells.ts";
 *
 * const cells = new Float64Array(2);
 * const numbers = namedCells(["cats", "dogs"], cells);
 * numbers.dogs++;
 * assertEquals([...cells], [0, 1]);
 * assertEquals(Object.entries(numbers), [["cats", 0], ["dogs", 1]]);
 * ```
 */
export function namedCells<Name extends string>(
  names: readonly Name[],
  cells: Float64Array,
): Record<Name, number> {
  const members = names.map((name, i) => [name, {
    enumerable: true,
    get: () => cells[i]!,
    set: (value: number) => void (cells[i] = value),
  }]);
  return Object.defineProperties({} as Record<Name, number>, Object.fromEntries(members));
}
