import { assertEquals } from "@std/assert";
import { retryDelay } from "./connection.ts";

Deno.test("retryDelay() returns a random part of a delay that doubles up to 30 s", () => {
  const delays = (random: number) => [0, 1, 2, 9].map((failures) => retryDelay(failures, random));
  assertEquals(delays(1), [1000, 2000, 4000, 30_000]);
  assertEquals(delays(0), [500, 1000, 2000, 15_000]);
});
