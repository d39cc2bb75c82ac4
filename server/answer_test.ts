/**
 * Functions of programs that compute answers: `serve({ answer })`.
 */

import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Client } from "../client.ts";
import { manualClock, type Rule, serve, type ServeOptions } from "../server.ts";
import { Inbox, until } from "../tests/support/waiting.ts";

type Answer = NonNullable<ServeOptions["answer"]>;
type AnswerRequest = Parameters<Answer>[0];

/** A function that a test lets return, and what it was called with. */
class Computation {
  readonly calls = new Inbox<AnswerRequest>();
  readonly #results = new Map<unknown, PromiseWithResolvers<unknown>>();

  readonly answer: Answer = (request) => {
    this.calls.put(request);
    return this.of(request.id).promise;
  };

  /** The result of the request with this id. */
  of(id: unknown): PromiseWithResolvers<unknown> {
    const result = this.#results.get(id) ?? Promise.withResolvers();
    this.#results.set(id, result);
    return result;
  }
}

/** A connection that sends packets, and takes answers as they come. */
async function open(url: string) {
  const socket = new WebSocket(url);
  const answers = new Inbox<string>();
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.onmessage = ({ data }) => answers.put(data);
  await new Promise((resolve) => socket.onopen = resolve);
  return {
    answers,
    request: (id: string) => socket.send(JSON.stringify({ request_id: id, data: "A&&b&&c" })),
    cancel: (id: string) => socket.send(JSON.stringify({ request_id: id, cancel: true })),
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
}

const answerOf = (id: string, data: unknown) => JSON.stringify({ request_id: id, data });

Deno.test("serve({ answer }) answers with what the function returns, and errors with internal", async () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.itself = cyclic;
  const results: Readonly<Record<string, () => unknown>> = {
    sync: () => ({ a: [1, "é", null] }),
    async: () => Promise.resolve("later"),
    thenable: () => ({ then: (resolve: (value: unknown) => void) => resolve(7) }),
    undefined: () => undefined,
    symbol: () => Symbol("x"),
    function: () => () => 1,
    date: () => new Date(0),
    nan: () => NaN,
    throws: () => {
      throw new Error("thrown");
    },
    rejects: () => Promise.reject(new Error("rejected")),
    "rejects with nothing": () => Promise.reject(),
    bigint: () => 1n,
    cyclic: () => cyclic,
    toJSON: () => ({ toJSON: () => results.throws!() }),
  };
  const expected: Readonly<Record<string, unknown>> = {
    ...{ sync: { a: [1, "é", null] }, async: "later", thenable: 7, undefined: null },
    ...{ symbol: null, function: null, date: "1970-01-01T00:00:00.000Z", nan: null },
  };
  const failures: string[] = [];
  await using server = serve({
    port: 0,
    delay: 0,
    answer: ({ id }) => results[id!]!(),
    events: { failed: (id, error) => void failures.push(`${id} ${String(error).split("\n")[0]}`) },
  });
  await using peer = await open(server.url);
  for (const name of Object.keys(results)) {
    peer.request(name);
    const { request_id, data, error } = JSON.parse(await peer.answers.next());
    assertEquals(request_id, name);
    if (Object.hasOwn(expected, name)) assertEquals<unknown>(data, expected[name], name);
    else assertEquals(error.code, "internal", name);
  }
  assertEquals(failures.map((failure) => failure.replace(/^".*" /, "")), [
    "Error: thrown",
    "Error: rejected",
    "undefined",
    "TypeError: Do not know how to serialize a BigInt",
    "TypeError: Converting circular structure to JSON",
    "Error: thrown",
  ]);
  assertEquals(server.inFlight, 0);
});

Deno.test("serve({ answer }) passes the id, the data and the representation", async () => {
  const { calls, answer } = new Computation();
  await using server = serve({ port: 0, delay: 0, answer });
  await using peer = await open(server.url);
  peer.request("é");
  const { id, data, value, signal } = await calls.next();
  assertEquals([id, data, value, signal.aborted], ["é", "A&&b&&c", { A: { b: "c" } }, false]);
  peer.cancel("é");
  assertMatch(await peer.answers.next(), /cancelled/);
});

Deno.test("serve({ answer }) gives up after answerTimeout, and ignores later results", async () => {
  const computation = new Computation();
  const failures: string[] = [];
  await using server = serve({
    port: 0,
    delay: 0,
    answer: computation.answer,
    answerTimeout: 5,
    events: { failed: (id, error) => void failures.push(`${id} ${error}`) },
  });
  await using peer = await open(server.url);
  const ids = ["never", "late", "late error"];
  const signals: AbortSignal[] = [];
  for (const id of ids) {
    peer.request(id);
    signals.push((await computation.calls.next()).signal);
    assertEquals(JSON.parse(await peer.answers.next()).error.code, "internal");
  }
  computation.of("late").resolve(1);
  computation.of("late error").reject(new Error("too late"));
  computation.of("in time").resolve(1);
  peer.request("in time");
  assertEquals(await peer.answers.next(), answerOf("in time", 1));
  assertEquals(signals.map(({ aborted }) => aborted), [true, true, true]);
  const none = "Error: expected a result within 5 ms, got none";
  assertEquals(failures, ids.map((id) => `"${id}" ${none}`));
  assertEquals(server.inFlight, 0);
});

Deno.test("serve() refuses an answerTimeout that is not positive, and takes any other", async () => {
  const answer = () => 1;
  for (const answerTimeout of [0, -1, NaN]) {
    const message = `answerTimeout: expected a positive number, got ${answerTimeout}`;
    assertThrows(() => serve({ port: 0, answer, answerTimeout }), RangeError, message);
  }
  const computation = new Computation();
  await using server = serve({
    port: 0,
    delay: 0,
    answer: computation.answer,
    answerTimeout: Infinity,
  });
  await using peer = await open(server.url);
  peer.request("a");
  await computation.calls.next();
  setTimeout(() => computation.of("a").resolve(7), 10);
  assertEquals(await peer.answers.next(), answerOf("a", 7));
});

/** How a request can end while its answer is computed. */
const ENDS = {
  cancel: (_server, peer) => peer.cancel("a"),
  disconnect: (_server, peer) => peer[Symbol.asyncDispose](),
  reset: (server) => void server.reset(),
  drain: (server) => void server.drain(),
} satisfies Record<
  string,
  (
    server: ReturnType<typeof serve>,
    peer: Awaited<ReturnType<typeof open>>,
  ) => void | Promise<void>
>;

for (const [end, carryOut] of Object.entries(ENDS)) {
  for (const websocket of ["deno", "strict"] as const) {
    Deno.test(`serve({ answer }) aborts a computation once on ${end} (${websocket})`, async () => {
      const computation = new Computation();
      const failures: unknown[] = [];
      await using server = serve({
        port: 0,
        websocket,
        delay: 0,
        answer: computation.answer,
        drainTimeout: 10,
        events: { failed: (_id, error) => void failures.push(error) },
      });
      await using peer = await open(server.url);
      peer.request("a");
      const { signal } = await computation.calls.next();
      let aborts = 0;
      signal.addEventListener("abort", () => aborts++);
      await carryOut(server, peer);
      await until("the signal is aborted", () => signal.aborted);
      computation.of("a").resolve("too late");
      if (end === "cancel") assertMatch(await peer.answers.next(), /"cancelled"/);
      if (end === "cancel" || end === "reset") {
        // The id is free again, and the old result answers nothing.
        computation.of("b").resolve("in time");
        peer.request("a");
        assertEquals(await peer.answers.next(), answerOf("a", "too late"));
        peer.request("b");
        assertEquals(await peer.answers.next(), answerOf("b", "in time"));
      }
      assertEquals([aborts, server.inFlight, failures], [1, 0, []]);
    });
  }
}

Deno.test("serve({ answer }) lets a drain wait for computations", async () => {
  const computation = new Computation();
  await using server = serve({ port: 0, delay: 0, answer: computation.answer });
  await using peer = await open(server.url);
  peer.request("a");
  await computation.calls.next();
  const drained = server.drain();
  peer.request("b");
  assertMatch(await peer.answers.next(), /"b".*shutting_down/);
  computation.of("a").resolve(1);
  assertEquals(await peer.answers.next(), answerOf("a", 1));
  assertEquals((await drained).dropped, 0);
});

Deno.test("serve({ answer }) asks the function only for responses that rules leave", async () => {
  const asked: unknown[] = [];
  const answer: Answer = ({ id }) => {
    asked.push(id);
    return `computed ${id}`;
  };
  const rules: Rule[] = [
    { match: { id: "answer" }, answer: { id: "{{id}}" } },
    { match: { id: "error" }, error: { code: "overloaded" } },
    { match: { id: "late error" }, error: { code: "overloaded" }, delay: 0.001 },
    { match: { id: "drop" }, fault: "drop" },
    { match: { id: "fault error" }, fault: "error" },
    { match: { id: "duplicate" }, fault: "duplicate" },
    { match: { id: "garbage" }, fault: "garbage" },
    { match: { id: "late" }, delay: 0.001, fault: { late: 0.001 } },
  ];
  await using server = serve({ port: 0, delay: 0, answer, rules });
  await using peer = await open(server.url);
  const garbage = answerOf("garbage", "computed garbage");
  const outcomes: [id: string, answers: string[]][] = [
    ["answer", [answerOf("answer", { id: "answer" })]],
    ["error", ["overloaded"]],
    ["late error", ["overloaded"]],
    ["drop", []],
    ["fault error", ["internal"]],
    ["duplicate", Array(2).fill(answerOf("duplicate", "computed duplicate"))],
    ["garbage", [garbage.slice(0, garbage.length / 2)]],
    ["late", [answerOf("late", "computed late")]],
    ["plain", [answerOf("plain", "computed plain")]],
  ];
  for (const [id, answers] of outcomes) {
    peer.request(id);
    for (const expected of answers) {
      const answer = await peer.answers.next();
      if (!expected.startsWith("{")) assertMatch(answer, new RegExp(`"${id}".*"${expected}"`));
      else assertEquals(answer, expected);
    }
  }
  assertEquals(asked, ["drop", "fault error", "duplicate", "garbage", "late", "plain"]);
  assertEquals(server.inFlight, 0);
});

Deno.test("serve({ answer }) computes the answer of a held request when it is released", async () => {
  const computation = new Computation();
  await using server = serve({ port: 0, delay: 0, answer: computation.answer, journal: 10 });
  await using peer = await open(server.url);
  const hold = server.hold({ id: "a" });
  peer.request("a");
  await hold.arrived(1);
  assertEquals(computation.calls.size, 0);
  hold.release("a");
  await computation.calls.next();
  hold.release("a"); // it is held no more
  computation.of("a").resolve(7);
  assertEquals(await peer.answers.next(), answerOf("a", 7));
  assertEquals(computation.calls.size, 0);
});

Deno.test("serve({ answer }) counts the time of the function as lateness, and not as delay", async () => {
  const computation = new Computation();
  await using server = serve({
    port: 0,
    delay: 2,
    clock: manualClock(),
    answer: computation.answer,
  });
  await using client = await Client.connect(server.url);
  const reply = client.request("A&&b&&c");
  await server.received(1);
  server.clock.advance(2000);
  const { id } = await computation.calls.next();
  server.clock.advance(500);
  computation.of(id).resolve({});
  assertEquals((await reply).delay, 2);
  const [entry] = server.requests;
  assertEquals([entry!.due, entry!.ended], [2, 2.5]);
  const metrics = await (await fetch(`${server.url.replace("ws", "http")}/metrics`)).text();
  assertMatch(metrics, /^asyncpkt_lateness_seconds_sum 0\.5$/m);
});

Deno.test("serve({ answer }) computes many answers at once", async () => {
  const computation = new Computation();
  await using server = serve({ port: 0, delay: 0, answer: computation.answer });
  await using client = await Client.connect(server.url);
  const replies = Array.from({ length: 2000 }, () => client.request("A&&b&&c"));
  const calls = await computation.calls.take(replies.length);
  assertEquals(server.inFlight, replies.length);
  for (const { id } of calls.reverse()) computation.of(id).resolve({ id });
  const answers = await Promise.all(replies);
  assertEquals<unknown>(
    answers.map(({ data }) => data),
    answers.map((_, i) => ({ id: `${i + 1}` })),
  );
  assertEquals([server.inFlight, server.answered], [0, replies.length]);
});

Deno.test("serve({ answer }) answers a POST", async () => {
  const answer: Answer = async ({ id }) => {
    await Promise.resolve();
    if (id === 2) throw new Error("as asked");
    return id;
  };
  await using server = serve({ port: 0, delay: 0, answer });
  const requests = [1, 2, 3].map((id) => ({ request_id: id, data: "" }));
  const body = JSON.stringify(requests);
  const response = await fetch(server.url.replace("ws", "http"), { method: "POST", body });
  const lines = (await response.text()).trimEnd().split("\n").sort();
  assertEquals(lines.map((line) => JSON.parse(line)).map(({ data, error }) => data ?? error.code), [
    1,
    "internal",
    3,
  ]);
});
