import { assert, assertEquals } from "@std/assert";
import { fitAxis, marksOf } from "./axis.ts";

Deno.test("fitAxis() reaches as far as needed, and not much farther", () => {
  for (let longest = 1; longest < 1e7; longest *= 1.3) {
    const reach = fitAxis(6000, longest);
    assert(reach >= longest, `${reach} for ${longest}`);
    assert(reach <= Math.max(100, 4 * longest), `${reach} for ${longest}`);
    assertEquals(fitAxis(reach, longest), reach, "it stays the same");
  }
});

Deno.test("marksOf() returns a few marks, the first at 0 and none at the end", () => {
  for (let longest = 1; longest < 1e7; longest *= 1.3) {
    const reach = fitAxis(6000, longest);
    const marks = marksOf(reach);
    assert(marks.length >= 3 && marks.length <= 6, `${marks} of ${reach}`);
    assert(marks[0] === 0 && marks.at(-1)! < reach, `${marks} of ${reach}`);
  }
});
