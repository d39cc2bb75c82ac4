/**
 * What a server has done and how it is, in numbers: cells of one array, so that workers can share them.
 *
 * @module
 */

import { namedCells } from "../session/cells.ts";
import { Counters } from "../session/counters.ts";

const GAUGES = ["connections", "admitted", "abandoned", "heap"] as const;

/** The numbers of a server, or of one of its workers. */
export class Figures {
  /** How many cells they take. */
  static readonly CELLS: number = Counters.CELLS + GAUGES.length;

  /** What stands for all of them. */
  readonly cells: Float64Array;
  /** What has happened in sessions. */
  readonly counters: Counters;
  /**
   * How it is now: `connections` that are open; peers `admitted` that have not left, POSTs among them;
   * upgrades that never opened, `abandoned`; bytes that JavaScript uses, `heap`.
   */
  readonly gauges: Record<typeof GAUGES[number], number>;

  /** @param cells where they stand: as many as {@linkcode Figures.CELLS}. */
  constructor(cells: Float64Array = new Float64Array(Figures.CELLS)) {
    this.cells = cells;
    this.counters = new Counters(cells.subarray(0, Counters.CELLS));
    this.gauges = namedCells(GAUGES, cells.subarray(Counters.CELLS));
  }
}
