import { assertEquals } from "@std/assert";
import { encodeError, encodeFrame } from "../protocol.ts";
import { packetClientWire } from "../protocol/packet_client_wire.ts";
import { RequestTracker } from "./request_tracker.ts";
import { Results } from "./results.ts";

function start() {
  const results = new Results();
  const frames: string[] = [];
  const requests = packetClientWire.requests(["x"]);
  const send = (frame: string) => frames.push(frame);
  const tracker = new RequestTracker(send, packetClientWire, requests, results);
  return { results, frames, tracker };
}

const response = (id: string | number, delay?: number) =>
  JSON.stringify({ request_id: id, data: {}, delay });

/** Returns the counts that are not 0. */
function nonZero({ counts }: Results): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

Deno.test("RequestTracker measures latency from the intended time, and overhead without the delay", () => {
  const { results, frames, tracker } = start();
  tracker.send(1, 90, 100);
  assertEquals(frames, ['{"request_id":"1","data":"x"}']);
  assertEquals(tracker.inFlight, 1);
  tracker.receive(response("1", 0.02), 130);
  assertEquals(tracker.inFlight, 0);
  assertEquals(nonZero(results), { sent: 1, answered: 1 });
  assertEquals([results.latency.max, results.overhead.max], [40, 20]);
  assertEquals([results.meanTimeToAnswer, results.meanInFlight(60)], [30, 0.5]);
});

Deno.test("RequestTracker records no overhead when the answer has no delay", () => {
  const { results, tracker } = start();
  tracker.send(1, 0, 0);
  tracker.receive(response("1"), 5);
  assertEquals([results.latency.count, results.overhead.count], [1, 0]);
});

Deno.test("RequestTracker.receive() reads shared frames, and counts answers out of order", () => {
  const { results, tracker } = start();
  tracker.send(5, 0, 0);
  assertEquals([results.inFlight, results.maxInFlight], [5, 5]);
  tracker.receive(encodeFrame(["2", "1", "5", "3", "4"].map((id) => response(id))), 9);
  assertEquals(nonZero(results), { sent: 5, answered: 5, out_of_order: 3 });
  assertEquals(results.inFlight, 0);
});

Deno.test("RequestTracker.receive() counts errors by code, even when they match no request", () => {
  const { results, tracker } = start();
  tracker.send(2, 0, 0);
  tracker.receive(encodeError('"1"', { code: "overloaded", message: "" }), 1);
  tracker.receive('{"request_id":"2","error":{"code":"later","message":""}}', 1);
  tracker.receive(encodeError("null", { code: "packet_too_large", message: "" }), 1);
  assertEquals(nonZero(results), { sent: 2, failed: 2, unknown: 1 });
  assertEquals([...results.errors], [["overloaded", 1], ["later", 1], ["packet_too_large", 1]]);
  assertEquals(results.latency.count, 0);
});

Deno.test("RequestTracker.receive() counts answers that match no request as unknown", () => {
  const { results, tracker } = start();
  tracker.send(1, 0, 0);
  tracker.receive(response("1"), 1);
  for (const id of ["1", "2", "0", "x", 1]) tracker.receive(response(id), 2);
  assertEquals(nonZero(results), { sent: 1, answered: 1, unknown: 5 });
});

Deno.test("RequestTracker.receive() counts invalid frames as garbage", () => {
  const { results, tracker } = start();
  for (const frame of ["", "{", "[1]", '{"request_id":"1"}', new Uint8Array(3)]) {
    tracker.receive(frame, 1);
  }
  assertEquals(nonZero(results), { garbage: 5 });
});

Deno.test("RequestTracker.timeOut() gives up overdue requests, whose first answer counts as late", () => {
  const { results, tracker } = start();
  tracker.send(1, 0, 0);
  tracker.send(1, 10, 10);
  tracker.timeOut(5, 105);
  assertEquals(tracker.inFlight, 1);
  assertEquals(nonZero(results), { sent: 2, timed_out: 1 });
  tracker.receive(response("1"), 110);
  tracker.receive(response("1"), 111);
  assertEquals(nonZero(results), { sent: 2, timed_out: 1, late: 1, unknown: 1 });
  assertEquals(results.latency.count, 0);
});

Deno.test("RequestTracker.giveUp() leaves nothing in flight", () => {
  for (const why of ["lost", "unanswered"] as const) {
    const { results, tracker } = start();
    tracker.send(3, 0, 0);
    tracker.receive(response("2"), 1);
    tracker.giveUp(why, 2);
    assertEquals(nonZero(results), { sent: 3, answered: 1, [why]: 2 });
    assertEquals([tracker.inFlight, results.inFlight], [0, 0]);
  }
});

Deno.test("Results.error() counts further codes together when there are 50", () => {
  const results = new Results();
  for (let i = 0; i < 200; i++) results.error(`code ${i}`);
  results.error("code 0");
  assertEquals(results.errors.size, 51);
  assertEquals(results.errors.get("code 0"), 2);
  assertEquals(results.errors.get("(others)"), 150);
});
