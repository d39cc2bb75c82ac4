import {
  assertEquals,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { manualClock, scaledClock, serve, type ServeOptions, skippingClock } from "../server.ts";
import { delayPolicy } from "../session/delays.ts";
import { ask } from "../tests/support/ask.ts";
import { parseMetrics } from "../tests/support/prometheus.ts";

/** Later than any test ends. */
const LATE: ServeOptions = { port: 0, delay: { min: 600, max: 600 } };

Deno.test("held requests with one id are released on all connections, oldest first", async () => {
  await using server = serve(LATE);
  using held = server.hold({ id: "a" });
  await using first = await ask(server, "plain", ["a", "b"]);
  await held.arrived(1);
  await using second = await ask(server, "v1", ["a", "a"]);
  assertEquals(await second.ids(1), ["a"]); // refused as a duplicate
  await held.arrived(2);
  assertEquals(held.release("b", "a"), ["a", "a"]);
  assertEquals([await first.ids(1), await second.ids(1)], [["a"], ["a"]]);
  assertEquals(
    server.requests.map(({ connection, id, outcome }) => [connection, id, outcome]),
    [
      [1, "a", "answered"],
      [1, "b", "in_flight"],
      [2, "a", "answered"],
      [2, "a", "error:duplicate_request_id"],
    ],
  );
});

Deno.test("a held request may be cancelled, and its connection closed", async () => {
  await using server = serve(LATE);
  using held = server.hold();
  await using peer = await ask(server, "plain", ["a", "b", "c"]);
  await held.arrived(3);
  peer.send({ request_id: "b", cancel: true });
  assertStrictEquals((await peer.answers.next()).error!.code, "cancelled");
  assertEquals(held.release("b", "a"), ["a"]);
  await peer[Symbol.asyncDispose]();
  await server.received(1, { outcome: "dropped" });
  assertEquals(held.release(), []);
  assertEquals(server.requests.map(({ outcome }) => outcome), ["answered", "cancelled", "dropped"]);
  assertStrictEquals(server.inFlight, 0);
});

Deno.test("a POST whose client leaves drops its held requests", async () => {
  await using server = serve(LATE);
  using held = server.hold();
  const aborter = new AbortController();
  const body = '[{"request_id":"a","data":""},{"request_id":"b","data":""}]';
  const url = server.url.replace("ws", "http");
  const response = await fetch(url, { method: "POST", body, signal: aborter.signal });
  await held.arrived(2);
  aborter.abort();
  await assertRejects(() => response.text(), DOMException);
  await server.received(2, { outcome: "dropped" });
  assertEquals(held.release(), []);
  assertStrictEquals(server.inFlight, 0);
});

Deno.test("a hold ends when it is disposed, and its requests stay held", async () => {
  await using server = serve(LATE);
  const all = server.hold();
  {
    using one = server.hold({ id: "a" });
    await using _peer = await ask(server, "plain", ["a", "b"]);
    assertEquals((await one.arrived()).map(({ id }) => id), ["a"]);
    assertEquals((await all.arrived()).map(({ id }) => id), ["b"]);
    assertEquals(one.release("b"), []);
    assertEquals(server.rules.size, 2);
  }
  assertEquals(server.rules.list().map(({ rule }) => rule.match), [{}]);
  all.remove();
  all.remove();
  assertStrictEquals(server.rules.size, 0);
  await using peer = await ask(server, "plain", ["a"]);
  await server.received(1, { outcome: "in_flight" });
  assertEquals(all.release(), []);
  assertStrictEquals(peer.answers.size, 0);
});

Deno.test("held requests count as in flight: for limits, metrics, and duplicates", async () => {
  await using server = serve({ ...LATE, limits: { maxInFlight: 2 } });
  using held = server.hold();
  await using peer = await ask(server, "plain", ["a", "b", "c"]);
  assertStrictEquals((await peer.answers.next()).error!.code, "overloaded");
  await held.arrived(2);
  const metrics = async () => {
    const response = await fetch(`${server.url.replace("ws", "http")}/metrics`);
    return parseMetrics(await response.text());
  };
  const before = await metrics();
  assertStrictEquals(before.get("asyncpkt_requests_in_flight"), 2);
  assertStrictEquals(before.get("asyncpkt_delay_seconds_count"), 0);
  held.release("b");
  assertEquals(await peer.ids(1), ["b"]);
  peer.send({ request_id: "c", data: "" });
  await held.arrived(3);
  const after = await metrics();
  assertStrictEquals(after.get("asyncpkt_requests_in_flight"), 2);
  assertStrictEquals(after.get("asyncpkt_delay_seconds_count"), 1);
});

Deno.test("a draining server refuses requests, and holds none", async () => {
  const server = serve({ ...LATE, drainTimeout: 30_000 });
  const held = server.hold();
  await using peer = await ask(server, "plain", ["a"]);
  await held.arrived(1);
  const drained = server.drain();
  peer.send({ request_id: "b", data: "" });
  assertStrictEquals((await peer.answers.next()).error!.code, "shutting_down");
  held.release();
  assertEquals(await drained, { dropped: 0, cut: 0, disconnected: 0 });
});

Deno.test("a drain waits for requests whose delay is longer than any that is left", async () => {
  const server = serve({ port: 0, delay: { min: 7200, max: 7200 }, clock: scaledClock(100_000) });
  await using peer = await ask(server, "plain", ["a"]);
  await server.received(1);
  server.change({ delay: "0" });
  assertEquals(await server.drain(), { dropped: 0, cut: 0, disconnected: 0 });
  assertEquals(await peer.ids(1), ["a"]);
});

Deno.test("advanceToNext() answers the next request, to the millisecond", async () => {
  const clock = manualClock();
  const rules = [300, 100.7, 200.3].map((delay, i) => ({ match: { id: i }, delay }));
  await using server = serve({ port: 0, clock, rules });
  clock.advance(0.3);
  await using peer = await ask(server, "plain", [0, 1, 2]);
  await server.received(3);
  for (const id of [1, 2, 0]) {
    clock.advanceToNext();
    assertEquals(await peer.ids(1), [id]);
  }
  assertEquals(server.requests.map(({ ended }) => ended), [300.001, 100.701, 200.301]);
});

Deno.test("skippingClock() answers requests of hours in order, in no time", async () => {
  const start = performance.now();
  await using server = serve({
    port: 0,
    clock: skippingClock(),
    rules: ["7200", "20", "3600", "never"].map((delay, i) => ({ match: { id: i }, delay })),
  });
  await using peer = await ask(server, "v1", [0, 1, 2, 3]);
  assertEquals(await peer.ids(3), [1, 2, 0]);
  assertStrictEquals(server.inFlight, 1);
  assertLess(performance.now() - start, 3000);
});

Deno.test("a tap sees the answers of released requests", async () => {
  const sent: string[] = [];
  const tap = { opened() {}, received() {}, sent: (_: number, frame: string) => sent.push(frame) };
  await using server = serve({ ...LATE, clock: manualClock(), tap: { ...tap, closed() {} } });
  using held = server.hold();
  await using _peer = await ask(server, "v1", ["a", "b"]);
  await held.arrived(2);
  held.release("b", "a");
  const answer = (id: string) => `{"request_id":"${id}","data":{"a":{"b":"c"}},"delay":0}`;
  assertEquals(sent, [`[${answer("b")},${answer("a")}]`]);
});

Deno.test("change() changes settings for requests that arrive later", async () => {
  const clock = manualClock();
  await using server = serve({ ...LATE, faults: { drop: 0.25, late: 0.5, lateBy: 2 }, clock });
  assertEquals(server.settings, { delay: "600", fault: "drop=0.25,late=0.5:2", seed: null });
  server.change({ fault: null });
  await using peer = await ask(server, "plain", ["a"]);
  await server.received(1);
  const changed = { delay: "normal:3,0.5", fault: null, seed: 7 };
  assertEquals(server.change({ delay: "normal:3,500ms", seed: 7 }), changed);
  peer.send({ request_id: "b", data: "" });
  await server.received(2);
  server.change({ seed: null, delay: "0" });
  peer.send({ request_id: "c", data: "" });
  assertEquals(await peer.ids(1), ["c"]);
  const [a, b] = server.requests;
  assertStrictEquals(a!.delay, 600);
  const id = new TextEncoder().encode('"b"');
  const { delayOf } = delayPolicy({ mean: 3, sd: 0.5 }, 7);
  assertStrictEquals(b!.delay, delayOf(id, 0, id.length) / 1000);
});

Deno.test("reset() returns to the settings at the start, whatever the program does to them", async () => {
  const options = { ...LATE, delay: { min: 1, max: 2 }, faults: { drop: 0.5 }, seed: 7 };
  await using server = serve(options);
  const before = server.settings;
  options.delay.max = 3;
  options.faults.drop = 2;
  server.change({ delay: "0", fault: null, seed: null });
  server.reset();
  assertEquals(server.settings, before);
});

Deno.test("reset() numbers connections and their requests anew, but not for taps", async () => {
  const taps: string[] = [];
  await using server = serve({
    ...LATE,
    rules: [{ match: { connection: 2, nth: 1 }, delay: 0 }],
    journal: 10,
    tap: {
      opened: (number) => taps.push(`opened ${number}`),
      received: (number) => taps.push(`received ${number}`),
      sent() {},
      closed: (number) => taps.push(`closed ${number}`),
    },
  });
  const places = () => server.requests.map(({ connection, id }) => `${connection} ${id}`);
  {
    await using _first = await ask(server, "plain", ["a"]);
    await using second = await ask(server, "plain", ["b", "c"]);
    assertEquals(await second.ids(1), ["b"]);
  }
  await server.received(2, { outcome: "dropped" });
  await using third = await ask(server, "plain", ["d"]);
  await server.received(4);
  assertEquals(places(), ["1 a", "2 b", "2 c", "3 d"]);
  server.reset();
  await using fourth = await ask(server, "plain", ["e", "f"]);
  assertEquals(await fourth.ids(1), ["e"]);
  third.send({ request_id: "g", data: "" });
  await server.received(3);
  assertEquals(places(), ["2 e", "2 f", "1 g"]);
  assertEquals(taps.filter((tap) => !tap.startsWith("closed")), [
    ...["opened 1", "received 1", "opened 2", "received 2", "opened 3", "received 3"],
    ...["opened 4", "received 4", "received 3"],
  ]);
});

Deno.test("reset() forgets which requests have disconnected their client", async () => {
  await using server = serve({ ...LATE, delay: { min: 0, max: 0 }, faults: { disconnect: 1 } });
  const disconnect = async () => {
    await using peer = await ask(server, "plain", ["a"]);
    assertStrictEquals((await peer.ended)!.code, 1011);
  };
  await disconnect();
  await using peer = await ask(server, "plain", ["a"]);
  assertEquals(await peer.ids(1), ["a"]);
  await disconnect();
  server.reset();
  await disconnect();
});

Deno.test("change() changes nothing if a setting is wrong", async () => {
  await using server = serve({ ...LATE, seed: 1, faults: { drop: 0.5 } });
  const before = server.settings;
  const cases: [settings: Parameters<typeof server.change>[0], message: string][] = [
    [{ delay: "1", seed: 1.5 }, "seed: expected an integer"],
    [{ seed: 2, delay: "soon" }, "expected a delay"],
    [{ delay: "1", fault: "drop=2" }, "drop: expected a share"],
    [{ delay: "1", fault: "" }, "expected kinds"],
    [{ delay: "1", fault: "drip=0.1" }, "the fault drip needs the strict transport"],
  ];
  for (const [settings, message] of cases) {
    assertThrows(() => server.change(settings), RangeError, message);
    assertEquals(server.settings, before);
  }
  assertThrows(
    () => server.rules.add({ match: {}, fault: "stall" }),
    RangeError,
    "needs the strict",
  );
  assertThrows(() => server.hold({ nth: 0 }), RangeError, "nth");
  assertStrictEquals(server.rules.size, 0);
  assertThrows(() => server.requests, TypeError, "keeps no journal");
});
