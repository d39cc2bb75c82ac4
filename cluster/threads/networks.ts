/**
 * How many peers of each network the workers of a server have admitted, in memory that they share.
 *
 * Each worker writes only in a table of its own, and looks into those of the others, so nothing is locked
 * and none waits for another. A network stands there as its hash, with a key that nobody outside knows.
 *
 * @module
 */

import { type HashKey, hashText } from "../../protocol/secret_hash.ts";

/** How many networks of one hash's bucket find room; of 10,000 networks, one or two do not. */
const WAYS = 8;

/** A network is its hash, and how many peers it has. */
const SLOT = 2;

/** The largest number of buckets, a power of two: 8 MiB for each worker. */
const MAX_BUCKETS = 1 << 17;

/** How many cells the table of a worker takes, where so many peers are admitted at most. */
export function networkCells(peers: number): number {
  const buckets = 2 ** Math.ceil(Math.log2(Math.max(peers / 2, 1)));
  return SLOT * WAYS * Math.min(buckets, MAX_BUCKETS);
}

/** The table of a worker. */
export class Networks {
  readonly #own: Int32Array;
  readonly #key: HashKey;
  /** Where each network of this worker stands. */
  readonly #slots = new Map<string, number>();

  constructor(own: Int32Array, key: HashKey) {
    this.#own = own;
    this.#key = key;
  }

  /** Notes how many peers of a network this worker has admitted. */
  note(network: string, count: number): void {
    let slot = this.#slots.get(network);
    if (slot === undefined) {
      const hash = hashText(network, this.#key);
      slot = this.#find(this.#own, hash, (slot) => this.#own[slot + 1] === 0);
      // Where there is no room, the others do not hear of it: their limit then holds without it.
      if (slot === undefined) return;
      this.#slots.set(network, slot);
      this.#own[slot] = hash;
    }
    this.#own[slot + 1] = count;
    if (count === 0) this.#slots.delete(network);
  }

  /** How many peers of a network stand in the table of another worker. */
  countIn(cells: Int32Array, network: string): number {
    const hash = hashText(network, this.#key);
    const slot = this.#find(cells, hash, (slot) => cells[slot] === hash && cells[slot + 1]! > 0);
    return slot === undefined ? 0 : cells[slot + 1]!;
  }

  #find(cells: Int32Array, hash: number, is: (slot: number) => boolean): number | undefined {
    const bucket = SLOT * WAYS;
    const first = bucket * (hash & (cells.length / bucket - 1));
    for (let slot = first; slot < first + bucket; slot += SLOT) if (is(slot)) return slot;
    return undefined;
  }
}
