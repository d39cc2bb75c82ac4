/**
 * What the workers of a server share: memory, in which each has a row of its own that it alone writes.
 * Whoever wants to know how the server is adds the rows up; nobody has to be asked.
 *
 * A worker that has been ended may go on for a moment. So its row is left as it is: what it has done still
 * counts, what it was doing no longer does, and its successor takes another. That is why each worker has
 * two rows, in turn; what stood in one that is taken again goes into the last row, which is the main
 * thread's. So no count ever goes back.
 *
 * @module
 */

import type { HashKey } from "../../protocol/secret_hash.ts";
import { Figures } from "../../server/server_stats.ts";
import { BROKEN_OFF_CELLS } from "./broken_off.ts";
import { networkCells } from "./networks.ts";

/** How the worker of a row is. */
export const enum State {
  /** There is none, or none any more. */
  Absent,
  Well,
  /** It runs, but has given no sign of life for too long. */
  Silent,
}

/** What stands in a row after the figures. */
const enum Cell {
  State,
  Beats,
  /** How many batches of events the main thread has dealt with. */
  Told,
}
const OWN_CELLS = 3;

/** Workers on different cores that write into one cache line hold each other up; in cells. */
const CACHE_LINE = 16;

const ROW = Math.ceil((Figures.CELLS + OWN_CELLS) / CACHE_LINE) * CACHE_LINE;

/** What of it is sent to a worker. */
export interface LedgerParts {
  readonly rows: SharedArrayBuffer;
  readonly networks: SharedArrayBuffer;
  readonly brokenOff: SharedArrayBuffer;
  readonly key: HashKey;
  /** When the server started, in milliseconds since 1970. */
  readonly startedAt: number;
}

/** The memory of a server with `size` workers, each of which may admit `peers` at most. */
export function makeLedger(size: number, peers: number, key: HashKey): LedgerParts {
  const rows = 2 * size + 1;
  return {
    rows: new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * ROW * rows),
    networks: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * networkCells(peers) * rows),
    brokenOff: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * BROKEN_OFF_CELLS),
    key,
    startedAt: performance.timeOrigin,
  };
}

/** One row. */
export class Row {
  readonly figures: Figures;
  /** The table of its {@linkcode Networks}. */
  readonly networks: Int32Array;
  readonly #own: Float64Array;
  /** The batches, where they can be waited for. */
  readonly told: Int32Array;

  constructor(cells: Float64Array, networks: Int32Array) {
    this.figures = new Figures(cells.subarray(0, Figures.CELLS));
    this.networks = networks;
    this.#own = cells.subarray(Figures.CELLS);
    const at = cells.byteOffset + (Figures.CELLS + Cell.Told) * Float64Array.BYTES_PER_ELEMENT;
    this.told = new Int32Array(cells.buffer, at, 1);
  }

  get state(): State {
    return this.#own[Cell.State]!;
  }

  set state(state: State) {
    this.#own[Cell.State] = state;
  }

  /** How many signs of life it has given. */
  get beats(): number {
    return this.#own[Cell.Beats]!;
  }

  /** Gives a sign of life. */
  beat(): void {
    this.#own[Cell.Beats]!++;
  }

  /** Whether its worker runs. */
  get isLive(): boolean {
    return this.state !== State.Absent;
  }

  /** Adds its figures to others; of a worker that has ended, what was in flight has been dropped. */
  addTo({ cells, counters, gauges }: Figures): void {
    const { isLive, figures } = this;
    const inFlight = figures.counters.inFlight[0]!;
    const { connections, admitted, heap } = figures.gauges;
    for (let i = 0; i < cells.length; i++) cells[i]! += figures.cells[i]!;
    if (isLive) return;
    counters.dropped += inFlight;
    counters.inFlight[0]! -= inFlight;
    gauges.connections -= connections;
    gauges.admitted -= admitted;
    gauges.heap -= heap;
  }

  /** Empties it for another worker. */
  clear(): void {
    this.figures.cells.fill(0);
    this.networks.fill(0);
    this.#own.fill(0);
  }
}

/** All rows. */
export class Ledger {
  readonly rows: readonly Row[];

  constructor({ rows, networks }: LedgerParts) {
    const cells = new Float64Array(rows);
    const peers = new Int32Array(networks);
    const size = cells.length / ROW;
    const share = peers.length / size;
    this.rows = Array.from(
      { length: size },
      (_, i) =>
        new Row(cells.subarray(i * ROW, (i + 1) * ROW), peers.subarray(i * share, (i + 1) * share)),
    );
  }

  /** The figures of all workers, added up. */
  sum(): Figures {
    const sum = new Figures();
    for (const row of this.rows) row.addTo(sum);
    return sum;
  }

  /** The row for a worker's `generation`, an integer; only for the main thread. */
  take(worker: number, generation: number): Row {
    const row = this.rows[2 * worker + generation % 2]!;
    row.addTo(this.rows.at(-1)!.figures);
    row.clear();
    return row;
  }
}
