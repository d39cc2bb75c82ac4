import { assertEquals } from "@std/assert";
import { countHandledBatch, EventForwarder, type ForwardedEvent } from "./event_forwarder.ts";

function count(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

Deno.test("EventForwarder sends the named events in order, in batches", () => {
  const handledBatches = count();
  const batches: ForwardedEvent[][] = [];
  const { events } = new EventForwarder(["accepted", "failed"], handledBatches, (batch) => {
    batches.push(structuredClone(batch) as ForwardedEvent[]);
    countHandledBatch(handledBatches);
  });
  assertEquals(Object.keys(events), ["accepted", "failed"]);
  for (let i = 0; i < 1500; i++) events.accepted!(`${i}`, i);
  const error = Object.assign(new Error("odd"), { stack: "the stack", notToBeSent: () => {} });
  events.failed!("null", error); // sent at once
  events.failed!("1", "a text");
  assertEquals(batches.map(({ length }) => length), [250, 250, 250, 250, 250, 250, 1, 1]);
  assertEquals(batches.flat(), [
    ...Array.from({ length: 1500 }, (_, i) => ["accepted", `${i}`, i] as ForwardedEvent),
    ["failed", "null", "the stack"],
    ["failed", "1", "a text"],
  ]);
  assertEquals(handledBatches[0], 8);
});

Deno.test("EventForwarder waits when the main thread does not keep up", async () => {
  const handledBatches = count();
  const url = `data:text/javascript,${
    encodeURIComponent(`onmessage = ({ data }) => {
      postMessage("ready");
      setTimeout(() => { Atomics.add(data, 0, 1); Atomics.notify(data, 0); }, 50);
    }`)
  }`;
  let sent = 0;
  const forwarder = new EventForwarder(["abandoned"], handledBatches, () => sent++);
  const send = () => {
    forwarder.events.abandoned!("192.0.2.1", 1);
    forwarder.flush();
  };
  for (let i = 0; i < 2; i++) send();
  const worker = new Worker(url, { type: "module" });
  const ready = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage(handledBatches);
  await ready;
  send();
  assertEquals([sent, handledBatches[0]], [3, 1]);
  worker.terminate();
});
