import { assert, assertEquals } from "@std/assert";
import { randomIntegers } from "../tests/support/random.ts";
import { jitter } from "./backoff.ts";

const RANGE = { first: 500, most: 30_000 };

Deno.test("jitter() doubles its limit up to a maximum", () => {
  const waits = Array.from({ length: 9 }, (_, attempt) => jitter(RANGE, attempt, () => 0.5));
  assertEquals(waits, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  assertEquals(jitter(RANGE, 1e6, () => 1), 30_000);
});

Deno.test("jitter() uses the whole range from 0 to its limit", () => {
  const random = randomIntegers(3);
  for (const [attempt, limit] of [[0, 500], [3, 4000], [20, 30_000]] as const) {
    const waits = Array.from(
      { length: 2000 },
      () => jitter(RANGE, attempt, () => random(2 ** 20) / 2 ** 20),
    );
    assert(waits.every((wait) => wait >= 0 && wait < limit));
    for (let tenth = 0; tenth < 10; tenth++) {
      const within = waits.filter((wait) => Math.floor(wait / limit * 10) === tenth);
      assert(within.length > 100, `${within.length} of ${waits.length} in tenth ${tenth}`);
    }
  }
});
