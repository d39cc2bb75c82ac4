import { assertEquals } from "@std/assert";
import { TRIALS } from "./trials.ts";

/** Failure tests that have tests of their own, or take long. */
const ELSEWHERE = /^(packets|codec|frames|nats|lateness|soak)/;

for (const { name, title, run } of TRIALS) {
  if (ELSEWHERE.test(name)) continue;
  // Only Linux shows memory and files in /proc.
  Deno.test(`${name}: ${title}`, { ignore: Deno.build.os !== "linux" }, async () => {
    const { lost, failures } = await run({ seed: 7, duration: 500, isQuick: true });
    assertEquals([lost, failures], [0, []]);
  });
}
