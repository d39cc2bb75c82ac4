import { assert, assertEquals, assertThrows } from "@std/assert";
import { readMeasurements, readReports } from "./measurements.ts";
import { costs, plan } from "./plan.ts";
import { fillIn, partsOf } from "./report.ts";
import { simulate } from "./simulation.ts";

const measured = await readMeasurements();
const reported = await readReports();

/** Without what `deno fmt` does to tables. */
function plainly(text: string): string {
  return text.replace(/ +/g, " ").replace(/-+/g, "-");
}

Deno.test("docs/scaling.md says what is reckoned: else, deno task scaling", async () => {
  const text = await Deno.readTextFile(new URL("../docs/scaling.md", import.meta.url));
  assertEquals(plainly(fillIn(text, partsOf(measured, reported))), plainly(text));
});

Deno.test("docs/scaling.md has no part that is not reckoned", async () => {
  const text = await Deno.readTextFile(new URL("../docs/scaling.md", import.meta.url));
  const marked = [...text.matchAll(/<!-- reckoned: (\w+) -->/g)].map(([, name]) => name);
  assertEquals(marked.toSorted(), Object.keys(partsOf(measured, reported)).toSorted());
  assertThrows(() => fillIn("", { x: "" }), Error, "<!-- reckoned: x -->");
});

Deno.test("simulate() has the processor's share come out that it was given the costs of", () => {
  const shared = reported.loads.filter(({ protocol }) => protocol === "asyncpkt.v1");
  const { few } = costs(measured, reported);
  for (const { rate, processor } of shared) {
    const { utilisation } = simulate({ ...few, rate, inBursts: true });
    assert(Math.abs(utilisation - processor) < 0.03, `${rate}/s: ${utilisation}, ${processor}`);
  }
});

Deno.test("simulate() is not far from the lateness that was measured of the middle", () => {
  const { few } = costs(measured, reported);
  for (const { protocol, rate, p50 } of reported.loads) {
    if (protocol !== "asyncpkt.v1") continue;
    const modelled = simulate({ ...few, rate, inBursts: true }).p50;
    assert(modelled > p50 / 2 && modelled < 2 * p50, `${rate}/s: ${modelled} ms, ${p50} ms`);
  }
});

Deno.test("simulate() gives what queues give: fuller is later, and past full without end", () => {
  const load = { perRequest: 0.02, perTurn: 0.1, inBursts: false };
  const p99 = (rate: number) => simulate({ ...load, rate }).p99;
  assert(p99(1_000) < p99(47_000));
  assert(p99(47_000) < p99(60_000) / 10);
  assertEquals(simulate({ ...load, rate: 1_000 }), simulate({ ...load, rate: 1_000 }));
});

Deno.test("plan() grows with what is asked for, and has room", () => {
  const of = (connections: number, rate: number) =>
    plan({ name: "", connections, rate }, measured, reported);
  assertEquals(of(10, 10).processes, 1);
  assertEquals(of(10_001, 10_001).processesByConnections, 2);
  assert(of(1_000, 1_000_000).processesByRequests > of(1_000, 100_000).processesByRequests);
  assert(of(100_000, 1).pings > 0);
  assertEquals(of(100_000, 100_000).pings, 0);
  assert(of(1_000_000, 333_333).memory > of(1_000_000, 16_667).memory);
});
