import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Client } from "../client.ts";
import { manualClock, serve, type ServeOptions } from "../server.ts";
import { type Identity, makeIdentity } from "../tests/support/certificates.ts";
import { clientFrame, openRawSocket, readToEnd, writeAll } from "../tests/support/raw_tcp.ts";
import { until } from "../tests/support/waiting.ts";
import { realClock } from "../session/clock.ts";
import { delayPolicy } from "../session/delays.ts";
import { Sessions } from "../session/sessions.ts";
import { FrameDecoder } from "../websocket/decoder.ts";
import { ServerConnection } from "./connection.ts";
import { Driver } from "./driver.ts";
import { canReset } from "./resettable_listener.ts";

const DATA = "Hub&&name&&qüe";
const ANSWER = '{"request_id":1,"data":{"Hub":{"name":"qüe"}}}';
const STRICT: ServeOptions = { port: 0, delay: { min: 0, max: 0 }, websocket: "strict" };

/** The fault, where Deno can reset connections. */
const RESET = canReset() ? ["reset"] : [];

/** Sends one request; returns the connection, and what it receives. */
async function ask(port: number) {
  const peer = await openRawSocket(port);
  await writeAll(peer, clientFrame(JSON.stringify({ request_id: 1, data: DATA })));
  return peer;
}

/** Reads until `count` pieces came; returns them with the time of each. */
async function readPieces(peer: Deno.Conn, isDone: (bytes: number[]) => boolean) {
  const bytes: number[] = [];
  let pieces = 0;
  const buffer = new Uint8Array(1 << 12);
  while (!isDone(bytes)) {
    const count = await peer.read(buffer);
    assert(count !== null, "the connection goes on");
    bytes.push(...buffer.subarray(0, count));
    pieces++;
  }
  return { bytes: new Uint8Array(bytes), pieces };
}

function decode(bytes: Uint8Array): string[] {
  const texts: string[] = [];
  new FrameDecoder("client", { onText: (text) => texts.push(text) }).write(bytes);
  return texts;
}

Deno.test("split sends an answer in eight fragments, whose text is the same", async () => {
  await using server = serve({ ...STRICT, faults: { split: 1 } });
  using peer = await ask(server.port);
  const size = new TextEncoder().encode(ANSWER).length + 8 * 2;
  const { bytes } = await readPieces(peer, ({ length }) => length >= size);
  const firsts: number[] = [];
  for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!) firsts.push(bytes[at]!);
  assertEquals(firsts, [0x01, 0, 0, 0, 0, 0, 0, 0x80]);
  assertEquals(decode(bytes), [ANSWER]);
  assertEquals([server.answered, server.faults?.split], [1, 1]);
});

Deno.test("drip sends an answer piece by piece, and later ones after it", async () => {
  await using server = serve({ ...STRICT, faults: { drip: 1, dripRate: 200 } });
  using peer = await ask(server.port);
  const frame = JSON.stringify({ request_id: 2, cancel: 1 }); // is refused at once
  await writeAll(peer, clientFrame(frame));
  const isDone = (bytes: number[]) => decode(new Uint8Array(bytes)).length === 2;
  const { bytes, pieces } = await readPieces(peer, isDone);
  const [first, second] = decode(bytes);
  const texts = [first, second].map((text) => JSON.parse(text!));
  assertEquals(texts.filter(({ data }) => data), [JSON.parse(ANSWER)]);
  assert(pieces > 2, `${pieces} pieces`);
  assertEquals(server.answered, 1);
});

Deno.test("badframe sends an answer in a frame that breaks the RFC", async () => {
  await using server = serve({ ...STRICT, faults: { badframe: 1 } });
  using peer = await ask(server.port);
  const { bytes } = await readPieces(peer, ({ length }) => length > 2);
  assertEquals(bytes[0], 0xc1);
  assertEquals([server.answered, server.faults?.badframe], [0, 1]);
});

Deno.test("a client that sends again after a fault of its connection gets its answer", async () => {
  for (const kind of ["badframe", "stall", ...RESET]) {
    await using server = serve({ ...STRICT, drainTimeout: 100, faults: { [kind]: 1 } });
    const first = await ask(server.port);
    await until("it has met the fault", () => server.faults?.[kind as "stall"] === 1);
    using again = await ask(server.port);
    const { bytes } = await readPieces(again, (bytes) => decode(new Uint8Array(bytes)).length > 0);
    assertEquals(decode(bytes), [ANSWER], kind);
    first.close();
  }
});

Deno.test("stall leaves the connection open, and answers nothing any more", async () => {
  await using server = serve({ ...STRICT, drainTimeout: 100, faults: { stall: 1 } });
  const peer = await ask(server.port);
  await until("it has stalled", () => server.faults?.stall === 1);
  // Neither a request nor a ping nor a Close frame is answered.
  await writeAll(peer, clientFrame(JSON.stringify({ request_id: 2, data: DATA })));
  await writeAll(peer, new Uint8Array([0x89, 0x80, 0, 0, 0, 0, 0x88, 0x80, 0, 0, 0, 0]));
  const health = await fetch(`${server.url.replace("ws", "http")}/healthz`);
  assertEquals((await health.json()).connections, 1);
  await (peer as Deno.TcpConn).closeWrite();
  assertEquals(await readToEnd(peer), "");
  peer.close();
});

// Where Deno cannot reset connections, a test below asserts what the server says of that.
for (const isSecure of canReset() ? [false, true] : []) {
  const name = `reset resets the ${isSecure ? "TLS" : "TCP"} connection, and drops its requests`;
  Deno.test(name, async () => {
    const { caCerts, ...tls }: Partial<Identity> = isSecure ? await makeIdentity() : {};
    const rules = [{ match: { id: "reset" }, fault: "reset" as const, times: 1 }];
    await using server = serve({ ...STRICT, ...tls, clock: manualClock(), delay: 5, rules });
    const peer = await openRawSocket(server.port, caCerts);
    const other = await openRawSocket(server.port, caCerts);
    const send = (to: Deno.Conn, id: string) =>
      writeAll(to, clientFrame(JSON.stringify({ request_id: id, data: DATA })));
    await send(other, "other");
    for (const id of ["reset", "later"]) await send(peer, id);
    await server.received(3);
    server.clock.advance(5000);
    await assertRejects(() => peer.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
    peer.close();
    assertEquals([server.inFlight, server.answered, server.faults?.reset], [0, 1, 1]);
    const { bytes } = await readPieces(
      other,
      (bytes) => decode(new Uint8Array(bytes)).length > 0,
    );
    assertEquals(decode(bytes), [ANSWER.replace("1", '"other"')]);
    other.close();
  });
}

Deno.test("a POST is answered as usual", async () => {
  for (const kind of ["stall", "drip", "split", "badframe", ...RESET]) {
    await using server = serve({ ...STRICT, faults: { [kind]: 1 } });
    const body = JSON.stringify({ request_id: 1, data: DATA });
    const response = await fetch(server.url.replace("ws", "http"), { method: "POST", body });
    assertEquals(await response.text(), ANSWER + "\n", kind);
  }
});

Deno.test("refuseFirst refuses so many handshakes, and no other requests", async () => {
  await using server = serve({ ...STRICT, refuseFirst: 2 });
  for (let i = 0; i < 2; i++) {
    await assertRejects(() => Client.connect(server.url, { reconnect: false }));
    const response = await fetch(`${server.url.replace("ws", "http")}/healthz`);
    assertEquals((await response.json()).status, "ok");
  }
  await using client = await Client.connect(server.url, { reconnect: false });
  assertEquals((await client.request("Hub&&id&&1")).data, { Hub: { id: "1" } });
});

Deno.test("handshakeDelay delays each handshake", async () => {
  await using server = serve({ ...STRICT, handshakeDelay: 200 });
  const start = performance.now();
  await using _client = await Client.connect(server.url);
  assert(performance.now() - start >= 199);
});

Deno.test("serve() throws when an option needs the strict transport", () => {
  const table: [ServeOptions, message: string][] = [
    [{ faults: { stall: 0.1 } }, "the fault stall needs the strict transport"],
    [{ faults: { drip: 0.1, drop: 0.1 } }, "the fault drip needs the strict transport"],
    [{ handshakeDelay: 0 }, "handshakeDelay needs the strict transport"],
    [{ refuseFirst: 1 }, "refuseFirst needs the strict transport"],
  ];
  for (const [options, message] of table) {
    assertThrows(() => serve({ port: 0, ...options }), RangeError, message);
  }
});

Deno.test("a server that is not prepared to reset connections says what that needs", async () => {
  if (!canReset()) {
    const faults = { reset: 0.1 };
    assertThrows(() => serve({ ...STRICT, faults }), RangeError, "reset needs Deno 2.8 or later");
    return;
  }
  await using server = serve(STRICT);
  const need = "reset needs rules, a clock, the control API or a share at the start";
  assertThrows(() => server.change({ fault: "reset=0.1" }), RangeError, `the fault ${need}`);
  const rule = { match: {}, fault: "reset" as const };
  assertThrows(() => server.rules.add(rule), RangeError, `rule.fault: ${need}`);
});

Deno.test("split counts for the limit of unread bytes", async () => {
  const sessions = new Sessions({ delays: delayPolicy() });
  const evictions: number[] = [];
  const frames: number[] = [];
  const context = {
    sessions,
    driver: new Driver(sessions, realClock, () => {}),
    events: { evicted: (_address: string, code: number) => evictions.push(code) },
    maxBuffered: 1000,
  };
  const socket = {
    unsent: 0,
    listen() {},
    send() {},
    sendBinary() {},
    close() {},
    frame: (opcode: number) => frames.push(opcode),
    drip() {},
    stall() {},
    reset: () => false,
  };
  const connection = new ServerConnection(socket, "192.0.2.7", false, context, () => {});
  connection.sendFaulty("split", "a".repeat(400));
  assertEquals(frames.length, 8);
  socket.unsent = 1001;
  connection.sendFaulty("split", "b");
  await Promise.resolve();
  assertEquals([frames.length, evictions], [8, [1013]]);
});
