import { assertStrictEquals } from "@std/assert";
import { progressLine } from "./progress.ts";

Deno.test("progressLine() has a bar where the total is known", () => {
  const cases: [done: number, total: number | undefined, line: string][] = [
    [0, 10, `[${"-".repeat(30)}] 0/10`],
    [5, 10, `[${"#".repeat(15)}${"-".repeat(15)}] 5/10`],
    [10, 10, `[${"#".repeat(30)}] 10/10`],
    [0, 0, `[${"-".repeat(30)}] 0/0`],
    [1234, undefined, "1234"],
  ];
  for (const [done, total, line] of cases) {
    assertStrictEquals(progressLine(done, total, "3 in flight"), `${line} 3 in flight`);
  }
});
