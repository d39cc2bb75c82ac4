/**
 * Memory for the bytes of the requests in flight. Strings and objects would cost several times
 * their content, and the garbage collector would walk through and move them.
 *
 * @module
 */

/** Bytes of a unit: sizes and addresses of blocks are in units. */
const UNIT = 16;
const CHUNK_BITS = 14;
const UNITS_IN_CHUNK = 1 << CHUNK_BITS;
/** Blocks of more units than this get memory of their own. */
const MAX_UNITS = 256;
/** Bytes after any block that may be read; they may belong to another block. */
export const MARGIN = 8;

const NONE = -1;

/** Allocates blocks of bytes. A freed block goes to a list of its size and is used again. */
export class BlockAllocator {
  #chunks: Uint8Array[] = [];
  /** The chunks as integers: the first of a free block links to the next free block. */
  #links: Int32Array[] = [];
  #freeBlocks = new Int32Array(MAX_UNITS + 1).fill(NONE);
  /** Address of the unused rest of the last chunk. */
  #unused = 0;
  #end = 0;
  /** Blocks with memory of their own; their addresses are negative. */
  #large: (Uint8Array | undefined)[] = [];
  #freeLarge: number[] = [];

  /** Allocates a block of at least `length` bytes; returns its address. */
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

  /** Frees a block that was allocated with `length`. */
  free(address: number, length: number): void {
    if (address < 0) {
      this.#large[~address] = undefined;
      this.#freeLarge.push(address);
    } else {
      this.#freeUnits(address, unitsFor(length));
    }
  }

  /** Returns the bytes that contain the block at `address`. */
  bytes(address: number): Uint8Array {
    return address < 0 ? this.#large[~address]! : this.#chunks[chunkOf(address)]!;
  }

  /** Returns the offset of the block in {@linkcode BlockAllocator.bytes}. */
  offset(address: number): number {
    return address < 0 ? 0 : (address & (UNITS_IN_CHUNK - 1)) * UNIT;
  }

  #allocateLarge(length: number): number {
    const address = this.#freeLarge.pop() ?? ~this.#large.length;
    this.#large[~address] = new Uint8Array(length + MARGIN);
    return address;
  }

  #addChunk(): void {
    // The rest of the last chunk is smaller than the largest block, so it becomes a free block.
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

/** Returns the index of the link of a free block among its chunk's integers. */
function linkOf(address: number): number {
  return (address & (UNITS_IN_CHUNK - 1)) * (UNIT / Int32Array.BYTES_PER_ELEMENT);
}
