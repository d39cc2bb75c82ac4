import { assert, assertEquals } from "@std/assert";
import { networkCells, Networks } from "./networks.ts";

const key = { basis: 7, factor: 13 };

Deno.test("Networks are counted where others see them", () => {
  const cells = new Int32Array(networkCells(100));
  const own = new Networks(cells, key);
  const other = new Networks(new Int32Array(networkCells(100)), key);
  own.note("192.0.2.1", 1);
  own.note("192.0.2.1", 2);
  own.note("192.0.2.2", 1);
  const seen = () => ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((n) => other.countIn(cells, n));
  assertEquals(seen(), [2, 1, 0]);
  own.note("192.0.2.1", 0);
  assertEquals(seen(), [0, 1, 0]);
  own.note("192.0.2.1", 1);
  assertEquals(seen(), [1, 1, 0]);
});

Deno.test("Networks have room for as many as are admitted, but for very few, and no end of others", () => {
  const cells = new Int32Array(networkCells(10_000));
  const networks = new Networks(cells, key);
  const names = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 8}.${i & 255}.7`);
  for (let round = 0; round < 3; round++) {
    for (const name of names) networks.note(`${round}.${name}`, 3);
    const counts = names.map((name) => networks.countIn(cells, `${round}.${name}`));
    assert(counts.filter((count) => count === 3).length > 9900);
    assertEquals(networks.countIn(cells, "elsewhere"), 0);
    for (const name of names) networks.note(`${round}.${name}`, 0);
  }
  assert(cells.every((cell, i) => i % 2 === 0 || cell === 0));
});

Deno.test("networkCells() is a power of two, within bounds", () => {
  const sizes = [1, 2, 1000, 10_000, 1e9].map(networkCells);
  assertEquals(sizes, [16, 16, 8192, 131_072, 2_097_152]);
});
