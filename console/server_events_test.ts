import { assertEquals } from "@std/assert";
import { readEvents } from "./server_events.ts";

Deno.test("readEvents() reads events, however the stream is cut", async () => {
  const text = ': hello\n\nevent: request\ndata: {"id":"ä"}\n\n' +
    "data: one\r\ndata:two\r\n\r\nevent: empty\n\nretry: 5\ndata: 😀\n\nevent: cut\ndata: off";
  const bytes = new TextEncoder().encode(text);
  const expected = [
    { name: "request", data: '{"id":"ä"}' },
    { name: "message", data: "one\ntwo" },
    { name: "message", data: "😀" },
  ];
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) {
          controller.enqueue(bytes.subarray(at, at + size));
        }
        controller.close();
      },
    });
    assertEquals(await Array.fromAsync(readEvents(stream)), expected, `in pieces of ${size}`);
  }
});

Deno.test("readEvents() cancels the stream when the reader stops", async () => {
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
    cancel: () => void (isCancelled = true),
  });
  for await (const _ of readEvents(stream)) break;
  assertEquals(isCancelled, true);
});
