import { FakeTime } from "./tests/support/fake_time.ts";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  AbortError,
  Client,
  ClientError,
  ConnectionError,
  type Outcome,
  RequestError,
  type RequestInput,
  TimeoutError,
} from "./client.ts";
import { serve } from "./server.ts";
import { awaitedLater, Inbox, until } from "./tests/support/waiting.ts";
import { freePort } from "./tests/support/machine.ts";
import {
  type ClientPacket,
  type MockServerOptions,
  startMockServer,
} from "./tests/support/mock_server.ts";
import { acceptRawSocket, readToEnd, startRawServer } from "./tests/support/raw_tcp.ts";

const AT_ONCE = { port: 0, delay: { min: 0, max: 0 } };
const SOON = { port: 0, delay: { min: 0.005, max: 0.05 } };

function response({ request_id }: ClientPacket): string {
  return JSON.stringify({ request_id, data: { Hub: { id: String(request_id) } } });
}

/** Answers every request at once. */
const answering: MockServerOptions = {
  onPacket: (packet, socket) => {
    if (!packet.cancel) socket.send(response(packet));
  },
};

// Connecting.

Deno.test("Client.connect() uses asyncpkt.v1 if the server knows it", async () => {
  await using server = serve(SOON);
  await using client = await Client.connect(new URL(server.url));
  assertEquals(client.protocol, "asyncpkt.v1");
  const reply = await client.request("Hub&&name&&qwe", { id: "01" });
  assertEquals(reply.requestId, "01");
  assertEquals(reply.data, { Hub: { name: "qwe" } });
  assertEquals(reply.json, '{"request_id":"01","data":{"Hub":{"name":"qwe"}}}');
  assert(reply.delay! >= 0.005 && reply.delay! <= 0.05);
  assert(reply.latency >= 1000 * reply.delay! - 2);
});

Deno.test("Client.connect() uses plain mode if the server does not know asyncpkt.v1", async () => {
  await using server = startMockServer(answering);
  await using client = await Client.connect(server.url);
  assertEquals(client.protocol, "");
  const replies = await Promise.all([1, 2, 3].map((id) => client.request("", { id })));
  assertEquals(
    replies.map((reply) => reply.data),
    [1, 2, 3].map((id) => ({ Hub: { id: `${id}` } })),
  );
  assertEquals(replies.map((reply) => reply.delay), [undefined, undefined, undefined]);
});

Deno.test("Client.connect() rejects with connection_failed if it cannot connect", async () => {
  await using web = startRawServer(async (connection) => {
    await connection.write(
      new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    );
  });
  await using garbage = startRawServer(async (connection) => {
    await connection.write(new TextEncoder().encode("SSH-2.0-OpenSSH\r\n"));
  });
  await using quitter = startRawServer(async (connection) => {
    await connection.read(new Uint8Array(1));
    connection.close();
  });
  const urls = [web.url, garbage.url, quitter.url, `ws://127.0.0.1:${freePort()}`];
  for (const url of urls) {
    const error = await assertRejects(() => Client.connect(url), ConnectionError, url);
    assertEquals(error.code, "connection_failed");
    assertInstanceOf(error.cause, Error);
  }
});

Deno.test("Client.connect() rejects an invalid URL with SyntaxError", async () => {
  for (const url of ["nonsense", "ftp://127.0.0.1", "ws://a b"]) {
    const error = await assertRejects(() => Client.connect(url));
    assertEquals((error as Error).name, "SyntaxError");
  }
});

Deno.test("Client.connect() rejects on timeout and on abort", async () => {
  await using server = startRawServer(async (connection) => void await readToEnd(connection));
  const late = await assertRejects(
    () => Client.connect(server.url, { timeout: 50 }),
    TimeoutError,
  );
  assertEquals(late.code, "timed_out");

  const reason = new Error("changed my mind");
  const abort = new AbortController();
  const options = { signal: abort.signal, timeout: Infinity };
  const connecting = awaitedLater(Client.connect(server.url, options));
  abort.abort(reason);
  const error = await assertRejects(() => connecting, AbortError);
  assertEquals(error.code, "aborted");
  assertStrictEquals(error.cause, reason);

  const atOnce = await assertRejects(() => Client.connect(server.url, options), AbortError);
  assertStrictEquals(atOnce.cause, reason);
  for (const timeout of [0, -1, NaN]) {
    await assertRejects(() => Client.connect(server.url, { timeout }), RangeError);
  }
});

Deno.test("Client.connect() keeps an open connection when its signal is aborted", async () => {
  await using server = serve(SOON);
  const abort = new AbortController();
  await using client = await Client.connect(server.url, { signal: abort.signal });
  abort.abort();
  assertEquals((await client.request("a&&b&&c")).data, { a: { b: "c" } });
});

// One request.

Deno.test("Client.request() distinguishes the ids 1 and '1'", async () => {
  await using server = serve(SOON);
  await using client = await Client.connect(server.url);
  const ids = [1, "1", 0, "0", -1, "__proto__", "é".repeat(256)];
  const replies = await Promise.all(ids.map((id, i) => client.request(`a&&b&&${i}`, { id })));
  assertEquals(replies.map((reply) => reply.requestId), ids);
  assertEquals(replies.map((reply) => reply.data), ids.map((_, i) => ({ a: { b: `${i}` } })));
});

Deno.test("Client.request() chooses a free id", async () => {
  await using server = startMockServer({});
  await using client = await Client.connect(server.url);
  const requests = [client.request("", { id: "1" }), client.request("")].map(awaitedLater);
  const [one, two] = await server.packets.take(2) as ClientPacket[];
  assertEquals(one!.request_id, "1");
  assert(two!.request_id !== "1");
  await client.close();
  await Promise.all(requests.map((request) => assertRejects(() => request, ConnectionError)));
});

Deno.test("Client.request() rejects an id in flight or cancelled, and accepts a settled one", async () => {
  await using server = startMockServer({
    onPacket: ({ request_id, data, cancel }, socket) => {
      if (!cancel && data === "now") socket.send(response({ request_id }));
    },
  });
  await using client = await Client.connect(server.url);
  const abort = new AbortController();
  const first = awaitedLater(client.request("never", { id: "x", signal: abort.signal }));
  const error = await assertRejects(() => client.request("now", { id: "x" }), RequestError);
  assertEquals([error.code, error.requestId], ["duplicate_request_id", "x"]);
  abort.abort();
  await assertRejects(() => first, AbortError);
  await assertRejects(() => client.request("now", { id: "x" }), RequestError);
  for (let i = 0; i < 2; i++) await client.request("now", { id: "y" });
});

Deno.test("Client.request() rejects an invalid id without sending it", async () => {
  await using server = startMockServer({});
  await using client = await Client.connect(server.url);
  for (const id of ["", "x".repeat(257), 1.5, NaN, 2 ** 53, {}, true, null]) {
    const error = await assertRejects(() => client.request("", { id: id as string }), RequestError);
    assertEquals(error.code, "invalid_packet");
  }
  assertEquals([client.inFlight, server.packets.size], [0, 0]);
});

Deno.test("Client.request() rejects with the server's error, even of an unknown code", async () => {
  await using server = startMockServer({
    onPacket: ({ request_id, data }, socket) => {
      socket.send(JSON.stringify({ request_id, error: { code: data, message: "because" } }));
    },
  });
  await using client = await Client.connect(server.url, { retry: false });
  for (const code of ["overloaded", "shutting_down", "of_tomorrow"]) {
    const error = await assertRejects(
      () => client.request(code, { id: 7 }),
      RequestError,
      "because",
    );
    assertEquals([error.code, error.requestId, error.name], [code, 7, "RequestError"]);
  }
});

Deno.test("Client.request() sends a cancel on abort and on timeout", async () => {
  for (const protocol of ["", "asyncpkt.v1"]) {
    await using server = startMockServer({ protocol });
    await using client = await Client.connect(server.url);
    const abort = new AbortController();
    const reason = new Error("enough");
    const aborted = awaitedLater(client.request("", { id: "a", signal: abort.signal }));
    await server.packets.next();
    abort.abort(reason);
    const error = await assertRejects(() => aborted, AbortError);
    assertEquals([error.code, error.requestId], ["aborted", "a"]);
    assertStrictEquals(error.cause, reason);
    assertEquals(await server.packets.next(), { request_id: "a", cancel: true });

    const late = await assertRejects(
      () => client.request("", { id: 1, timeout: 20 }),
      TimeoutError,
    );
    assertEquals([late.code, late.requestId], ["timed_out", 1]);
    assertEquals(late.message, "no answer within 0.02 s");
    await server.packets.next();
    assertEquals(await server.packets.next(), { request_id: 1, cancel: true });
    assertEquals(client.inFlight, 0);
  }
});

Deno.test("Client.request() sends nothing if its signal is aborted", async () => {
  await using server = startMockServer({});
  await using client = await Client.connect(server.url);
  const signal = AbortSignal.abort(new Error("no"));
  await assertRejects(() => client.request("", { signal }), AbortError);
  assertEquals([client.inFlight, server.packets.size], [0, 0]);
});

Deno.test("Client.request() keeps timeouts in any order", async () => {
  using time = new FakeTime();
  await using server = startMockServer({});
  await using client = await Client.connect(server.url);
  const order: number[] = [];
  const requests = [150, 20, 300, 90].map(async (timeout) => {
    await assertRejects(() => client.request("", { timeout }), TimeoutError);
    order.push(timeout);
  });
  time.pass(300);
  await Promise.all(requests);
  assertEquals(order, [20, 90, 150, 300]);
  for (const timeout of [0, -1, NaN]) {
    await assertRejects(() => client.request("", { timeout }), RangeError);
  }
});

Deno.test("Client.request() never times out with a timeout of Infinity", async () => {
  const open = new Inbox<() => void>();
  await using server = startMockServer({
    onPacket: (packet, socket) => open.put(() => socket.send(response(packet))),
  });
  await using client = await Client.connect(server.url, { timeout: Infinity });
  const forever = client.request("", { timeout: Infinity });
  const month = client.request("", { timeout: 2 ** 32 });
  await assertRejects(() => client.request("", { timeout: 20 }), TimeoutError);
  for (const answer of await open.take(2)) answer();
  assertEquals((await forever).data, { Hub: { id: "1" } });
  assertEquals((await month).data, { Hub: { id: "2" } });
});

async function functionOfTheCaller(request: () => Promise<unknown>): Promise<unknown> {
  return await request();
}

Deno.test("Client.request() rejects with errors whose stack contains the caller", async () => {
  await using server = startMockServer({
    onPacket: ({ request_id, data }, socket) => {
      if (data === "close") socket.close();
      const error = { code: "internal", message: "" };
      if (data === "fail") socket.send(JSON.stringify({ request_id, error }));
    },
  });
  await using client = await Client.connect(server.url, { reconnect: false });
  const abort = new AbortController();
  const kinds: [ClientError["code"], () => Promise<unknown>][] = [
    ["internal", () => client.request("fail")],
    ["timed_out", () => client.request("", { timeout: 10 })],
    ["aborted", () => {
      queueMicrotask(() => abort.abort());
      return client.request("", { signal: abort.signal });
    }],
    ["connection_lost", () => client.request("close")],
    ["connection_lost", () => client.request("too late")],
  ];
  for (const [code, request] of kinds) {
    const error = await assertRejects(() => functionOfTheCaller(request), ClientError);
    assertEquals(error.code, code);
    assertMatch(error.stack!, /functionOfTheCaller/, code);
  }
});

// Servers that break the protocol.

Deno.test("Client.request() settles once if a server answers often and with errors", async () => {
  const unmatched = new Inbox<unknown>();
  const garbage = new Inbox<unknown>();
  await using server = startMockServer({
    onPacket: (packet, socket) => {
      const own = response(packet);
      socket.send("garbage");
      socket.send("[1]");
      socket.send('{"request_id":1,"data":[]}');
      socket.send(new Uint8Array([1, 2, 3]));
      socket.send('{"request_id":null,"error":{"code":"invalid_json","message":"?"}}');
      socket.send('{"request_id":"unknown","data":{}}');
      socket.send(`[${own},${own}]`);
      socket.send(own);
    },
  });
  await using client = await Client.connect(server.url, {
    onUnmatched: (answer) => unmatched.put(answer),
    onInvalidFrame: (frame) => garbage.put(frame),
  });
  const reply = await client.request("", { id: 1 });
  assertEquals(reply.data, { Hub: { id: "1" } });
  assertEquals(await unmatched.take(4), [
    { request_id: null, error: { code: "invalid_json", message: "?" } },
    { request_id: "unknown", data: {} },
    { request_id: 1, data: { Hub: { id: "1" } } },
    { request_id: 1, data: { Hub: { id: "1" } } },
  ]);
  const frames = await garbage.take(4);
  assertEquals(frames.slice(0, 3), ["garbage", "[1]", '{"request_id":1,"data":[]}']);
  assertEquals([client.inFlight, unmatched.size, garbage.size], [0, 0, 0]);
});

Deno.test("Client.request() ignores answers to cancelled requests", async () => {
  const unmatched = new Inbox<unknown>();
  await using server = startMockServer({
    onPacket: (packet, socket) => {
      if (packet.cancel) socket.send(response(packet));
      if (packet.data === "now") socket.send(response(packet));
    },
  });
  const onUnmatched = (answer: unknown) => unmatched.put(answer);
  await using client = await Client.connect(server.url, { onUnmatched });
  await assertRejects(() => client.request("", { id: "x", timeout: 10 }), TimeoutError);
  await client.request("now", { id: "y" });
  assertEquals(unmatched.size, 0);
  await client.request("now", { id: "x" });
});

Deno.test("Client.request() rejects when the connection ends in any way", async () => {
  const raw = (end: (connection: Deno.Conn) => unknown) =>
    startRawServer(async (connection) => {
      await acceptRawSocket(connection);
      await connection.read(new Uint8Array(1));
      await end(connection);
    });
  await using closes = startMockServer({ onPacket: (_, socket) => socket.close(4000, "bye") });
  await using breaks = raw((connection) => connection.close());
  await using babbles = raw((connection) => connection.write(new Uint8Array([0xff, 0xff, 0xff])));
  await using halfCloses = raw((connection) => connection.closeWrite());
  for (const { url } of [closes, breaks, babbles, halfCloses]) {
    await using client = await Client.connect(url, { reconnect: false });
    const requests = [1, 2, 3].map((id) =>
      awaitedLater(client.request("", { id, timeout: Infinity }))
    );
    for (const request of requests) {
      const error = await assertRejects(() => request, ConnectionError);
      assertEquals(error.code, "connection_lost");
      if (url === closes.url) assertMatch(error.message, /4000 bye/);
    }
    await client.closed;
    const error = await assertRejects(() => client.request(""), ConnectionError);
    assertEquals(error.code, "connection_lost");
    assertEquals(client.inFlight, 0);
  }
});

Deno.test("Client.request() rejects when the server closes as soon as it has opened", async () => {
  await using server = startMockServer({ onOpen: (socket) => socket.close(4001, "not you") });
  for (let i = 0; i < 20; i++) {
    await using client = await Client.connect(server.url);
    const error = await assertRejects(
      () => client.request("", { timeout: Infinity }),
      ConnectionError,
    );
    assertMatch(error.message, /4001 not you/);
  }
});

Deno.test("Client.connect() reads frames that arrive with the handshake", async () => {
  const unmatched = new Inbox<unknown>();
  const frame = '{"request_id":null,"error":{"code":"overloaded","message":"full"}}';
  await using server = startMockServer({ onOpen: (socket) => socket.send(frame) });
  const onUnmatched = (answer: unknown) => unmatched.put(answer);
  await using _client = await Client.connect(server.url, { onUnmatched });
  assertEquals(await unmatched.next(), JSON.parse(frame));
});

Deno.test("Client.request() resolves to the right names after other names with escapes", async () => {
  await using server = serve(AT_ONCE);
  await using client = await Client.connect(server.url);
  for (const name of ["\\", '"', "\n", "\\\\", '\\"']) {
    const { data, json } = await client.request(`a&&p&&1&&${name}&&2%%${name}&&p&&3`, { id: 1 });
    assertEquals(data, { a: { p: "1", [name]: "2" }, [name]: { p: "3" } });
    assertEquals(json, JSON.stringify({ request_id: 1, data }));
  }
});

// Closing.

Deno.test("Client.close() rejects unanswered requests with closed", async () => {
  await using server = serve({ port: 0, delay: { min: 600, max: 600 } });
  const requests: Promise<unknown>[] = [];
  {
    await using client = await Client.connect(server.url);
    for (const id of [1, 2]) {
      requests.push(awaitedLater(client.request("", { id, timeout: Infinity })));
    }
    await until("they have arrived", () => server.inFlight === 2);
  }
  for (const request of requests) {
    const error = await assertRejects(() => request, ConnectionError);
    assertEquals(error.code, "closed");
  }
  await until("the server has dropped them", () => server.inFlight === 0);
});

Deno.test("Client.close() ignores answers that arrive while it closes", async () => {
  const unmatched = new Inbox<unknown>();
  await using server = serve({ port: 0, delay: { min: 600, max: 600 } });
  const onUnmatched = (answer: unknown) => unmatched.put(answer);
  const client = await Client.connect(server.url, { onUnmatched });
  const abort = new AbortController();
  const request = awaitedLater(client.request("", { signal: abort.signal }));
  await until("it has arrived", () => server.inFlight === 1);
  abort.abort();
  await client.close();
  await assertRejects(() => request, AbortError);
  assertEquals(unmatched.size, 0);
});

Deno.test("Client.close() may be called at any time and repeatedly", async () => {
  await using server = serve(AT_ONCE);
  const client = await Client.connect(server.url);
  const request = awaitedLater(client.request("never sent"));
  const closed = client.close();
  const error = await assertRejects(() => request, ConnectionError);
  assertEquals(error.code, "closed");
  await Promise.all([closed, client.close(), client.closed]);
  await client.close();
  const after = await assertRejects(() => client.request(""), ConnectionError);
  assertEquals(after.code, "closed");
});

Deno.test("Client.close() resolves even if the server never closes", async () => {
  let client: Client;
  {
    await using server = startRawServer(async (connection) => {
      await acceptRawSocket(connection);
      await readToEnd(connection);
    });
    client = await Client.connect(server.url);
    const request = awaitedLater(client.request("", { timeout: Infinity }));
    await client.close();
    await assertRejects(() => request, ConnectionError);
  }
  await client.closed; // the server has gone
});

// Many requests.

const HUNDRED = Array.from({ length: 100 }, (_, i) => `Hub&&id&&${i}`);

/** Yields texts over time, as a stream does. */
async function* slowly<T>(items: Iterable<T>): AsyncGenerator<T, void, void> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

Deno.test("Client.requests() yields one outcome per input of any kind of source", async () => {
  await using server = serve(SOON);
  await using client = await Client.connect(server.url);
  const sources: (() => Iterable<RequestInput> | AsyncIterable<RequestInput>)[] = [
    () => HUNDRED,
    () => new Set(HUNDRED),
    () => HUNDRED.map((data, i) => ({ data, id: i })),
    () => slowly(HUNDRED),
    () => ReadableStream.from(HUNDRED),
  ];
  const inOrder = HUNDRED.map((_, i) => i);
  for (const source of sources) {
    for (const ordered of [true, false]) {
      const outcomes = await Array.fromAsync(client.requests(source(), { window: 30, ordered }));
      const indexes = outcomes.map(({ index }) => index);
      for (const { index, reply } of outcomes) {
        assertEquals(reply!.data, { Hub: { id: `${index}` } });
      }
      if (!ordered) {
        assert(String(indexes) !== String(inOrder), "they came in order");
        indexes.sort((a, b) => a - b);
      }
      assertEquals(indexes, inOrder);
    }
  }
  assertEquals(client.inFlight, 0);
});

Deno.test("Client.requests() yields nothing for an empty source", async () => {
  await using server = serve(AT_ONCE);
  await using client = await Client.connect(server.url);
  assertEquals(await Array.fromAsync(client.requests([])), []);
  assertEquals(await Array.fromAsync(client.requests(slowly([]))), []);
});

Deno.test("Client.requests() yields errors as outcomes and continues", async () => {
  await using server = serve({ ...AT_ONCE, limits: { maxPacketSize: 200 } });
  await using client = await Client.connect(server.url);
  const inputs = [{ data: "a&&b&&1", id: "x" }, { data: "", id: "" }, "a&&b&&2"];
  const outcomes = await Array.fromAsync(client.requests(inputs, { ordered: true }));
  assertEquals(outcomes.map(({ reply, error }) => reply?.data ?? error?.code), [
    { a: { b: "1" } },
    "invalid_packet",
    { a: { b: "2" } },
  ]);
});

Deno.test("Client.requests() keeps at most a window in flight", async () => {
  let inFlight = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  await using server = startMockServer({
    onPacket: (packet, socket) => {
      most = Math.max(most, ++inFlight);
      waiting.push(() => {
        inFlight--;
        socket.send(response(packet));
      });
      // The last requests first, once the window is full.
      if (waiting.length >= 8 || Number(packet.data) > 90) {
        for (const answer of waiting.splice(-Math.ceil(waiting.length / 2))) answer();
      }
      if (Number(packet.data) === 99) { for (const answer of waiting.splice(0)) answer(); }
    },
  });
  await using client = await Client.connect(server.url);
  const inputs = Array.from({ length: 100 }, (_, i) => String(i));
  const outcomes = await Array.fromAsync(client.requests(inputs, { window: 8 }));
  assertEquals([outcomes.length, most], [100, 8]);
});

Deno.test("Client.requests() reads its source at most a window ahead", async () => {
  await using server = serve(AT_ONCE);
  await using client = await Client.connect(server.url);
  let produced = 0;
  function* source() {
    while (produced < 10_000) yield String(produced++);
  }
  for (const make of [source, () => slowly(source())]) {
    for (const ordered of [false, true]) {
      produced = 0;
      let taken = 0;
      let furthest = 0;
      for await (const { error } of client.requests(make(), { window: 50, ordered })) {
        assertEquals(error, undefined);
        furthest = Math.max(furthest, produced - taken++);
      }
      assertEquals(taken, 10_000);
      assert(furthest <= 51, `it was ${furthest} ahead`);
    }
  }
});

Deno.test("Client.requests() cancels requests in flight when the loop is left", async () => {
  await using server = startMockServer({
    protocol: "asyncpkt.v1",
    onPacket: (packet, socket) => {
      if (packet.data === "first") socket.send(response(packet));
    },
  });
  await using client = await Client.connect(server.url);
  let isEnded = false;
  function* source() {
    try {
      yield { data: "first", id: 0 };
      for (let id = 1;; id++) yield { data: "", id };
    } finally {
      isEnded = true;
    }
  }
  for await (const { reply } of client.requests(source(), { window: 4 })) {
    assertEquals(reply!.requestId, 0);
    break;
  }
  assert(isEnded);
  assertEquals(client.inFlight, 0);
  const packets = await server.packets.take(7) as ClientPacket[];
  assertEquals(packets.slice(4).map(({ request_id, cancel }) => [request_id, cancel]), [
    [1, true],
    [2, true],
    [3, true],
  ]);
});

Deno.test("Client.requests() throws the error of its source and cancels requests in flight", async () => {
  await using server = startMockServer({});
  await using client = await Client.connect(server.url);
  const fault = new Error("the disk is gone");
  function* source() {
    yield "one";
    yield "two";
    throw fault;
  }
  for (const make of [source, () => slowly(source())]) {
    const error = await assertRejects(() => Array.fromAsync(client.requests(make())));
    assertStrictEquals(error, fault);
    assertEquals(client.inFlight, 0);
    const packets = await server.packets.take(4) as ClientPacket[];
    assertEquals(packets.map(({ cancel = false }) => cancel), [false, false, true, true]);
  }
});

Deno.test("Client.requests() ends on abort, even while its source is busy", async () => {
  await using server = startMockServer(answering);
  await using client = await Client.connect(server.url);
  const reason = new Error("SIGINT");
  for (const length of [0, 3]) {
    const abort = new AbortController();
    const stream = new ReadableStream<string>({
      start(controller) {
        for (let i = 0; i < length; i++) controller.enqueue("");
      },
    });
    const outcomes: Outcome[] = [];
    const { signal } = abort;
    if (length === 0) setTimeout(() => abort.abort(reason), 10);
    for await (const outcome of client.requests(stream, { signal, timeout: Infinity })) {
      if (outcomes.push(outcome) === length) abort.abort(reason);
    }
    assertEquals(outcomes.length, length);
  }

  await using mute = startMockServer({});
  await using waiting = await Client.connect(mute.url);
  const abort = new AbortController();
  const settled = Array.fromAsync(waiting.requests(HUNDRED, { signal: abort.signal, window: 10 }));
  await mute.packets.take(10);
  abort.abort(reason);
  const outcomes = await settled;
  assertEquals(outcomes.length, 10);
  for (const { error } of outcomes) {
    assertEquals(error!.code, "aborted");
    assertStrictEquals(error!.cause, reason);
  }
  assertEquals(await Array.fromAsync(client.requests(HUNDRED, { signal: abort.signal })), []);
});

Deno.test("Client.requests() settles each request once when the connection ends", async () => {
  let count = 0;
  await using server = startMockServer({
    onPacket: (packet, socket) => {
      if (++count < 50) socket.send(response(packet));
      else socket.close();
    },
  });
  await using client = await Client.connect(server.url, { reconnect: false });
  const outcomes = await Array.fromAsync(client.requests(HUNDRED, { window: 20 }));
  assertEquals(outcomes.map(({ index }) => index).sort((a, b) => a - b), HUNDRED.map((_, i) => i));
  assertEquals(outcomes.filter(({ reply }) => reply).length, 49);
  assert(outcomes.every(({ error }) => !error || error.code === "connection_lost"));
});

Deno.test("Client.requests() checks its options at once", async () => {
  await using server = serve(AT_ONCE);
  await using client = await Client.connect(server.url);
  for (const options of [{ window: 0 }, { window: 1.5 }, { timeout: 0 }, { timeout: NaN }]) {
    assertThrows(() => client.requests([], options), RangeError);
  }
});
