import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type ConnectionOptions, WebSocketConnection } from "./connection.ts";
import { FrameDecoder } from "./decoder.ts";
import { buildFrame, closePayload, type FrameHeader, Opcode, ZERO_MASK } from "./frames.ts";
import type { ByteStream } from "./streams.ts";

const decoder = new TextDecoder();

/** A connection of ours, and its peer as a bare socket. */
interface Pair extends AsyncDisposable {
  readonly connection: WebSocketConnection;
  /** What has happened to the connection. */
  readonly seen: unknown[];
  readonly ended: Promise<void>;
  readonly peer: Deno.TcpConn;
  /** Sends a frame of the peer's role. */
  write(payload: string | Uint8Array, header?: FrameHeader): Promise<void>;
  /** Resolves to the next thing that the peer receives: a text, `[event, payload]`, or "end". */
  next(): Promise<unknown>;
}

async function openPair(options: Partial<ConnectionOptions> = {}): Promise<Pair> {
  const { role = "server" } = options;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [peer, stream] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  const seen: unknown[] = [];
  const end = Promise.withResolvers<void>();
  const connection = new WebSocketConnection(stream, { role, ...options });
  connection.listen({
    onMessage: (message) => seen.push(typeof message === "string" ? message : [...message]),
    onEnd(code, reason) {
      seen.push([code, reason]);
      end.resolve();
    },
  });
  const running = connection.run(new Uint8Array());
  const received: unknown[] = [];
  const reader = new FrameDecoder(role === "server" ? "client" : "server", {
    onText: (text) => received.push(text),
    onPing: () => received.push("ping"),
    onPong: (payload) => received.push(["pong", decoder.decode(payload)]),
    onClose: (payload) =>
      received.push(["close", ...payload.slice(0, 2), decoder.decode(payload.slice(2))]),
  });
  return {
    connection,
    seen,
    ended: end.promise,
    peer,
    async write(payload, header) {
      const mask = role === "server" ? { mask: ZERO_MASK } : {};
      const frame = buildFrame(payload, { ...mask, ...header });
      await peer.write(frame);
    },
    async next() {
      while (received.length === 0) {
        const count = await peer.read(reader.space).catch(() => null);
        if (count === null) return "end";
        reader.decode(count);
      }
      return received.shift();
    },
    async [Symbol.asyncDispose]() {
      connection.abort();
      peer.close();
      await running;
    },
  };
}

/** A stream that has ended and accepts all writes, apart from the parts given. */
function fakeStream(parts: Partial<ByteStream>): ByteStream {
  return {
    read: () => Promise.resolve(null),
    write: (bytes) => Promise.resolve(bytes.length),
    close() {},
    closeWrite: () => Promise.resolve(),
    ...parts,
  };
}

const closed = (code: number, reason = "") => ["close", ...closePayload(code), reason];

Deno.test("messages pass both ways, in both roles", async () => {
  for (const role of ["server", "client"] as const) {
    await using pair = await openPair({ role });
    pair.connection.send("from here");
    pair.connection.send("ü".repeat(40_000));
    assertEquals([await pair.next(), await pair.next()], ["from here", "ü".repeat(40_000)]);
    const bytes = new TextEncoder().encode("x".repeat(1000));
    for (const end of [10, 1000]) {
      pair.connection.sendAscii(bytes, 5, end);
      assertEquals(await pair.next(), "x".repeat(end - 5));
    }
    await pair.write("from there");
    await pair.write(new Uint8Array([1, 2]), { first: 0x82 });
    await pair.write("", { first: 0x89 });
    assertEquals(await pair.next(), ["pong", ""]);
    assertEquals(pair.seen, ["from there", [1, 2]]);
  }
});

Deno.test("5.5.2: a ping is answered with its payload, also between fragments", async () => {
  await using pair = await openPair();
  await pair.write("a", { first: 0x01 });
  await pair.write("there?", { first: 0x89 });
  assertEquals(await pair.next(), ["pong", "there?"]);
  await pair.write("b", { first: 0x80 });
  await pair.write("", { first: 0x89 });
  await pair.next();
  assertEquals(pair.seen, ["ab"]);
});

Deno.test("5.5.1: a server answers a Close frame with its code, and ends the stream", async () => {
  await using pair = await openPair();
  await pair.write(closePayload(1000, "bye"), { first: 0x88 });
  assertEquals(await pair.next(), closed(1000));
  assertEquals(await pair.next(), "end");
  await pair.ended;
  assertEquals(pair.seen, [[1000, "bye"]]);
});

Deno.test("7.1.5: a Close frame without a code is 1005, a stream that ends is 1006", async () => {
  for (const code of [1005, 1006]) {
    await using pair = await openPair();
    if (code === 1005) await pair.write("", { first: 0x88 });
    else await pair.peer.closeWrite();
    await pair.ended;
    assertEquals(pair.seen, [[code, ""]]);
  }
});

Deno.test("7.1.1: close() sends a Close frame, waits for the answer, and drops messages", async () => {
  await using pair = await openPair();
  pair.connection.send("last");
  pair.connection.close(1001, "drained");
  pair.connection.close(1011, "again");
  pair.connection.send("too late");
  pair.connection.sendAscii(new TextEncoder().encode("too late"), 0, 8);
  assertEquals([await pair.next(), await pair.next()], ["last", closed(1001, "drained")]);
  await pair.write("ignored");
  await pair.write(closePayload(1001), { first: 0x88 });
  assertEquals(await pair.next(), "end");
  await pair.ended;
  assertEquals(pair.seen, [[1001, "drained"]]);
});

Deno.test("close() ends within its deadline if the peer does not answer, or does not read", async () => {
  for (const length of [1, 1 << 26]) {
    await using pair = await openPair({ closeTimeout: 100 });
    pair.connection.send("x".repeat(length));
    pair.connection.close(1013, "slow");
    await pair.ended;
    assertEquals(pair.seen, [[1013, "slow"]]);
  }
});

/** Frames that break the rules, with the code and part of the reason that a peer gets. */
const BROKEN: [payload: string | Uint8Array, header: FrameHeader, code: number, reason: string][] =
  [
    ["x", { mask: new Uint8Array() }, 1002, "masked"],
    ["x", { first: 0xc1 }, 1002, "reserved bits"],
    ["x", { first: 0x83 }, 1002, "opcode 3"],
    ["x", { first: 0x80 }, 1002, "fragments"],
    ["x", { first: 0x09 }, 1002, "fragmented"],
    [new Uint8Array([0xff]), {}, 1007, "UTF-8"],
    ["x".repeat(1001), {}, 1009, "1001 bytes"],
    [closePayload(1005), { first: 0x88 }, 1002, "1005"],
    [new Uint8Array([3, 232, 0xff]), { first: 0x88 }, 1007, "UTF-8"],
  ];

for (const [payload, header, code, reason] of BROKEN) {
  Deno.test(`7.1.7: a peer that breaks the rules is told ${code}: ${reason}`, async () => {
    await using pair = await openPair({ maxMessage: 1000 });
    await pair.write("before");
    const mask = header.mask?.length === 0 ? { ...header, mask: undefined } : header;
    const frame = buildFrame(payload, { mask: ZERO_MASK, ...mask } as FrameHeader);
    if (mask.mask === undefined && "mask" in mask) await pair.peer.write(buildFrame(payload));
    else await pair.peer.write(frame);
    await pair.write("after");
    const [event, high, low, text] = await pair.next() as [string, number, number, string];
    assertEquals([event, 256 * high + low], ["close", code]);
    assertStringIncludes(text, reason);
    assertEquals(await pair.next(), "end");
    await pair.peer.closeWrite();
    await pair.ended;
    assertEquals(pair.seen, ["before", [code, text]]);
  });
}

Deno.test("7.1.7: a connection that fails reads on until the peer ends the stream", async () => {
  for (const isGone of [false, true]) {
    const counts = [3, 3, null];
    const ended: number[] = [];
    const stream = fakeStream({
      read: () => Promise.resolve(counts.shift() ?? null),
      closeWrite: () => isGone ? Promise.reject(new Error("gone")) : Promise.resolve(),
    });
    const connection = new WebSocketConnection(stream, { role: "client" });
    connection.listen({ onMessage() {}, onEnd: (code) => ended.push(code) });
    await connection.run(new Uint8Array([0xff, 0xff]));
    assertEquals([counts.length, ended], [isGone ? 3 : 0, [1002]]);
  }
});

Deno.test("a connection whose answers are not read is not read from", async () => {
  await using pair = await openPair({ maxBacklog: 1000 });
  const { connection, seen } = pair;
  const chunk = "x".repeat(1 << 20);
  while (connection.unsent < 1 << 20) {
    connection.send(chunk);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await pair.write("first"); // may be read already, as a read was under way
  await pair.write("", { first: 0x89 });
  await pair.write("second");
  const before = seen.length;
  while (connection.unsent > 1000) await pair.next();
  for (let next: unknown; next = await pair.next(), !Array.isArray(next););
  await pair.write("", { first: 0x89 });
  for (let next: unknown; next = await pair.next(), !Array.isArray(next););
  assert(before <= 2);
  assertEquals(seen, ["first", "second"]);
});

Deno.test("checkAlive() pings a silent peer, and closes with 1001 if that stays silent", async () => {
  await using pair = await openPair();
  pair.connection.checkAlive();
  pair.connection.checkAlive();
  assertEquals(await pair.next(), "ping");
  await pair.write("", { first: 0x8a });
  await pair.write("alive");
  await pair.write("", { first: 0x89 });
  assertEquals(await pair.next(), ["pong", ""]);
  for (let i = 0; i < 2; i++) pair.connection.checkAlive();
  assertEquals(await pair.next(), "ping");
  pair.connection.checkAlive();
  assertEquals(await pair.next(), closed(1001, "No answer to a ping"));
});

Deno.test("drip() sends a message piece by piece, and what is sent later after it", async () => {
  await using pair = await openPair();
  pair.connection.send("before");
  pair.connection.drip("a drop", 1000);
  pair.connection.drip("another", 1000);
  await pair.write("", { first: 0x89 }); // its pong waits as well, or comes before
  const received = [await pair.next()];
  pair.connection.send("after");
  while (!received.includes("after")) received.push(await pair.next());
  const texts = received.filter((each) => typeof each === "string");
  assertEquals(texts.toSorted(), ["a drop", "after", "another", "before"]);
  assert(texts.indexOf("a drop") < texts.indexOf("another"));
});

Deno.test("drip() waits for a write under way, and sends bytes as a binary message", async () => {
  const firstWrite = Promise.withResolvers<void>();
  const lastWrite = Promise.withResolvers<void>();
  const written: Uint8Array[] = [];
  const stream = fakeStream({
    async write(bytes) {
      const copy = bytes.slice();
      if (copy[2] === "b".charCodeAt(0)) await firstWrite.promise;
      if (written.push(copy) === 3) lastWrite.resolve();
      return bytes.length;
    },
  });
  const connection = new WebSocketConnection(stream, { role: "server" });
  connection.send("before");
  await Promise.resolve(); // starts the write
  connection.drip(new Uint8Array([1, 2]), 1000);
  connection.send("after");
  firstWrite.resolve();
  await lastWrite.promise;
  const bytes = buildFrame(new Uint8Array([1, 2]), { first: 0x82 });
  assertEquals(written, [buildFrame("before"), bytes, buildFrame("after")]);
});

Deno.test("a write that fails while a message drips ends the connection", async () => {
  const end = Promise.withResolvers<null>();
  const ended: number[] = [];
  const stream = fakeStream({
    read: () => end.promise,
    write: () => Promise.reject(new Error("gone")),
    close: () => end.resolve(null),
  });
  const connection = new WebSocketConnection(stream, { role: "server" });
  connection.listen({ onMessage() {}, onEnd: (code) => ended.push(code) });
  connection.drip("a drop", 1000);
  await connection.run(new Uint8Array());
  assertEquals(ended, [1006]);
});

Deno.test("abort() ends a message that is dripping", async () => {
  await using pair = await openPair();
  pair.connection.send("before");
  pair.connection.drip("a drop", 1);
  pair.connection.drip("another", 1);
  assertEquals(pair.connection.unsent, 8 + 8 + 9);
  assertEquals(await pair.next(), "before");
  pair.connection.abort();
  pair.connection.drip("too late", 1);
  assertEquals(await pair.next(), "end");
});

Deno.test("stall() answers nothing any more, until the peer ends the stream", async () => {
  await using pair = await openPair();
  pair.connection.stall();
  pair.connection.stall();
  pair.connection.close(1001);
  await pair.write("a message");
  await pair.write("x".repeat(2000));
  await pair.write("", { first: 0x89 });
  await pair.write(closePayload(1000), { first: 0x88 });
  await pair.peer.closeWrite();
  assertEquals(await pair.next(), "end");
  await pair.ended;
  assertEquals(pair.seen, [[1006, ""]]);
});

Deno.test("a message over the limit is reported, if somebody listens", async () => {
  const seen: unknown[] = [];
  await using pair = await openPair({ maxMessage: 1000 });
  pair.connection.listen({
    onMessage: (message) => seen.push(message),
    onTooLong: (head, size) => seen.push([head.length, size]),
    onEnd() {},
  });
  await pair.write("x".repeat(1001));
  await pair.write("next");
  await pair.write("", { first: 0x89 });
  await pair.next();
  pair.connection.close(1000);
  await pair.write("x".repeat(1001));
  await pair.write(closePayload(1000), { first: 0x88 });
  while (await pair.next() !== "end");
  assertEquals(seen, [[1001, 1001], "next"]);
});

Deno.test("run() rejects with the error of a handler, and closes the stream once", async () => {
  let closes = 0;
  const stream = fakeStream({
    write: () => Promise.reject(new Error("nobody reads")),
    close() {
      if (++closes > 0) throw new Error("closed already");
    },
    closeWrite: () => Promise.reject(new Error("nobody reads")),
  });
  const failing = new WebSocketConnection(stream, { role: "client" });
  failing.listen({
    onMessage() {
      throw new RangeError("as asked");
    },
    onEnd() {},
  });
  await assertRejects(() => failing.run(buildFrame("a")), RangeError, "as asked");
  assertEquals(closes, 1);
  const ended: number[] = [];
  const broken = new WebSocketConnection(stream, { role: "client" });
  broken.listen({ onMessage() {}, onEnd: (code) => ended.push(code) });
  await broken.run(new Uint8Array([0xff, 0xff]));
  const silent = new WebSocketConnection(stream, { role: "client" });
  await silent.run(buildFrame("nobody listens"));
  assertEquals(ended, [1002]);
});

Deno.test("bytes that came with the handshake are read first, once onOpen() was called", async () => {
  const seen: unknown[] = [];
  const connection = new WebSocketConnection(fakeStream({}), { role: "client" });
  connection.listen({
    onOpen: () => seen.push("open"),
    onMessage: (message) => seen.push(message),
    onEnd: (code) => seen.push(code),
  });
  await connection.run(new Uint8Array([...buildFrame("a"), ...buildFrame("", { first: 0x88 })]));
  assertEquals(seen, ["open", "a", 1005]);
  assertEquals(Opcode.text, 1);
});

Deno.test("onAscii() receives texts in ASCII, and onMessage() other messages", async () => {
  const seen: unknown[] = [];
  const connection = new WebSocketConnection(fakeStream({}), { role: "client" });
  connection.listen({
    onAscii: (text) => seen.push(["ascii", text.toString()]),
    onMessage: (message) => seen.push(message),
    onEnd() {},
  });
  await connection.run(new Uint8Array([...buildFrame("plain"), ...buildFrame("ü")]));
  assertEquals(seen, [["ascii", "plain"], "ü"]);
});
