import { assertEquals } from "@std/assert";
import type { ServerEvents } from "../../server.ts";
import type { Telling } from "./messages.ts";
import { tellAll, Teller } from "./telling.ts";

function told(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

Deno.test("Teller brings events over in their order, in batches", () => {
  const count = told();
  const heard: unknown[] = [];
  const batches: number[] = [];
  const events: ServerEvents = {
    accepted: (id, delay) => heard.push([id, delay]),
    refused: () => {
      throw new Error("not told");
    },
    failed: (id, error) => heard.push([id, error]),
  };
  const teller = new Teller(["accepted", "refused", "failed"], count, (tellings) => {
    batches.push(tellings.length);
    tellAll(events, structuredClone(tellings) as Telling[], count);
  });
  assertEquals(teller.events.evicted, undefined);
  for (let i = 0; i < 1500; i++) teller.events.accepted!(`${i}`, i);
  teller.events.refused!("1", { code: "overloaded", message: "" });
  const error = Object.assign(new Error("odd"), { stack: "the stack", notToBeSent: () => {} });
  teller.events.failed!("null", error); // at once, as it may be the last
  assertEquals(batches, [1000, 502]);
  assertEquals(heard.slice(0, 1500), Array.from({ length: 1500 }, (_, i) => [`${i}`, i]));
  assertEquals(heard[1500], ["null", "the stack"]);
  assertEquals(count[0], 2);
});

Deno.test("Teller waits for a main thread that does not keep up", async () => {
  const count = told();
  const url = `data:text/javascript,${
    encodeURIComponent(`onmessage = ({ data }) => {
      postMessage("ready");
      setTimeout(() => { Atomics.add(data, 0, 1); Atomics.notify(data, 0); }, 50);
    }`)
  }`;
  let sent = 0;
  const teller = new Teller(["abandoned"], count, () => sent++);
  const send = () => {
    teller.events.abandoned!("192.0.2.1", 1);
    teller.flush();
  };
  for (let i = 0; i < 16; i++) send();
  const worker = new Worker(url, { type: "module" });
  const ready = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage(count);
  await ready;
  send();
  assertEquals([sent, count[0]], [17, 1]);
  worker.terminate();
});
