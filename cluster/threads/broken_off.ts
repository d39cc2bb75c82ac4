/**
 * Which requests have broken off a connection on purpose, in memory that workers share: whichever of them
 * gets such a request again spares it.
 *
 * @module
 */

import type { DisconnectedIds } from "../../session/plan.ts";
import { type HashKey, hashText } from "../../protocol/secret_hash.ts";

/** How many cells it takes; a power of two. */
export const BROKEN_OFF_CELLS = 1 << 16;

/** Remembers ids by their hashes; a newer one may displace an older. */
export class SharedBrokenOff implements DisconnectedIds {
  readonly #cells: Int32Array;
  readonly #key: HashKey;

  constructor(cells: Int32Array, key: HashKey) {
    this.#cells = cells;
    this.#key = key;
  }

  add(id: string): void {
    const hash = this.#hash(id);
    Atomics.store(this.#cells, hash & BROKEN_OFF_CELLS - 1, hash);
  }

  delete(id: string): boolean {
    const hash = this.#hash(id);
    const cell = hash & BROKEN_OFF_CELLS - 1;
    return Atomics.compareExchange(this.#cells, cell, hash, 0) === hash;
  }

  /** Never 0, which is nobody's. */
  #hash(id: string): number {
    return hashText(id, this.#key) || 1;
  }
}
