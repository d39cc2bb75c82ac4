import { assert, assertEquals, assertGreater, assertLessOrEqual, assertMatch } from "@std/assert";
import project from "../deno.json" with { type: "json" };
import { Sessions } from "../session/sessions.ts";
import { serve, type ServeOptions, type ServerEvents } from "../server.ts";
import { openBrowserSocket } from "../tests/support/browser_socket.ts";
import { FakeTime } from "../tests/support/fake_time.ts";
import { Inbox, until } from "../tests/support/waiting.ts";
import {
  clientFrame,
  exchange,
  openRawSocket,
  readToEnd,
  writeAll,
} from "../tests/support/raw_tcp.ts";
import { upgradeRequest } from "../websocket/handshake.ts";

const AT_ONCE: ServeOptions = { port: 0, delay: { min: 0, max: 0 } };
const LATE: ServeOptions = { port: 0, delay: { min: 600, max: 600 } };

/** Records events of connections, and errors. */
function recordEvents() {
  const evicted = new Inbox<[code: number, dropped: number]>();
  const failed = new Inbox<string>();
  const rejected = new Inbox<string>();
  const events: ServerEvents = {
    evicted: (_address, code, _reason, dropped) => evicted.put([code, dropped]),
    failed: (_id, error) => failed.put((error as Error).message),
    rejected: (_address, reason) => rejected.put(reason),
  };
  return { evicted, failed, rejected, events };
}

function codeOf(answer: unknown): string | undefined {
  return (answer as { error?: { code: string } }).error?.code;
}

// Errors of the peer.

const WRONG: [name: string, frame: unknown][] = [
  ["no JSON", "{"],
  ["no packet", {}],
  ["a long frame", "x".repeat(5000)],
  ["an id in flight", { request_id: 0, data: "" }],
];

Deno.test("serve() closes with 1008 after 100 wrong packets in a row, each answered", async () => {
  for (const protocols of [[], ["asyncpkt.v1"]]) {
    const { evicted, events } = recordEvents();
    await using server = serve({ ...LATE, events, limits: { maxPacketSize: 4096 } });
    for (const [name, frame] of WRONG) {
      await using peer = await openBrowserSocket(server.url, protocols);
      peer.send({ request_id: 0, data: "" });
      for (let i = 0; i < 99; i++) peer.send(frame);
      peer.send({ request_id: "taken in", data: "" });
      for (let i = 0; i < 99; i++) peer.send(frame);
      await takeAnswers(peer.frames, 198);
      assertEquals(peer.socket.readyState, WebSocket.OPEN, name);
      peer.send(frame);
      await takeAnswers(peer.frames, 1);
      assertEquals((await peer.closed).code, 1008, name);
      assertEquals(await evicted.next(), [1008, 2], name);
      assertEquals(server.inFlight, 0);
    }
  }
});

Deno.test("serve() closes no connection for errors that the peer does not cause", async () => {
  await using server = serve({ ...LATE, limits: { maxInFlight: 1, maxConsecutiveErrors: 3 } });
  await using peer = await openBrowserSocket(server.url);
  peer.send({ request_id: 0, data: "" });
  for (let i = 1; i <= 20; i++) peer.send({ request_id: i, data: "" });
  for (let i = 1; i <= 20; i++) assertEquals(codeOf(await peer.next()), "overloaded");
  for (let i = 0; i < 5; i++) {
    peer.send({ request_id: 0, cancel: true });
    assertEquals(codeOf(await peer.next()), "cancelled");
    peer.send({ request_id: 0, data: "" });
  }
  assertEquals(peer.socket.readyState, WebSocket.OPEN);
});

async function takeAnswers(frames: Inbox<string>, count: number): Promise<void> {
  for (let taken = 0; taken < count;) taken += [JSON.parse(await frames.next())].flat().length;
}

Deno.test("serve() reads packets correctly after another connection sent names that mislead V8", async () => {
  await using server = serve(AT_ONCE);
  await using odd = await openBrowserSocket(server.url);
  await using other = await openBrowserSocket(server.url);
  odd.send('{"request_id":6,"d\\\\u0":"x"}');
  assertEquals(codeOf(await odd.next()), "invalid_packet");
  const body = '{"request_id":7,"d\\u0061ta":"Hub&&id&&1"}';
  const wanted = { request_id: 7, data: { Hub: { id: "1" } } };
  other.send(body);
  assertEquals(await other.next(), wanted);
  const response = await fetch(server.url.replace("ws", "http"), { method: "POST", body });
  assertEquals(await response.json(), wanted);
});

// Limits of connections.

Deno.test("serve() admits clients up to the limit, and the next when one has left", async () => {
  for (const limits of [{ maxConnections: 2 }, { maxConnectionsPerAddress: 2 }]) {
    const { rejected, events } = recordEvents();
    await using server = serve({ ...LATE, limits, events });
    const url = server.url.replace("ws", "http");
    const abort = new AbortController();
    const one = await openBrowserSocket(server.url);
    const posted = fetch(url, {
      method: "POST",
      body: '[{"request_id":1,"data":""}]',
      signal: abort.signal,
    });
    await until("it has been posted", () => server.inFlight === 1);
    for (let i = 0; i < 3; i++) {
      assertMatch(
        await exchange(server.port, upgradeRequest()),
        /^HTTP\/1.1 503[^]*retry-after: 1/i,
      );
      const response = await fetch(url, { method: "POST", body: "{}" });
      assertEquals(response.status, 503);
      assertMatch(
        await response.text(),
        /^Too many connections.*: the limit is 2; try again later\n$/,
      );
    }
    assertEquals(rejected.size, 6);
    assertEquals((await fetch(url + "/healthz").then((answer) => answer.json())).connections, 1);

    await (await posted).body?.cancel();
    abort.abort();
    await until("there is room", () => server.inFlight === 0);
    await using _two = await openBrowserSocket(server.url);
    await one[Symbol.asyncDispose]();
    await until("it is gone", () => one.socket.readyState === WebSocket.CLOSED);
    const response = await fetch(url, { method: "POST", body: "{}" });
    assertEquals(response.status, 400);
    await response.body!.cancel();
    await using _three = await openBrowserSocket(server.url);
  }
});

Deno.test("serve() frees the connection of a POST, whatever its outcome", async () => {
  await using server = serve({ ...AT_ONCE, limits: { maxConnections: 1 } });
  const url = server.url.replace("ws", "http");
  const bodies = ["{", '{"request_id":1,"data":""}', '{"request_id":1,"cancel":true}', "[{},{}]"];
  for (const body of bodies) {
    const response = await fetch(url, { method: "POST", body });
    assert(response.status < 500, body);
    await response.text();
  }
  const broken = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n\r\n";
  assertMatch(await exchange(server.port, broken), /^HTTP\/1.1 400/);
  await using _peer = await openBrowserSocket(server.url);
});

Deno.test("serve() reports that it is unhealthy when 100 upgrades have never opened", async () => {
  using time = new FakeTime();
  const counts: number[] = [];
  await using server = serve({ ...LATE, events: { abandoned: (_, count) => counts.push(count) } });
  const { upgradeWebSocket } = Deno;
  const inside = Object.getOwnPropertySymbols(WebSocket.prototype);
  Deno.upgradeWebSocket = () => ({
    socket: Object.fromEntries(inside.map((name) => [name, () => {}])) as unknown as WebSocket,
    response: new Response("on purpose"),
  });
  try {
    for (let i = 0; i < 100; i++) await exchange(server.port, upgradeRequest());
  } finally {
    Deno.upgradeWebSocket = upgradeWebSocket;
  }
  assertEquals(counts, []);
  time.pass(5000);
  assertEquals(counts, Array.from({ length: 100 }, (_, i) => i + 1));
  const response = await fetch(server.url.replace("ws", "http") + "/healthz");
  assertEquals([response.status, await response.json()], [
    503,
    { status: "unhealthy", version: project.version, connections: 0, in_flight: 0, abandoned: 100 },
  ]);
});

// Clients that do not read.

Deno.test("serve() closes clients that never read, buffers no more for them, and answers others", async () => {
  const { evicted, events } = recordEvents();
  const maxBuffered = 1 << 20;
  await using server = serve({ ...AT_ONCE, events, limits: { maxBuffered } });
  await using other = await openBrowserSocket(server.url);
  using buffered = recordBuffered();
  const peers = await Promise.all(Array.from({ length: 20 }, () => openRawSocket(server.port)));
  const frame = clientFrame(`{"request_id":1,"data":"a&&b&&${"c".repeat(60_000)}"}`);
  let isOver = false;
  const sending = peers.map(async (peer) => {
    while (!isOver) await writeAll(peer, frame);
  }).map((sent) => sent.catch(() => {})); // it was closed
  for (let i = 0; i < 20;) {
    other.send({ request_id: i, data: "a&&b&&1" });
    assertEquals(await other.next(), { request_id: i, data: { a: { b: "1" } } });
    for (; evicted.size > 0; i++) assertEquals(await evicted.next(), [1013, 0]);
  }
  isOver = true;
  // On Deno 2.7, a write goes on after its connection is closed, so the clients read to the end.
  const reading = peers.map((peer) => readToEnd(peer).catch(() => {}));
  await Promise.all(sending);
  for (const peer of peers) peer.close();
  await Promise.all(reading);
  assertGreater(buffered.most, 0);
  assertLessOrEqual(buffered.most, maxBuffered + (1 << 16), "more than one answer past the limit");
});

/** Records the most bytes that any one socket of this process buffers after sending. */
function recordBuffered() {
  const { send } = WebSocket.prototype;
  const recorded = {
    most: 0,
    [Symbol.dispose]: () => void (WebSocket.prototype.send = send),
  };
  WebSocket.prototype.send = function (this: WebSocket, data) {
    send.call(this, data);
    recorded.most = Math.max(recorded.most, this.bufferedAmount);
  };
  return recorded;
}

Deno.test("serve() closes a POST whose answers are not read", async () => {
  const { evicted, events } = recordEvents();
  await using server = serve({
    port: 0,
    delay: { min: 0.2, max: 1 },
    events,
    limits: { maxBuffered: 1 << 16, maxPacketSize: 1 << 26 },
  });
  const packets = Array.from({ length: 1000 }, (_, i) => ({
    request_id: i,
    data: `a&&b&&${"c".repeat(30_000)}`,
  }));
  const body = JSON.stringify(packets);
  const head = `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n\r\n`;
  using peer = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const bytes = new TextEncoder().encode(head + body);
  for (let at = 0; at < bytes.length;) at += await peer.write(bytes.subarray(at));
  const [code, dropped] = await evicted.next();
  assertEquals(code, 1013);
  assert(dropped > 0 && dropped < 1000, `${dropped}`);
  await until("nothing is in flight", () => server.inFlight === 0);
});

// Errors of the server.

Deno.test("serve() closes a connection with 1011 when sending fails, and no other", async () => {
  const { evicted, failed, events } = recordEvents();
  await using server = serve({ ...AT_ONCE, events });
  await using other = await openBrowserSocket(server.url);
  const peer = await openRawSocket(server.port);
  const { send } = WebSocket.prototype;
  try {
    WebSocket.prototype.send = () => {
      throw new Error("on purpose");
    };
    await peer.write(clientFrame('{"request_id":1,"data":""}'));
    assertEquals([await failed.next(), await evicted.next()], ["on purpose", [1011, 0]]);
  } finally {
    WebSocket.prototype.send = send;
  }
  peer.close();
  other.send({ request_id: 1, data: "" });
  assertEquals(await other.next(), { request_id: 1, data: {} });
});

Deno.test("serve() survives an error wherever Deno calls it, and reports it", async () => {
  const { evicted, failed, events } = recordEvents();
  const names = ["open", "close", "advance", "flush"] as const;
  for (const name of names) {
    await using server = serve({ port: 0, delay: { min: 0.01, max: 0.01 }, events });
    await using other = await openBrowserSocket(server.url, ["asyncpkt.v1"]);
    const original = Sessions.prototype[name];
    let hasFailed = false;
    Object.assign(Sessions.prototype, {
      [name](this: Sessions, ...args: never[]) {
        if (hasFailed) return (original as (...args: never[]) => unknown).apply(this, args);
        hasFailed = true;
        throw new Error(`${name}, on purpose`);
      },
    });
    try {
      const peer = await openRawSocket(server.port);
      await peer.write(clientFrame('{"request_id":1,"data":""}'));
      if (name === "close") peer.close();
      assertEquals(await failed.next(), `${name}, on purpose`);
      // A client that cannot be served is disconnected.
      if (name === "open") assertEquals(await evicted.next(), [1011, 0]);
      if (name !== "close") peer.close();
    } finally {
      Object.assign(Sessions.prototype, { [name]: original });
    }
    other.send({ request_id: 1, data: "" });
    const answer = [await other.next()].flat()[0] as { request_id: number };
    assertEquals(answer.request_id, 1, name);
  }
});

Deno.test("serve() survives events of connections that throw", async () => {
  const fail = () => {
    throw new Error("on purpose");
  };
  await using server = serve({
    ...LATE,
    limits: { maxConnections: 1, maxConsecutiveErrors: 1 },
    events: { evicted: fail, rejected: fail, abandoned: fail, failed: fail },
  });
  for (let i = 0; i < 2; i++) {
    await using peer = await openBrowserSocket(server.url);
    assertMatch(await exchange(server.port, upgradeRequest()), /^HTTP\/1.1 503/);
    peer.send("{");
    assertEquals((await peer.closed).code, 1008);
  }
});

// ReadFairness.

Deno.test("serve() answers all packets that arrive faster than its turns", async () => {
  await using server = serve(AT_ONCE);
  const peers = await Promise.all(
    [[], [], ["asyncpkt.v1"]].map((protocols) => openBrowserSocket(server.url, protocols)),
  );
  const count = 5000;
  for (let i = 0; i < count; i++) {
    for (const peer of peers) peer.send({ request_id: i, data: "a&&b&&c" });
  }
  for (const peer of peers) {
    const ids: number[] = [];
    while (ids.length < count) {
      const answers = [await peer.next()].flat() as { request_id: number }[];
      for (const { request_id } of answers) ids.push(request_id);
    }
    assertEquals(ids, Array.from({ length: count }, (_, i) => i));
    await peer[Symbol.asyncDispose]();
  }
});
