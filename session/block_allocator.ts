/**
 * Memory for the bytes of the requests in flight.
 *
 * Strings and objects cost several times their content, and the garbage collector walks and moves them
 * while they wait. Blocks in large chunks cost what they hold, rounded up, and it never looks inside.
 *
 * @module
 */

/** Blocks are whole units; their addresses count units. */
const UNIT = 16;
const CHUNK_BITS = 14;
const UNITS_IN_CHUNK = 1 << CHUNK_BITS;
/** Blocks of more units than this get memory of their own. */
const MAX_UNITS = 256;
/** How many bytes behind any block may be read; they may be another block's. */
export const MARGIN = 8;

const NONE = -1;

/**
 * Allocates blocks of bytes. A freed block is kept in a list of its size and given out again.
 */
export class BlockAllocator {
  #chunks: Uint8Array[] = [];
  /** The same chunks as integers: the first of a free block links to the next free one. */
  #links: Int32Array[] = [];
  #freeBlocks = new Int32Array(MAX_UNITS + 1).fill(NONE);
  /** Where the part of the last chunk begins that was never used; in units. */
  #unused = 0;
  #end = 0;
  /** Blocks with memory of their own: the addresses below zero. */
  #large: (Uint8Array | undefined)[] = [];
  #freeLarge: number[] = [];

  /** Allocates a block of `length` bytes or a little more; returns its address. */
  allocate(length: number): number {
    const units = unitsFor(length);
    if (units > MAX_UNITS) return this.#allocateLarge(length);
    const free = this.#freeBlocks[units]!;
    if (free !== NONE) {
      this.#freeBlocks[units] = this.#links[chunkOf(free)]![linkOf(free)]!;
      return free;
    }
    if (this.#end - this.#unused < units) this.#addChunk();
    const address = this.#unused;
    this.#unused += units;
    return address;
  }

  /** Gives a block back that was allocated with `length`. */
  free(address: number, length: number): void {
    if (address < 0) {
      this.#large[~address] = undefined;
      this.#freeLarge.push(address);
    } else {
      this.#freeUnits(address, unitsFor(length));
    }
  }

  /** The bytes among which the block at `address` is. */
  bytes(address: number): Uint8Array {
    return address < 0 ? this.#large[~address]! : this.#chunks[chunkOf(address)]!;
  }

  /** Where in {@linkcode BlockAllocator.bytes} the block begins. */
  offset(address: number): number {
    return address < 0 ? 0 : (address & (UNITS_IN_CHUNK - 1)) * UNIT;
  }

  #allocateLarge(length: number): number {
    const address = this.#freeLarge.pop() ?? ~this.#large.length;
    this.#large[~address] = new Uint8Array(length + MARGIN);
    return address;
  }

  #addChunk(): void {
    // What is left of the last chunk is smaller than a block can be, so it is a block of some size.
    if (this.#unused < this.#end) this.#freeUnits(this.#unused, this.#end - this.#unused);
    const buffer = new ArrayBuffer(UNITS_IN_CHUNK * UNIT + MARGIN);
    this.#unused = this.#chunks.length * UNITS_IN_CHUNK;
    this.#end = this.#unused + UNITS_IN_CHUNK;
    this.#chunks.push(new Uint8Array(buffer));
    this.#links.push(new Int32Array(buffer));
  }

  #freeUnits(address: number, units: number): void {
    this.#links[chunkOf(address)]![linkOf(address)] = this.#freeBlocks[units]!;
    this.#freeBlocks[units] = address;
  }
}

function unitsFor(length: number): number {
  return Math.ceil(length / UNIT);
}

function chunkOf(address: number): number {
  return address >>> CHUNK_BITS;
}

/** Where the link of the free block at `address` is among its chunk's integers. */
function linkOf(address: number): number {
  return (address & (UNITS_IN_CHUNK - 1)) * (UNIT / Int32Array.BYTES_PER_ELEMENT);
}
