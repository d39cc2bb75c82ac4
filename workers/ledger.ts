/**
 * What the workers of a server share: memory, in which each has a row of its own that it alone writes
 * while it runs. Whoever wants to know how the server is adds the rows up; nobody has to be asked. The
 * row of a worker that has died stays, and its successor counts on in it, so no count ever goes back.
 *
 * @module
 */

import type { HashKey } from "../protocol/secret_hash.ts";
import { Figures } from "../server/figures.ts";
import { BROKEN_OFF_CELLS } from "./broken_off.ts";
import { networkCells } from "./networks.ts";

/** How a worker is. */
export const enum State {
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
  return {
    rows: new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * ROW * size),
    networks: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * networkCells(peers) * size),
    brokenOff: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * BROKEN_OFF_CELLS),
    key,
    startedAt: performance.timeOrigin,
  };
}

/** One worker's row. */
export class Row {
  readonly figures: Figures;
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

  /** Notes that the worker has died, with all that was in flight with it. */
  retire(): void {
    const { counters, gauges } = this.figures;
    counters.dropped += counters.inFlight[0]!;
    counters.inFlight[0] =
      gauges.connections =
      gauges.admitted =
      gauges.heap =
        0;
    this.networks.fill(0);
    this.told[0] = 0;
    this.state = State.Absent;
  }
}

/** The rows of all workers. */
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
    for (const { figures: { cells } } of this.rows) {
      for (let i = 0; i < cells.length; i++) sum.cells[i]! += cells[i]!;
    }
    return sum;
  }
}
