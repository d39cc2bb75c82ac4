import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { randomIntegers } from "../tests/support/random.ts";
import { BlockAllocator, MARGIN } from "./block_allocator.ts";

/** Longest block that has no memory of its own, in bytes. */
const LARGE = 4096;

/** An allocator that fills each block with a mark. */
class Filled {
  readonly allocator = new BlockAllocator();
  readonly blocks: { address: number; length: number; mark: number }[] = [];
  #lastMark = 0;

  allocate(length: number): number {
    const address = this.allocator.allocate(length);
    const mark = ++this.#lastMark & 0xff;
    const at = this.allocator.offset(address);
    assert(at + length <= this.allocator.bytes(address).length, `no room for ${length} at ${at}`);
    this.allocator.bytes(address).fill(mark, at, at + length);
    this.blocks.push({ address, length, mark });
    return address;
  }

  /** Frees the block at `index` after checking its mark. */
  free(index: number): void {
    const { address, length, mark } = this.blocks[index]!;
    const at = this.allocator.offset(address);
    const bytes = this.allocator.bytes(address).subarray(at, at + length);
    assert(bytes.every((byte) => byte === mark), `the block at ${address} was overwritten`);
    this.blocks[index] = this.blocks.at(-1)!;
    this.blocks.pop();
    this.allocator.free(address, length);
  }

  freeAll(): void {
    while (this.blocks.length > 0) this.free(this.blocks.length - 1);
  }
}

Deno.test("allocate() returns blocks of every length that do not overlap", () => {
  const filled = new Filled();
  const addresses = new Set<number>();
  for (let length = 1; length <= LARGE + 100; length++) addresses.add(filled.allocate(length));
  assertStrictEquals(addresses.size, LARGE + 100);
  filled.freeAll();
});

Deno.test("allocate() uses a freed block of the same size again", () => {
  for (const length of [1, 3, 31, 32, 33, 100, LARGE - 1, LARGE, LARGE + 1, 1 << 20]) {
    const { allocator } = new Filled();
    const [one, other] = [allocator.allocate(length), allocator.allocate(length)];
    allocator.free(one, length);
    allocator.free(other, length);
    const again = [allocator.allocate(length), allocator.allocate(length)];
    assertEquals(again.sort(), [one, other].sort(), `${length}`);
  }
});

Deno.test("allocate() uses the rest of a chunk that was too small for the last block", () => {
  const filled = new Filled();
  // 65 of these fill a chunk of 2^18 bytes except 2,144.
  for (let i = 0; i < 66; i++) filled.allocate(LARGE - 96);
  const last = filled.blocks.at(-1)!;
  const chunk = filled.allocator.bytes(filled.blocks[0]!.address);
  assert(filled.allocator.bytes(last.address) !== chunk, "there is no second chunk");
  const rest = (chunk.length - MARGIN) % (LARGE - 96);
  assertStrictEquals(filled.allocator.bytes(filled.allocate(rest)), chunk);
  filled.freeAll();
});

Deno.test("allocate() takes no more memory for the same blocks again", () => {
  const random = randomIntegers(1);
  const lengths = Array.from({ length: 5000 }, (_, i) => 1 + random(i % 10 === 0 ? 9000 : 200));
  const filled = new Filled();
  const addresses = new Set(lengths.map((length) => filled.allocate(length)));
  for (let round = 0; round < 10; round++) {
    while (filled.blocks.length > 0) filled.free(random(filled.blocks.length));
    for (const length of lengths) {
      assert(addresses.has(filled.allocate(length)), `round ${round} takes more memory`);
    }
  }
});

Deno.test("free() releases the memory of a large block", () => {
  const allocator = new BlockAllocator();
  const address = allocator.allocate(1 << 20);
  assertLess(address, 0);
  allocator.free(address, 1 << 20);
  assertStrictEquals(allocator.bytes(address), undefined);
  assertStrictEquals(allocator.allocate(1 << 21), address);
  assertStrictEquals(allocator.bytes(address).length, (1 << 21) + MARGIN);
});

Deno.test("BlockAllocator keeps blocks apart through random calls of allocate() and free()", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = randomIntegers(seed);
    const filled = new Filled();
    for (let i = 0; i < 3000; i++) {
      // Grows for some time, then shrinks.
      const isGrowing = i % 1000 < 600;
      if (filled.blocks.length > 0 && random(10) < (isGrowing ? 3 : 8)) {
        filled.free(random(filled.blocks.length));
      } else {
        filled.allocate(1 + random(random(10) === 0 ? 3 * LARGE : 300));
      }
    }
    filled.freeAll();
  }
});
