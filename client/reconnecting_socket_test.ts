import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { AbortError, Client, ConnectionError, RequestError, TimeoutError } from "../client.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { awaitedLater, Inbox } from "../tests/support/waiting.ts";
import { fixRandom, randomIntegers } from "../tests/support/random.ts";
import {
  type ClientPacket,
  type MockServerOptions,
  startMockServer,
} from "../tests/support/mock_server.ts";
import {
  acceptRawSocket,
  closeAfterPeer,
  readToEnd,
  serverFrame,
  startRawServer,
} from "../tests/support/raw_tcp.ts";
import { jitter } from "./reconnecting_socket.ts";

const PATIENT = { timeout: 60_000 };

function answer({ request_id }: ClientPacket, socket: WebSocket): void {
  socket.send(JSON.stringify({ request_id, data: { id: { is: String(request_id) } } }));
}

function refusal({ request_id }: ClientPacket, code: string): string {
  return JSON.stringify({ request_id, error: { code, message: "not now" } });
}

/** Returns options with one behavior for the first connection and another for the others. */
function firstAndThen(
  first: NonNullable<MockServerOptions["onPacket"]>,
  then: NonNullable<MockServerOptions["onPacket"]> = answer,
): MockServerOptions {
  let socketOfFirst: WebSocket | undefined;
  return {
    protocol: "asyncpkt.v1",
    onOpen: (socket) => void (socketOfFirst ??= socket),
    onPacket: (packet, socket) => (socket === socketOfFirst ? first : then)(packet, socket),
  };
}

// Losing the connection.

Deno.test("Client sends unanswered requests again after reconnecting", async () => {
  using _ = fixRandom(0.02);
  let count = 0;
  await using server = startMockServer(firstAndThen((packet, socket) => {
    if (++count <= 4) answer(packet, socket);
    if (count === 10) socket.close(1012);
  }));
  const events: string[] = [];
  await using client = await Client.connect(server.url, {
    onDisconnect: ({ code }, wait) => events.push(`${code}, again in ${wait} ms`),
    onReconnect: () => events.push("again"),
  });
  const requests = Array.from(
    { length: 10 },
    (_, id) => client.request(`${id}`, { id, ...PATIENT }),
  );
  const replies = await Promise.all(requests);
  assertEquals(replies.map(({ data }) => data), requests.map((_, i) => ({ id: { is: `${i}` } })));
  const packets = await server.packets.take(16) as ClientPacket[];
  assertEquals(packets.map(({ data }) => Number(data)).slice(10), [4, 5, 6, 7, 8, 9]);
  assertEquals(events, ["connection_lost, again in 10 ms", "again"]);
  assertEquals(client.retryStats, { reconnects: 1, resent: 6, retried: 0 });
  assertEquals([client.inFlight, server.packets.size], [0, 0]);
});

Deno.test("Client keeps requests that are made while it reconnects", async () => {
  using _ = fixRandom(0.1);
  await using server = startMockServer(firstAndThen((_, socket) => socket.close(1001)));
  const lost = new Inbox<void>();
  await using client = await Client.connect(server.url, { onDisconnect: () => lost.put() });
  const before = client.request("", { id: "before", ...PATIENT });
  await lost.next();
  const signal = AbortSignal.abort();
  await assertRejects(() => client.request("", { signal }), AbortError);
  const during = client.request("", { id: "during", ...PATIENT });
  const error = await assertRejects(() => client.request("", { id: "during" }), RequestError);
  assertEquals(error.code, "duplicate_request_id");
  assertEquals((await before).data, { id: { is: "before" } });
  assertEquals((await during).data, { id: { is: "during" } });
  assertEquals(client.retryStats, { reconnects: 1, resent: 1, retried: 0 });
  assertEquals(server.packets.size, 3);
});

Deno.test("Client rejects on timeout and on abort while it reconnects", async () => {
  using _ = fixRandom(0.4);
  await using server = startMockServer(firstAndThen((_, socket) => socket.close(1011, "ill")));
  const lost = new Inbox<void>();
  await using client = await Client.connect(server.url, { onDisconnect: () => lost.put() });
  const abort = new AbortController();
  const sent = awaitedLater(client.request("", { id: 1, signal: abort.signal }));
  await lost.next();
  const late = await assertRejects(() => client.request("", { id: 2, timeout: 20 }), TimeoutError);
  assertEquals(
    late.message,
    "no answer within 0.02 s; before that, connection_lost: " +
      "the server closed the connection with 1011 ill",
  );
  assertInstanceOf(late.cause, ConnectionError);
  abort.abort();
  await assertRejects(() => sent, AbortError);
  // Both ids are free, and the next connection gets neither request.
  await Promise.all([1, 2].map((id) => client.request("again", { id, ...PATIENT })));
  const packets = await server.packets.take(3) as ClientPacket[];
  assertEquals(packets.slice(1).map(({ data }) => data), ["again", "again"]);
});

Deno.test("Client keeps a request's timeout over several connections", async () => {
  using time = new FakeTime();
  using _ = fixRandom(0);
  await using server = startMockServer({ onPacket: (_, socket) => socket.close(1001) });
  const lost = new Inbox<void>();
  await using client = await Client.connect(server.url, { onDisconnect: () => lost.put() });
  const request = awaitedLater(client.request("", { timeout: 300 }));
  for (let i = 0; i < 3; i++) {
    await lost.next();
    time.pass(100); // the client reconnects
  }
  assertEquals([client.inFlight, client.retryStats.resent], [0, 2]);
  const error = await assertRejects(() => request, TimeoutError);
  assertMatch(error.message, /^no answer within 0\.3 s/);
});

for (const isConnecting of [false, true]) {
  const when = isConnecting ? "an attempt is under way" : "the client waits for an attempt";
  Deno.test(`Client.close() does not wait when ${when}`, async () => {
    using time = new FakeTime();
    const connections = new Inbox<number>();
    let count = 0;
    await using server = startRawServer(async (connection) => {
      connections.put(++count);
      if (count > 1) return void await readToEnd(connection);
      await acceptRawSocket(connection);
      await connection.read(new Uint8Array(4096));
      connection.close();
    });
    const lost = new Inbox<void>();
    const client = await Client.connect(server.url, { onDisconnect: () => lost.put() });
    const request = awaitedLater(client.request("", { timeout: Infinity }));
    await lost.next();
    if (isConnecting) {
      time.pass(500);
      await connections.take(2);
    }
    await client.close();
    await client.closed;
    const error = await assertRejects(() => request, ConnectionError);
    assertEquals(error.code, "closed");
  });
}

Deno.test("Client reconnects only after close codes that may not repeat", async () => {
  using _ = fixRandom(0);
  const table: [codes: number[], isFinal: boolean][] = [
    [[1000, 1001, 1011, 1012, 1013], false],
    [[1002, 1003, 1007, 1008, 1009, 1010, 3000, 4000, 4999], true],
  ];
  for (const [codes, isFinal] of table) {
    for (const code of codes) {
      let count = 0;
      await using server = startRawServer(async (connection) => {
        await acceptRawSocket(connection);
        await connection.read(new Uint8Array(4096));
        const reason = new Uint8Array([code >> 8, code & 0xff, ...new TextEncoder().encode("bye")]);
        const answer = serverFrame('{"request_id":1,"data":{}}');
        await connection.write(count++ === 0 ? serverFrame(reason, 0x88) : answer);
        await closeAfterPeer(connection);
      });
      await using client = await Client.connect(server.url);
      const request = awaitedLater(client.request("", { id: 1, timeout: 60_000 }));
      if (isFinal) {
        const error = await assertRejects(() => request, ConnectionError, `${code}`);
        assertEquals(error.code, "connection_lost");
        assertEquals(error.message, `the server closed the connection with ${code} bye`);
        await client.closed;
      } else {
        assertEquals((await request).data, {}, `${code}`);
      }
    }
  }
});

Deno.test("Client ends after a handshake that would fail again", async () => {
  using _ = fixRandom(0);
  for (const status of [200, 301, 400, 401, 403, 404, 426]) {
    await using server = startMockServer({
      onHandshake: (count) => count === 0 ? undefined : new Response("no", { status }),
      onPacket: (_, socket) => socket.close(1001),
    });
    await using client = await Client.connect(server.url);
    const error = await assertRejects(() => client.request("", PATIENT), ConnectionError);
    assertEquals(
      [error.code, error.message],
      [
        "connection_lost",
        `cannot connect to ${server.url}: the server answered with status ${status}, not with a WebSocket`,
      ],
    );
    assertInstanceOf(error.cause, Error);
    await client.closed;
    const after = await assertRejects(() => client.request(""), ConnectionError);
    assertEquals(after.code, "connection_lost");
  }
});

Deno.test("Client retries while the server is overloaded, away or breaks off", async () => {
  using _ = fixRandom(0);
  const errors: string[] = [];
  let count = 0;
  await using server = startRawServer(async (connection) => {
    const attempt = count++;
    const statuses = [undefined, "500 Ill", "502 Ill", "503 Busy"];
    if (attempt === 4) return connection.close();
    if (attempt > 0 && attempt < 4) {
      const head = `HTTP/1.1 ${statuses[attempt]}\r\nContent-Length: 0\r\n\r\n`;
      return void await connection.write(new TextEncoder().encode(head));
    }
    await acceptRawSocket(connection);
    await connection.read(new Uint8Array(4096));
    if (attempt === 0) return connection.close();
    await connection.write(serverFrame('{"request_id":1,"data":{}}'));
    await closeAfterPeer(connection);
  });
  await using client = await Client.connect(server.url, {
    onDisconnect: ({ message }) => errors.push(message),
  });
  assertEquals((await client.request("", { id: 1, ...PATIENT })).data, {});
  assertEquals([errors.length, client.retryStats.reconnects], [5, 1]);
  for (const [i, status] of [500, 502, 503].entries()) {
    assert(errors[i + 1]!.includes(`the server answered with status ${status}`), errors[i + 1]);
  }
});

Deno.test("Client rejects a subprotocol that it did not offer", async () => {
  await using server = startRawServer((connection) => acceptRawSocket(connection, "other"));
  const error = await assertRejects(() => Client.connect(server.url), ConnectionError);
  assertMatch(error.message, /the server chose the subprotocol "other", which was not offered$/);
});

Deno.test("Client.connect() tries once by default", async () => {
  let handshakes = 0;
  await using server = startMockServer({
    onHandshake: () => (handshakes++, new Response(null, { status: 503 })),
  });
  const error = await assertRejects(() => Client.connect(server.url), ConnectionError);
  assertEquals([error.code, handshakes], ["connection_failed", 1]);
});

Deno.test("Client doubles its wait with each attempt, and resets it after an answer", async () => {
  using _ = fixRandom(0.01);
  const waits: number[] = [];
  await using server = startMockServer({
    onHandshake: (count) => count % 5 === 0 ? undefined : new Response(null, { status: 503 }),
    onPacket: (packet, socket) => {
      answer(packet, socket);
      socket.close(1001);
    },
  });
  await using client = await Client.connect(server.url, {
    onDisconnect: (_, wait) => waits.push(wait),
  });
  for (let i = 0; i < 3; i++) await client.request("", PATIENT);
  assertEquals(waits.slice(0, 10), [5, 10, 20, 40, 80, 5, 10, 20, 40, 80]);
});

// Options.

Deno.test("Client ends with its connection if reconnect is false", async () => {
  await using server = startMockServer(firstAndThen((_, socket) => socket.close(1001)));
  const onDisconnect = () => assert(false, "there is nothing to tell of");
  await using client = await Client.connect(server.url, { reconnect: false, onDisconnect });
  const error = await assertRejects(() => client.request("", PATIENT), ConnectionError);
  assertEquals(error.code, "connection_lost");
  await client.closed;
});

Deno.test("Client.connect() rejects a reconnect time of 0", async () => {
  for (const reconnect of [0, -1, NaN]) {
    await assertRejects(() => Client.connect("ws://127.0.0.1:1", { reconnect }), RangeError);
  }
});

Deno.test("Client ends after its reconnect time without a connection", async () => {
  using _ = fixRandom(0.05);
  await using server = startMockServer({
    onHandshake: (count) => count === 0 ? undefined : new Response(null, { status: 503 }),
    onPacket: (_, socket) => socket.close(1001),
  });
  await using client = await Client.connect(server.url, { reconnect: 100 });
  const from = performance.now();
  const error = await assertRejects(() => client.request("", PATIENT), ConnectionError);
  assert(performance.now() - from >= 99);
  assertEquals(error.code, "connection_lost");
  assertMatch(error.message, /status 503/);
  await client.closed;
});

Deno.test("Client sends nothing twice if resend is false", async () => {
  using _ = fixRandom(0.02);
  await using server = startMockServer(firstAndThen((packet, socket) => {
    if (packet.data === "refuse") socket.send(refusal(packet, "shutting_down"));
    if (packet.data === "close") socket.close(1001);
  }));
  await using client = await Client.connect(server.url, { resend: false });
  const refused = awaitedLater(client.request("refuse", { id: "refused", ...PATIENT }));
  const requests = ["wait", "close"].map((data) => awaitedLater(client.request(data, PATIENT)));
  for (const request of requests) {
    const error = await assertRejects(() => request, ConnectionError);
    assertEquals(error.code, "connection_lost");
  }
  // The server never accepted it, and does not know a request made now.
  assertEquals((await client.request("now", { id: "new", ...PATIENT })).data, {
    id: { is: "new" },
  });
  assertEquals((await refused).data, { id: { is: "refused" } });
  assertEquals(client.retryStats, { reconnects: 1, resent: 0, retried: 1 });
});

// Refusals.

Deno.test("Client sends overloaded requests again, after growing waits", async () => {
  using _ = fixRandom(0.1);
  let count = 0;
  await using server = startMockServer({
    onPacket: (packet, socket) => {
      if (++count <= 5) socket.send(refusal(packet, "overloaded"));
      else answer(packet, socket);
    },
  });
  await using client = await Client.connect(server.url);
  const reply = await client.request("data", { id: "x", ...PATIENT });
  assertEquals(reply.data, { id: { is: "x" } });
  assert(reply.latency >= 5 + 10 + 20 + 40 + 80 - 2, `it took ${reply.latency} ms`);
  assertEquals(await server.packets.take(6), new Array(6).fill({ request_id: "x", data: "data" }));
  assertEquals(client.retryStats, { reconnects: 0, resent: 0, retried: 5 });
});

Deno.test("Client sends requests refused as shutting_down over the next connection", async () => {
  using _ = fixRandom(0.02);
  await using server = startMockServer(firstAndThen((packet, socket) => {
    if (packet.data === "close") setTimeout(() => socket.close(1001), 30);
    socket.send(refusal(packet, "shutting_down"));
  }));
  await using client = await Client.connect(server.url);
  const requests = ["wait", "close"].map((data) => client.request(data, { id: data, ...PATIENT }));
  const replies = await Promise.all(requests);
  assertEquals(replies.map(({ data }) => data), [{ id: { is: "wait" } }, { id: { is: "close" } }]);
  assertEquals(client.retryStats, { reconnects: 1, resent: 0, retried: 2 });
  assertEquals(server.packets.size, 4);
});

Deno.test("Client reports the last refusal on timeout", async () => {
  for (const code of ["overloaded", "shutting_down"]) {
    using time = new FakeTime();
    await using server = startMockServer({
      onPacket: (packet, socket) => {
        if (packet.data === "refuse") socket.send(refusal(packet, code));
        else if (!packet.cancel) answer(packet, socket);
      },
    });
    await using client = await Client.connect(server.url);
    const request = awaitedLater(client.request("refuse", { timeout: 100 }));
    await client.request("the refusal has come by now");
    time.pass(100);
    const error = await assertRejects(() => request, TimeoutError);
    assertEquals(error.message, `no answer within 0.1 s; before that, ${code}: not now`);
    assertInstanceOf(error.cause, RequestError);
    assertStrictEquals(error.cause.code, code);
  }
});

Deno.test("Client does not send a refused request again after its abort", async () => {
  using time = new FakeTime();
  await using server = startMockServer({
    onPacket: (packet, socket) => {
      if (packet.data === "refuse") socket.send(refusal(packet, "overloaded"));
      else answer(packet, socket);
    },
  });
  await using client = await Client.connect(server.url);
  const abort = new AbortController();
  const { signal } = abort;
  const request = awaitedLater(client.request("refuse", { id: "x", signal }));
  await client.request("the refusal has come by now", { id: "y" });
  abort.abort();
  await assertRejects(() => request, AbortError);
  await client.request("", { id: "x" });
  time.pass(1000); // past the time for another attempt
  await client.request("", { id: "z" });
  const packets = await server.packets.take(4) as ClientPacket[];
  assertEquals(packets.map(({ request_id }) => request_id), ["x", "y", "x", "z"]);
});

Deno.test("Client does not retry if retry is false, nor after other errors", async () => {
  await using server = startMockServer({
    onPacket: (packet, socket) => socket.send(refusal(packet, packet.data!)),
  });
  const table: [options: object, codes: string[]][] = [
    [{ retry: false }, ["overloaded", "shutting_down"]],
    [{ reconnect: false }, ["shutting_down"]], // there will be no other connection
    [{}, ["internal", "invalid_packet", "packet_too_large", "cancelled", "of_tomorrow"]],
  ];
  for (const [options, codes] of table) {
    await using client = await Client.connect(server.url, options);
    for (const code of codes) {
      const error = await assertRejects(() => client.request(code, PATIENT), RequestError);
      assertEquals(error.code, code);
    }
    assertEquals(client.retryStats.retried, 0);
  }
});

// Waits.

const RANGE = { first: 500, most: 30_000 };

Deno.test("jitter() doubles its limit up to a maximum", () => {
  const waits = Array.from({ length: 9 }, (_, attempt) => jitter(RANGE, attempt, () => 0.5));
  assertEquals(waits, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  assertEquals(jitter(RANGE, 1e6, () => 1), 30_000);
});

Deno.test("jitter() uses the whole range from 0 to its limit", () => {
  const random = randomIntegers(3);
  for (const [attempt, limit] of [[0, 500], [3, 4000], [20, 30_000]] as const) {
    const waits = Array.from(
      { length: 2000 },
      () => jitter(RANGE, attempt, () => random(2 ** 20) / 2 ** 20),
    );
    assert(waits.every((wait) => wait >= 0 && wait < limit));
    for (let tenth = 0; tenth < 10; tenth++) {
      const within = waits.filter((wait) => Math.floor(wait / limit * 10) === tenth);
      assert(within.length > 100, `${within.length} of ${waits.length} in tenth ${tenth}`);
    }
  }
});
