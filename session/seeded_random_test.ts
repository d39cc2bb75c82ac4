import { assertLess } from "@std/assert";
import { RandomStream, seededRandom } from "./seeded_random.ts";

const COUNT = 20_000;
const SEEDS = [0, 1, -1, 7, 2 ** 32, Number.MAX_SAFE_INTEGER];

function numbersFor(
  seed: number,
  purpose: typeof RandomStream[keyof typeof RandomStream],
): number[] {
  const encoder = new TextEncoder();
  const decide = seededRandom(seed, purpose);
  return Array.from({ length: COUNT }, (_, i) => {
    const id = encoder.encode(JSON.stringify(String(i)));
    return decide(id, 0, id.length);
  });
}

Deno.test("seededRandom() returns independent numbers for different purposes", () => {
  for (const seed of SEEDS) {
    const rows = Object.values(RandomStream).map((purpose) => numbersFor(seed, purpose));
    for (const [i, row] of rows.entries()) {
      for (const other of rows.slice(i + 1)) {
        // Pairs fill the fields of a board of ten by ten equally, within six deviations.
        const board = new Array<number>(100).fill(0);
        for (const [k, x] of row.entries()) {
          board[10 * Math.floor(10 * x) + Math.floor(10 * other[k]!)]!++;
        }
        const expected = COUNT / board.length;
        for (const count of board) {
          assertLess(Math.abs(count - expected), 6 * Math.sqrt(expected), `seed ${seed}: ${board}`);
        }
      }
    }
  }
});
