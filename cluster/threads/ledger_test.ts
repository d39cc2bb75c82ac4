import { assertEquals } from "@std/assert";
import { randomKey } from "../../protocol/secret_hash.ts";
import { Ledger, makeLedger, type Row, State } from "./ledger.ts";
import { Member } from "./member.ts";

/** Begins a worker that has answered 10, and has 2 requests in flight on 3 connections. */
function begin(row: Row): Row {
  row.state = State.Well;
  const { counters, gauges } = row.figures;
  counters.answered = 10;
  counters.errors.overloaded = 1;
  counters.inFlight[0] = 2;
  gauges.connections = gauges.admitted = 3;
  gauges.abandoned = 1;
  return row;
}

function sumOf(ledger: { sum: Ledger["sum"] }) {
  const { counters: { answered, dropped, errors, inFlight }, gauges } = ledger.sum();
  const { connections, admitted, abandoned } = gauges;
  return [answered, errors.overloaded, dropped, inFlight[0], connections, admitted, abandoned];
}

Deno.test("Ledger adds up what workers do, and keeps what those did that have ended", () => {
  const ledger = new Ledger(makeLedger(2, 100, randomKey()));
  begin(ledger.take(1, 0));
  for (let generation = 0; generation < 5; generation++) {
    const done = [10 * (generation + 2), generation + 2];
    const row = begin(ledger.take(0, generation));
    assertEquals(sumOf(ledger), [...done, 2 * generation, 4, 6, 6, generation + 2]);
    row.state = State.Absent;
    assertEquals(sumOf(ledger), [...done, 2 * (generation + 1), 2, 3, 3, generation + 2]);
    // It may not have noticed yet; what it answers now has not been dropped.
    row.figures.counters.answered++;
    row.figures.counters.inFlight[0]!--;
    assertEquals(sumOf(ledger).slice(0, 4), [done[0]! + 1, done[1], 2 * generation + 1, 2]);
    row.figures.counters.answered--;
    row.figures.counters.inFlight[0]!++;
  }
});

Deno.test("Member sees the others that run, and how they are", () => {
  const parts = makeLedger(3, 100, randomKey());
  const ledger = new Ledger(parts);
  const [a, b] = [0, 1].map((worker) => begin(ledger.take(worker, 0))) as [Row, Row];
  const member = new Member(parts, ledger.rows.indexOf(a));
  const other = new Member(parts, ledger.rows.indexOf(b));
  assertEquals([member.size, member.isWell, member.inFlightOfOthers(0)], [2, true, 2]);
  assertEquals([member.admittedByOthers(), sumOf(member)[0]], [3, 20]);
  other.noteAdmitted("192.0.2.1", 3);
  assertEquals(member.admittedByOthersFrom("192.0.2.1"), 3);
  assertEquals(other.admittedByOthersFrom("192.0.2.1"), 0);

  b.figures.counters.inFlight[0] = 7;
  assertEquals([member.inFlightOfOthers(0.5), member.inFlightOfOthers(1)], [2, 7]);
  b.state = State.Silent;
  assertEquals([member.size, member.isWell], [2, false]);
  b.state = State.Absent;
  assertEquals([member.size, member.isWell, member.inFlightOfOthers(2)], [1, true, 0]);
  assertEquals([member.admittedByOthers(), member.admittedByOthersFrom("192.0.2.1")], [0, 0]);
});
