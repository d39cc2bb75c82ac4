import { assertEquals } from "@std/assert";
import { ServerStats } from "../../server/stats.ts";
import { FakeTime } from "../../tests/support/fake_time.ts";
import { Channel } from "./channel.ts";
import { Member } from "./member.ts";
import type { Counts, MainFunctions, WorkerFunctions } from "./messages.ts";

/** Shortest time between two reports of one of two workers, in milliseconds. */
const PERIOD = 10;

/**
 * Returns a member of two. It finds `server.inFlight` requests in flight; `took()` returns what it has sent
 * to the main thread since the last call.
 */
function join() {
  const server = { inFlight: 0 };
  const sent: unknown[][] = [];
  const postMessage = ({ name, args }: { name: string; args: unknown[] }) =>
    sent.push([name, ...args.map((arg) => arg instanceof Map ? Object.fromEntries(arg) : arg)]);
  const main = new Channel<WorkerFunctions, MainFunctions>(
    { onmessage: null, postMessage: (message) => postMessage(message as never) },
    {} as WorkerFunctions,
  );
  const member = new Member(main, () => server.inFlight, 2);
  const took = () => sent.splice(0);
  return { member, server, took };
}

function counts(record: Record<string, number>): Counts {
  return new Map(Object.entries(record));
}

Deno.test("Member reports admitted clients at once, then once in a period", async () => {
  using time = new FakeTime();
  const { member, took } = join();
  member.noteAdmitted("192.0.2.1", 1);
  member.noteAdmitted("192.0.2.2", 1);
  assertEquals(took(), []);
  await Promise.resolve();
  assertEquals(took(), [["addCounts", { "192.0.2.1": 1, "192.0.2.2": 1, admitted: 2 }]]);

  member.noteAdmitted("192.0.2.1", 1);
  member.noteAdmitted("192.0.2.2", -1);
  member.noteAdmitted("192.0.2.1", 1);
  await Promise.resolve();
  assertEquals(took(), []);
  time.pass(PERIOD);
  assertEquals(took(), [["addCounts", { "192.0.2.1": 2, "192.0.2.2": -1, admitted: 1 }]]);
  time.pass(10 * PERIOD);
  assertEquals([took(), time.timers], [[], 0]);
});

Deno.test("Member reports nothing when nothing has changed", async () => {
  using time = new FakeTime();
  const { member, took } = join();
  member.noteAdmitted("192.0.2.1", 1);
  member.noteAdmitted("192.0.2.1", -1);
  await Promise.resolve();
  time.pass(PERIOD);
  assertEquals([took(), time.timers], [[], 0]);
});

Deno.test("Member reports requests in flight at once, then once in a period, until there are none", async () => {
  using time = new FakeTime();
  const { member, server, took } = join();
  const request = async () => {
    assertEquals(member.inFlightElsewhere(), 0);
    server.inFlight++; // by the same frame
    await Promise.resolve();
    return took();
  };
  assertEquals(await request(), [["addCounts", { "in flight": 1 }]]);
  assertEquals(await request(), []);
  assertEquals(await request(), []);
  time.pass(PERIOD);
  assertEquals(took(), [["addCounts", { "in flight": 2 }]]);
  time.pass(500);
  assertEquals(took(), []);
  server.inFlight = 1;
  time.pass(100);
  assertEquals(took(), [["addCounts", { "in flight": -2 }]]);
  time.pass(PERIOD);
  assertEquals(await request(), [["addCounts", { "in flight": 1 }]]);
  server.inFlight = 0;
  time.pass(PERIOD);
  assertEquals(took(), [["addCounts", { "in flight": -2 }]]);
  time.pass(500);
  assertEquals([took(), time.timers], [[], 0]);
});

Deno.test("Member adds up the counts of all other workers", () => {
  const { member } = join();
  const elsewhere = () => [
    member.admittedElsewhere(),
    member.admittedElsewhere("192.0.2.1"),
    member.admittedElsewhere("192.0.2.2"),
  ];
  member.addCounts(counts({ admitted: 3, "192.0.2.1": 2, "192.0.2.2": 1 }));
  member.addCounts(counts({ admitted: 1, "192.0.2.1": 1 }));
  assertEquals(elsewhere(), [4, 3, 1]);
  member.addCounts(counts({ admitted: -3, "192.0.2.1": -2, "192.0.2.2": -1 }));
  assertEquals(elsewhere(), [1, 1, 0]);
});

Deno.test("Member.inFlightElsewhere() returns the sum of the other workers", async () => {
  using time = new FakeTime();
  const { member } = join();
  member.addCounts(counts({ "in flight": 5 }));
  member.addCounts(counts({ "in flight": 2 }));
  assertEquals(member.inFlightElsewhere(), 7);
  member.addCounts(counts({ "in flight": -7 }));
  assertEquals(member.inFlightElsewhere(), 0);
  await Promise.resolve();
  time.pass(PERIOD);
});

Deno.test("Member shares the ids of disconnected requests, which are spared once", () => {
  const { member, took } = join();
  const { disconnectedIds } = member;
  disconnectedIds.add('"a"');
  assertEquals(took(), [["setDisconnected", '"a"', true]]);
  assertEquals([disconnectedIds.delete('"a"'), disconnectedIds.delete('"a"')], [true, false]);
  assertEquals(took(), [["setDisconnected", '"a"', false]]);

  for (const id of ['"b"', '"c"']) member.setDisconnected(id, true); // at another worker
  member.setDisconnected('"c"', false); // spared by another worker
  assertEquals([disconnectedIds.delete('"b"'), disconnectedIds.delete('"c"')], [true, false]);
  assertEquals(took(), [["setDisconnected", '"b"', false]]);
});

Deno.test("Member.status() returns stats with their methods", async () => {
  const stats = new ServerStats();
  stats.counters.delays.add(1500);
  const main = {
    call: () => Promise.resolve(structuredClone({ stats, size: 2, isHealthy: true, startedAt: 1 })),
  };
  const member = new Member(main as never, () => 0, 2);
  const { stats: sum, ...status } = await member.status();
  assertEquals(status, { size: 2, isHealthy: true, startedAt: 1 });
  assertEquals(sum, stats);
  assertEquals(sum.counters.delays.bounds, stats.counters.delays.bounds);
});
