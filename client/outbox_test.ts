import { assert, assertEquals, assertGreater, assertLess, assertStrictEquals } from "@std/assert";
import {
  decodeFrame,
  encodeCancel,
  encodeRequest,
  type ErrorAnswer,
  errorAnswer,
  MAX_BATCH,
  type RequestId,
} from "../protocol.ts";
import { splitTopLevel } from "../protocol/json_text.ts";
import { randomIntegers } from "../tests/support/random.ts";
import { Outbox, type Posted } from "./outbox.ts";

/** A packet of `length` UTF-16 units. */
function packetOf(length: number, id = 0): string {
  return encodeRequest(id, "x".repeat(length - encodeRequest(id, "").length));
}

/** Returns the frames in which packets of these lengths are sent. */
function framesOf(lengths: readonly number[]): string[] {
  const frames: string[] = [];
  const outbox = new Outbox((frame) => frames.push(frame), true);
  for (const length of lengths) outbox.add(packetOf(length));
  outbox.flush();
  return frames;
}

function packetsOf(frame: string): string[] {
  return frame.startsWith("[") ? splitTopLevel(frame) : [frame];
}

Deno.test("add() sends packets together, in order, by the end of the task", async () => {
  const frames: string[] = [];
  const outbox = new Outbox((frame) => frames.push(frame), true);
  const packets = Array.from({ length: 5 }, (_, id) => packetOf(40, id));
  for (const packet of packets) outbox.add(packet);
  assertEquals(frames, []);
  await Promise.resolve();
  assertEquals(frames, [`[${packets.join(",")}]`]);
  outbox.add(packets[0]!);
  await Promise.resolve();
  assertEquals(frames.slice(1), [packets[0]!]);
});

Deno.test("add() sends each packet at once if the server accepts no arrays", async () => {
  const frames: string[] = [];
  const outbox = new Outbox((frame) => frames.push(frame), false);
  const packets = Array.from({ length: 5 }, (_, id) => packetOf(40, id));
  for (const packet of packets) outbox.add(packet);
  assertEquals(frames, packets);
  outbox.flush();
  await Promise.resolve();
  assertEquals(frames, packets);
});

Deno.test("flush() sends at once, and nothing twice", async () => {
  const frames: string[] = [];
  const outbox = new Outbox((frame) => frames.push(frame), true);
  outbox.flush();
  assertEquals(frames, []);
  outbox.add(packetOf(40, 1));
  outbox.flush();
  assertEquals(frames, [packetOf(40, 1)]);
  outbox.add(packetOf(40, 2));
  outbox.flush();
  outbox.flush();
  await Promise.resolve();
  assertEquals(frames, [packetOf(40, 1), packetOf(40, 2)]);
});

Deno.test("flush() sends a single packet of any length as it is", () => {
  for (const length of [30, 999, 1000, 1001, 5000, 69_999, 70_000, 70_001, 300_000]) {
    assertEquals(framesOf([length]), [packetOf(length)]);
  }
});

Deno.test("flush() avoids frame lengths that Deno sends slowly", () => {
  const many: number[][] = [
    new Array(2).fill(498),
    new Array(2).fill(499),
    new Array(3).fill(900),
    new Array(50).fill(100),
    new Array(700).fill(100),
    new Array(710).fill(100),
    new Array(5000).fill(95),
    // Even 1,000 of these packets do not fill a long frame.
    new Array(3000).fill(54),
    new Array(10_000).fill(30),
    [...new Array(2000).fill(40), ...new Array(2000).fill(400)],
    [...new Array(2000).fill(400), ...new Array(2000).fill(40)],
    [100_000, ...new Array(100).fill(100)],
    [...new Array(100).fill(100), 100_000, 100],
  ];
  for (const lengths of many) {
    const frames = framesOf(lengths);
    assertEquals(frames.flatMap(packetsOf).map((packet) => packet.length), lengths);
    for (const frame of frames) {
      assert(
        frame.length < 1000 || frame.length > 60_000,
        `a frame of ${frame.length}, of ${lengths.length} packets`,
      );
      // A long frame ends with the packet that exceeds the length.
      assertLess(frame.length - packetsOf(frame).at(-1)!.length, 70_003);
    }
  }
});

Deno.test("flush() sends many packets in few frames", () => {
  assertStrictEquals(framesOf(new Array(9).fill(100)).length, 1);
  assertLess(framesOf(new Array(5000).fill(100)).length, 30);
  assertLess(framesOf(new Array(10_000).fill(30)).length, 400);
});

Deno.test("flush() puts at most 1,000 packets in a frame", () => {
  for (const length of [30, 69, 70, 71, 100]) {
    const frames = framesOf(new Array(4321).fill(length));
    assertGreater(frames.length, 4);
    for (const frame of frames) assertLess(packetsOf(frame).length, MAX_BATCH + 1);
  }
});

Deno.test("flush() keeps packets and their order for random lengths", () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = randomIntegers(seed);
    const most = [60, 200, 1500, 90_000][seed % 4]!;
    const packets = Array.from({ length: random(3000) }, (_, id) => packetOf(36 + random(most), id))
      .slice(0, most > 10_000 ? 20 : 3000);
    const frames: string[] = [];
    const outbox = new Outbox((frame) => frames.push(frame), true);
    for (const packet of packets) outbox.add(packet);
    outbox.flush();
    assertEquals(frames.flatMap(packetsOf), packets, `seed ${seed}`);
    for (const frame of frames) {
      const count = packetsOf(frame).length;
      assert(count === 1 || frame.length < 1000 || frame.length > 70_000, `seed ${seed}`);
    }
  }
});

// Frames that the server refuses.

const encoder = new TextEncoder();

/** The error of a server, with or without its limit. */
function tooLarge(limit?: unknown, id: RequestId | null = null): ErrorAnswer {
  const { request_id, error } = errorAnswer(id, "packet_too_large");
  return { request_id, error: limit === undefined ? error : { ...error, limit: limit as number } };
}

Deno.test("repair() sends the packets of a refused frame again, in frames up to the limit", () => {
  const packets = Array.from({ length: 20 }, (_, id) => packetOf(40, id));
  const table: [limit: unknown, sizes: number[]][] = [
    [500, [493, 329]],
    [493, [493, 329]],
    [492, [452, 370]],
    [83, new Array(10).fill(83)],
    [82, new Array(20).fill(40)],
    [1, new Array(20).fill(40)],
    [-1, new Array(20).fill(40)],
    [undefined, new Array(20).fill(40)],
    ["500", new Array(20).fill(40)],
    [null, new Array(20).fill(40)],
  ];
  for (const [limit, sizes] of table) {
    const frames: string[] = [];
    const outbox = new Outbox((frame) => frames.push(frame), true);
    for (const packet of packets) outbox.add(packet);
    outbox.flush();
    assertEquals(frames.splice(0).map(({ length }) => length), [821]);
    assert(outbox.repair(tooLarge(limit)), `${limit}`);
    outbox.flush();
    assertEquals(frames.map(({ length }) => length), sizes, `${limit}`);
    assertEquals(frames.flatMap(packetsOf), packets);
  }
});

Deno.test("repair() returns false for errors about other frames", () => {
  const frames: string[] = [];
  const outbox = new Outbox((frame) => frames.push(frame), true);
  assert(!outbox.repair(tooLarge(100)), "nothing was sent");
  outbox.add(packetOf(500));
  outbox.flush();
  assert(!outbox.repair(tooLarge(100)), "it was alone");
  const posted: Posted = { frameSize: 0 };
  for (let i = 0; i < 2; i++) outbox.add(packetOf(100), posted);
  outbox.flush();
  assertStrictEquals(posted.frameSize, 203);
  assert(!outbox.repair(errorAnswer(null, "invalid_json")), "it was not too large");
  assert(!outbox.repair(tooLarge(203)), "the server takes it");
  assertStrictEquals(outbox.limit, Infinity);
  outbox.accept(posted);
  assert(!outbox.repair(tooLarge()), "the server has taken it");
  outbox.flush();
  assertStrictEquals(frames.length, 2);
});

Deno.test("flush() keeps a limit from an error about a single packet", () => {
  const frames: string[] = [];
  const outbox = new Outbox((frame) => frames.push(frame), true);
  outbox.add(packetOf(5000));
  outbox.flush();
  assert(!outbox.repair(tooLarge(undefined, 0)));
  assertStrictEquals(outbox.limit, Infinity);
  assert(!outbox.repair(tooLarge(250, 0)));
  for (let i = 0; i < 5; i++) outbox.add(packetOf(100));
  outbox.flush();
  assertEquals(frames.slice(1).map(({ length }) => length), [203, 203, 100]);
});

/** A server that accepts frames up to a limit. */
class Server {
  /** How often each request was accepted, or refused alone. */
  readonly seen = new Map<RequestId, number>();
  readonly #limit: number;
  readonly #saysLimit: boolean;
  /** Answers that the client has not read. */
  readonly said: (ErrorAnswer | RequestId)[] = [];

  constructor(limit: number, saysLimit: boolean) {
    this.#limit = limit;
    this.#saysLimit = saysLimit;
  }

  receive(frame: string): void {
    const packets = decodeFrame(frame) as { request_id: RequestId }[];
    const isTaken = encoder.encode(frame).length <= this.#limit;
    if (!isTaken) {
      const id = packets.length === 1 ? packets[0]!.request_id : null;
      this.said.push(tooLarge(this.#saysLimit ? this.#limit : undefined, id));
    }
    if (!isTaken && packets.length > 1) return;
    for (const { request_id: id } of packets) {
      this.seen.set(id, (this.seen.get(id) ?? 0) + 1);
      if (isTaken) this.said.push(id);
    }
  }
}

Deno.test("Outbox delivers each packet once for random limits and packets", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = randomIntegers(seed);
    const limit = [300, 999, 3000, 66_000, 80_000, 1 << 20][seed % 6]!;
    const saysLimit = seed % 4 < 2;
    const server = new Server(limit, saysLimit);
    const frames: string[] = [];
    const outbox = new Outbox((frame) => {
      frames.push(frame);
      server.receive(frame);
    }, true);
    const posted: Posted[] = [];
    let refusals = 0;
    const read = (most: number) => {
      for (const answer of server.said.splice(0, most)) {
        if (typeof answer !== "object") outbox.accept(posted[Number(answer)]!);
        else if (answer.request_id === null) {
          refusals++;
          assert(outbox.repair(answer), `seed ${seed}: it was a shared frame`);
        } else assert(!outbox.repair(answer), `seed ${seed}: it was alone`);
      }
    };
    const most = [30, 300, 3000, 90_000][random(4)]!;
    const letter = ["x", "é", "€", "😀"][random(4)]!;
    for (let burst = 0; burst < 5; burst++) {
      for (let i = random(1 + Math.min(2000, 3e5 / most)); i >= 0; i--) {
        const id = posted.push({ frameSize: 0 }) - 1;
        const data = letter.repeat(random(most));
        outbox.add(encodeRequest(id, data), posted[id]);
      }
      outbox.flush();
      read(random(3000));
    }
    do {
      read(Infinity);
      outbox.flush(); // sends refused packets again, as a microtask would
    } while (server.said.length > 0);
    const counts = new Set(server.seen.values());
    assertEquals([server.seen.size, [...counts]], [posted.length, [1]], `seed ${seed}`);
    // Once the limit is known, only packets that are too large themselves are refused.
    if (refusals === 0) continue;
    const before = frames.length;
    for (let i = 0; i < 2000; i++) outbox.add(encodeCancel(i));
    outbox.flush();
    const sizes = frames.slice(before).map((frame) => encoder.encode(frame).length);
    assertLess(Math.max(...sizes), limit + 1, `seed ${seed}`);
    assertEquals(sizes.length === 2000, !saysLimit, `seed ${seed}`);
  }
});
