import { assertEquals, assertLess, assertRejects, assertStrictEquals } from "@std/assert";
import { manualClock, serve, type ServeOptions } from "../server.ts";
import { ask, WAYS } from "../tests/support/ask.ts";

/** Later than any test ends. */
const LATE: ServeOptions = { port: 0, delay: { min: 600, max: 600 } };

for (const websocket of ["deno", "strict"] as const) {
  for (const way of WAYS) {
    const test = (name: string, fn: () => Promise<void>) =>
      Deno.test(`${websocket}, ${way}: ${name}`, fn);

    test("a manual clock answers each request at its time, to the millisecond", async () => {
      const start = performance.now();
      const clock = manualClock();
      await using server = serve({ port: 0, websocket, delay: { min: 5, max: 5 }, clock });
      await using first = await ask(server, way, [1, 2]);
      await server.received(2);
      clock.advance(1);
      await using second = await ask(server, way, [3, 4]);
      await server.received(4);
      clock.advance(4998);
      assertStrictEquals(server.inFlight, 4);
      clock.advance(1);
      assertStrictEquals(server.inFlight, 2);
      assertEquals(await first.ids(2), [1, 2]);
      clock.advance(0.5);
      assertStrictEquals(server.inFlight, 2);
      clock.advance(0.5);
      assertStrictEquals(server.inFlight, 0);
      const [answer] = await second.answers.take(2);
      assertStrictEquals(answer!.delay, way === "v1" ? 5 : undefined);
      assertEquals(
        server.requests.map((
          { arrived, delay, due, ended, outcome },
        ) => [arrived, delay, due, ended, outcome]),
        [
          [0, 5, 5, 5, "answered"],
          [0, 5, 5, 5, "answered"],
          [0.001, 5, 5.001, 5.001, "answered"],
          [0.001, 5, 5.001, 5.001, "answered"],
        ],
      );
      assertLess(performance.now() - start, 4000);
    });

    test("requests are answered in the order of their release", async () => {
      const clock = manualClock();
      await using server = serve({ ...LATE, websocket, clock });
      using held = server.hold();
      await using peer = await ask(server, way, ["a", "b", "c", 4, 5]);
      assertEquals((await held.arrived(5)).map(({ outcome }) => outcome), Array(5).fill("held"));
      clock.advance(1250);
      assertEquals(held.release(4, "unknown", "a", "4", 4), [4, "a"]);
      assertEquals(held.release("a"), []);
      assertEquals(held.release(), ["b", "c", 5]);
      assertEquals(held.release(), []);
      const answers = await peer.answers.take(5);
      assertEquals(answers.map(({ request_id }) => request_id), [4, "a", "b", "c", 5]);
      const delays = answers.map(({ delay }) => delay);
      assertEquals(delays, Array(5).fill(way === "v1" ? 1.25 : undefined));
      assertEquals(
        server.requests.map(({ delay, due, ended }) => [delay, due, ended]),
        Array(5).fill([1.25, 1.25, 1.25]),
      );
      if (way === "post") await peer.ended;
    });

    test("held requests meet what their rules say when they are released", async () => {
      await using server = serve({
        ...{ ...LATE, websocket },
        rules: [
          { match: { id: "error" }, hold: true, error: { code: "overloaded" } },
          { match: { id: "answer" }, hold: true, answer: { Hub: { name: "other" } } },
          { match: { id: "double" }, hold: true, fault: "duplicate" },
          { match: { id: "drop" }, hold: true, fault: "drop" },
        ],
      });
      const ids = ["error", "answer", "double", "drop"];
      await using peer = await ask(server, way, ids);
      await server.received(4, { outcome: "held" });
      assertEquals(server.release(), ids);
      const answers = await peer.answers.take(4);
      assertEquals(
        answers.map(({ request_id, error, data }) => error?.code ?? [request_id, data]),
        [
          "overloaded",
          ["answer", { Hub: { name: "other" } }],
          ...[1, 2].map((): [string, unknown] => ["double", { a: { b: "c" } }]),
        ],
      );
      assertEquals(server.requests.map(({ outcome }) => outcome), [
        "error:overloaded",
        "answered",
        "answered",
        "dropped",
      ]);
      assertStrictEquals(server.inFlight, 0);
      if (way === "post") await peer.ended;
    });

    test("the fault disconnect ends a release of several of one connection", async () => {
      await using server = serve({
        ...{ ...LATE, websocket },
        rules: [{ match: { id: "end" }, hold: true, fault: "disconnect" }, {
          match: {},
          hold: true,
        }],
      });
      await using peer = await ask(server, way, ["a", "end", "b"]);
      await using other = await ask(server, way, ["c"]);
      await server.received(4);
      assertEquals(server.release({ ids: ["a", "end", "b", "c"] }), ["a", "end", "b", "c"]);
      assertEquals(await other.ids(1), ["c"]);
      if (way === "post") await assertRejects(() => peer.ended);
      else assertStrictEquals((await peer.ended)!.code, 1011);
      assertEquals(server.requests.map(({ id, outcome }) => [id, outcome]), [
        ["a", "answered"],
        ["end", "dropped"],
        ["b", "dropped"],
        ["c", "answered"],
      ]);
      // The end of a response may overtake the answer before it.
      if (way !== "post") assertEquals(await peer.ids(1), ["a"]);
    });

    test("faults and answers without delay need no time to pass", async () => {
      await using server = serve({
        ...{ ...LATE, websocket, clock: manualClock() },
        rules: [
          { match: { id: "error" }, error: { code: "overloaded" } },
          { match: { id: "answer" }, delay: 0, answer: {} },
          { match: { id: "double" }, delay: 0, fault: "duplicate" },
          { match: { id: "drop" }, delay: 0, fault: "drop" },
          { match: { id: "end" }, delay: 0, fault: "disconnect" },
        ],
      });
      await using peer = await ask(server, way, ["error", "answer", "double", "drop"]);
      assertEquals(await peer.ids(4), ["error", "answer", "double", "double"]);
      if (way === "post") await peer.ended;
      assertStrictEquals(server.inFlight, 0);
      const ids = ["late", "end", "error"];
      if (way === "post") {
        await assertRejects(async () => await (await ask(server, way, ids)).ended);
      } else {
        await using ending = await ask(server, way, ids);
        assertEquals(await ending.ids(1), ["error"]);
        assertStrictEquals((await ending.ended)!.code, 1011);
      }
      assertStrictEquals(server.inFlight, 0);
    });

    test("a drain does not wait for requests that no time answers", async () => {
      const start = performance.now();
      const server = serve({
        ...{ ...LATE, websocket },
        rules: [{ match: { id: "never" }, delay: "never" }, { match: {}, hold: true }],
      });
      await using peer = await ask(server, way, ["never", "a", "b"]);
      await server.received(3);
      assertEquals(await server.drain(), { dropped: 3, cut: 0, disconnected: 0 });
      await peer.ended;
      assertStrictEquals(peer.answers.size, 0);
      assertLess(performance.now() - start, 1500);
    });

    test("a drain with a timeout waits for held requests", async () => {
      const server = serve({ ...LATE, websocket, drainTimeout: 30_000 });
      const held = server.hold();
      await using peer = await ask(server, way, ["a", "b"]);
      await held.arrived(2);
      const drained = server.drain();
      assertEquals(held.release("b"), ["b"]);
      assertEquals(await peer.ids(1), ["b"]);
      assertEquals(held.release(), ["a"]);
      assertEquals(await drained, { dropped: 0, cut: 0, disconnected: 0 });
      assertEquals(await peer.ids(1), ["a"]);
      await peer.ended;
    });

    test("reset() drops requests in flight, and the rules and the journal start again", async () => {
      await using server = serve({
        ...LATE,
        websocket,
        rules: [{ match: {}, hold: true, times: 2 }],
      });
      await using peer = await ask(server, way, ["a", "b", "c"]);
      await server.received(3);
      const changed = { delay: "0", fault: "drop=0.5", seed: 7 };
      assertEquals(server.change(changed), changed);
      server.rules.replace([]);
      server.reset();
      assertEquals(server.settings, { delay: "600", fault: null, seed: null });
      assertEquals([server.requests, server.inFlight], [[], 0]);
      assertEquals(server.rules.list().map(({ matched, rule }) => [matched, rule.times]), [[0, 2]]);
      if (way === "post") await peer.ended;
      await using next = await ask(server, way, ["a", "b"]);
      const numbers = await server.received(2, { outcome: "held" });
      assertEquals(numbers.map(({ number }) => number), [1, 2]);
      server.release();
      assertEquals(await next.ids(2), ["a", "b"]);
      assertStrictEquals(peer.answers.size, 0);
    });
  }
}
