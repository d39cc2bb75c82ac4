import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { FakeTime } from "../tests/support/fake_time.ts";
import { RequestBody } from "./request_body.ts";

/** A body whose pieces a test sends, as one of the two kinds of streams that Deno creates. */
function bodyOf(type: "bytes" | undefined, limit: number) {
  let controller!: ReadableStreamController<Uint8Array>;
  let cancelled = 0;
  const stream = new ReadableStream<Uint8Array>({
    ...type && { type },
    start: (given: typeof controller) => void (controller = given),
    cancel: () => void cancelled++,
  } as UnderlyingSource<Uint8Array>);
  const body = new RequestBody(stream, limit);
  const seen: string[] = [];
  body.arrival.then((arrival) => seen.push(arrival));
  body.ended.then(() => seen.push("ended"));
  return {
    body,
    seen,
    /** How often the stream was cancelled. */
    get cancelled() {
      return cancelled;
    },
    async send(size: number) {
      controller.enqueue(new Uint8Array(size).fill(0x61));
      await setImmediate();
    },
    async close() {
      controller.close();
      if ("byobRequest" in controller) controller.byobRequest?.respond(0);
      await setImmediate();
    },
    async fail() {
      controller.error(new Error("on purpose"));
      await setImmediate();
    },
  };
}

for (const type of ["bytes", undefined] as const) {
  const kind = type ?? "chunks";

  Deno.test(`RequestBody keeps all pieces of a body up to the limit (${kind})`, async () => {
    using time = new FakeTime();
    const it = bodyOf(type, 200_000);
    let sent = 0;
    for (const size of [1, 4096, 5, 100_000, 3, 95_895]) {
      await it.send(size);
      sent += size;
      time.pass(4999); // 30 s in total, less 6 ms
    }
    assertEquals([sent, it.seen], [200_000, []]);
    await it.close();
    assertEquals([it.seen, it.body.bytes.length, time.timers], [["complete", "ended"], sent, 0]);
    assertEquals(it.body.bytes.every((byte) => byte === 0x61), true);
  });

  Deno.test(`RequestBody is too large past the limit, and keeps no more (${kind})`, async () => {
    using time = new FakeTime();
    const it = bodyOf(type, 10);
    await it.send(11);
    assertEquals([it.seen, it.body.bytes.length, time.timers], [["too large"], 11, 0]);
    time.pass(5000);
    await it.send(9);
    await it.close();
    assertEquals([it.seen, it.body.bytes.length], [["too large", "ended"], 11]);
  });

  Deno.test(`RequestBody is too slow when it pauses for 10 s or takes 30 s (${kind})`, async () => {
    for (const [gap, patience] of [[9999, 10_000], [5000, 30_000]] as const) {
      using time = new FakeTime();
      const it = bodyOf(type, 100);
      let at = 0;
      if (patience === 30_000) {
        for (; at < 25_000; at += gap) {
          await it.send(1);
          time.pass(gap);
        }
        await it.send(1);
      }
      time.pass(patience - at - 1);
      await setImmediate();
      assertEquals(it.seen, []);
      time.pass(1);
      await setImmediate();
      assertEquals([it.seen, time.timers], [["too slow"], 0]);
      await it.close();
      assertEquals(it.seen, ["too slow", "ended"]);
    }
  });

  Deno.test(`RequestBody stops reading a body that goes on 5 s after the answer (${kind})`, async () => {
    using time = new FakeTime();
    const it = bodyOf(type, 100);
    await it.send(101);
    time.pass(5000);
    await it.send(1);
    assertEquals([it.seen, it.cancelled], [["too large"], 0]);
    time.pass(1);
    await it.send(1);
    assertEquals([it.seen, it.cancelled], [["too large", "ended"], 1]);
  });

  Deno.test(`RequestBody is broken when the client disconnects (${kind})`, async () => {
    using time = new FakeTime();
    const it = bodyOf(type, 100);
    await it.send(1);
    await it.fail();
    assertEquals([it.seen, time.timers], [["broken", "ended"], 0]);

    const late = bodyOf(type, 100);
    time.pass(10_000);
    await setImmediate();
    await late.fail();
    assertEquals(late.seen, ["too slow", "ended"]);
  });
}

Deno.test("RequestBody is complete when a request has no body", async () => {
  using time = new FakeTime();
  const body = new RequestBody(null, 1);
  assertEquals([await body.arrival, body.bytes.length, time.timers], ["complete", 0, 0]);
  await body.ended;
});
