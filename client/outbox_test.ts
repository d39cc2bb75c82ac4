import { assert, assertEquals, assertGreater, assertLess, assertStrictEquals } from "@std/assert";
import { encodeRequest, MAX_BATCH, splitTopLevel } from "../protocol.ts";
import { randomIntegers } from "../testing/random.ts";
import { Outbox } from "./outbox.ts";

/** A packet of `length` UTF-16 units. */
function packetOf(length: number, id = 0): string {
  return encodeRequest(id, "x".repeat(length - encodeRequest(id, "").length));
}

/** The frames that `lengths` are sent in. */
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

Deno.test("add() sends by the end of the task, together, in order", async () => {
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

Deno.test("add() sends each packet at once to a peer that takes no arrays", async () => {
  const frames: string[] = [];
  const outbox = new Outbox((frame) => frames.push(frame), false);
  const packets = Array.from({ length: 5 }, (_, id) => packetOf(40, id));
  for (const packet of packets) outbox.add(packet);
  assertEquals(frames, packets);
  outbox.flush();
  await Promise.resolve();
  assertEquals(frames, packets);
});

Deno.test("flush() sends now, and nothing a second time", async () => {
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

Deno.test("flush() sends a packet alone as it is, of any length", () => {
  for (const length of [30, 999, 1000, 1001, 5000, 69_999, 70_000, 70_001, 300_000]) {
    assertEquals(framesOf([length]), [packetOf(length)]);
  }
});

Deno.test("flush() keeps off the lengths of frames that Deno is slow to send", () => {
  const many: number[][] = [
    new Array(2).fill(498),
    new Array(2).fill(499),
    new Array(3).fill(900),
    new Array(50).fill(100),
    new Array(700).fill(100),
    new Array(710).fill(100),
    new Array(5000).fill(95),
    // Even a thousand of these make no long frame.
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
      // A long frame ends with the packet that makes it long.
      assertLess(frame.length - packetsOf(frame).at(-1)!.length, 70_003);
    }
  }
});

Deno.test("flush() needs few frames for many packets", () => {
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

Deno.test("flush() loses nothing and changes no order, whatever the lengths", () => {
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
