import { assertEquals } from "@std/assert";
import { readLcov, uncovered } from "./branch_coverage.ts";

const LCOV = `SF:protocol/a.ts
FN:3,a
FNDA:1,a
BRDA:7,0,0,12
BRDA:9,1,0,0
BRDA:12,2,0,-
DA:7,0
BRF:3
BRH:1
end_of_record
SF:protocol/b.ts
DA:1,1
BRF:0
BRH:0
end_of_record
`;

function branches(count: number, missed: number[]): string {
  const lines = Array.from(
    { length: count },
    (_, i) => `BRDA:${i + 1},0,0,${missed.includes(i + 1) ? 0 : 1}`,
  );
  return `SF:c.ts\n${lines.join("\n")}\nend_of_record\n`;
}

Deno.test("readLcov() returns the number of branches and the lines of the missed ones", () => {
  assertEquals(readLcov(LCOV), [
    { file: "protocol/a.ts", branches: 3, missed: [9, 12] },
    { file: "protocol/b.ts", branches: 0, missed: [] },
  ]);
  assertEquals(readLcov(""), []);
});

Deno.test("uncovered() returns every missed branch of a module below 95 %", () => {
  assertEquals(uncovered(readLcov(LCOV)), [
    "protocol/a.ts: expected tests of 95 % of the branches, got 33.3 %",
    "protocol/a.ts:9: no test takes this branch",
    "protocol/a.ts:12: no test takes this branch",
  ]);
  assertEquals(uncovered(readLcov(branches(40, [1, 2]))), []);
  assertEquals(uncovered(readLcov(branches(40, [1, 2, 30]))).length, 4);
});
