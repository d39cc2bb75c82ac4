import { assertStringIncludes } from "@std/assert";
import { type Goal, toMarkdown } from "./report.ts";

Deno.test("toMarkdown() shows a median with the digits that tell whether it reaches its goal", () => {
  const cases: [goal: Omit<Goal, "what" | "against">, shown: string, reached: string][] = [
    [{ values: [5.46, 9.96, 10.6], atLeast: 10, digits: 1 }, "9.96× (5.5 to 10.6)", "**no**"],
    [{ values: [9.9996], atLeast: 10, digits: 1 }, "9.9996× (10.0 to 10.0)", "**no**"],
    [{ values: [10.04], atLeast: 10, digits: 1 }, "10.0× (10.0 to 10.0)", "yes"],
    [{ values: [9.84], atLeast: 10, digits: 1 }, "9.8× (9.8 to 9.8)", "**no**"],
    [{ values: [9.97], atLeast: 9.96, digits: 1 }, "10.0× (10.0 to 10.0)", "yes"],
    [{ values: [9.96], atLeast: 9.96, digits: 0 }, "10× (10 to 10)", "yes"],
    [{ values: [2.504], atMost: 2.5, unit: "×" }, "2.504× (2.50 to 2.50)", "**no**"],
    [{ values: [2.5], atMost: 2.5, unit: "×" }, "2.50× (2.50 to 2.50)", "yes"],
    [{ values: [15.02], atMost: 15, digits: 1, unit: " ms" }, "15.02 ms (15.0 to 15.0)", "**no**"],
    [{ values: [0.1 + 0.2], atMost: 0.3 }, "0.30000000000000004 (0.30 to 0.30)", "**no**"],
    [{ values: [NaN], atLeast: 1 }, "NaN× (NaN to NaN)", "**no**"],
  ];
  for (const [goal, shown, reached] of cases) {
    const goals = [{ what: "it", against: "", ...goal }];
    const text = toMarkdown({ title: "", text: "", goals }).replaceAll(/ +/g, " ");
    assertStringIncludes(text, `| ${shown} | ${reached} |`);
  }
});
