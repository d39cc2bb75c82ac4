import { assertEquals } from "@std/assert";
import { encodeError, encodeFrame } from "../protocol.ts";
import { Exchange } from "./exchange.ts";
import { Payload } from "./payload.ts";
import { Results } from "./results.ts";

function start() {
  const results = new Results();
  const frames: string[] = [];
  const exchange = new Exchange((frame) => frames.push(frame), new Payload(["x"]), results);
  return { results, frames, exchange };
}

const response = (id: string | number, delay?: number) =>
  JSON.stringify({ request_id: id, data: {}, delay });

/** The counts that are not 0. */
function counted({ counts }: Results): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

Deno.test("Exchange measures from the intended time, and overhead without the delay", () => {
  const { results, frames, exchange } = start();
  exchange.send(1, 90, 100);
  assertEquals(frames, ['{"request_id":"1","data":"x"}']);
  assertEquals(exchange.inFlight, 1);
  exchange.receive(response("1", 0.02), 130);
  assertEquals(exchange.inFlight, 0);
  assertEquals(counted(results), { sent: 1, answered: 1 });
  assertEquals([results.latency.max, results.overhead.max], [40, 20]);
  assertEquals([results.meanTimeToAnswer, results.meanInFlight(60)], [30, 0.5]);
});

Deno.test("Exchange knows no overhead where no delay is reported", () => {
  const { results, exchange } = start();
  exchange.send(1, 0, 0);
  exchange.receive(response("1"), 5);
  assertEquals([results.latency.count, results.overhead.count], [1, 0]);
});

Deno.test("Exchange takes answers in shared frames, and counts those out of order", () => {
  const { results, exchange } = start();
  exchange.send(5, 0, 0);
  assertEquals([results.inFlight, results.maxInFlight], [5, 5]);
  exchange.receive(encodeFrame(["2", "1", "5", "3", "4"].map((id) => response(id))), 9);
  assertEquals(counted(results), { sent: 5, answered: 5, out_of_order: 3 });
  assertEquals(results.inFlight, 0);
});

Deno.test("Exchange counts errors by code, those to no request as well", () => {
  const { results, exchange } = start();
  exchange.send(2, 0, 0);
  exchange.receive(encodeError('"1"', { code: "overloaded", message: "" }), 1);
  exchange.receive('{"request_id":"2","error":{"code":"later","message":""}}', 1);
  exchange.receive(encodeError("null", { code: "packet_too_large", message: "" }), 1);
  assertEquals(counted(results), { sent: 2, failed: 2, unknown: 1 });
  assertEquals([...results.errors], [["overloaded", 1], ["later", 1], ["packet_too_large", 1]]);
  assertEquals(results.latency.count, 0);
});

Deno.test("Exchange counts each answer to no request as unknown", () => {
  const { results, exchange } = start();
  exchange.send(1, 0, 0);
  exchange.receive(response("1"), 1);
  for (const id of ["1", "2", "0", "x", 1]) exchange.receive(response(id), 2);
  assertEquals(counted(results), { sent: 1, answered: 1, unknown: 5 });
});

Deno.test("Exchange counts what is no answer as garbage", () => {
  const { results, exchange } = start();
  for (const frame of ["", "{", "[1]", '{"request_id":"1"}', undefined]) {
    exchange.receive(frame, 1);
  }
  assertEquals(counted(results), { garbage: 5 });
});

Deno.test("Exchange gives up what is overdue, and takes its answer as late, once", () => {
  const { results, exchange } = start();
  exchange.send(1, 0, 0);
  exchange.send(1, 10, 10);
  exchange.timeOut(5, 105);
  assertEquals(exchange.inFlight, 1);
  assertEquals(counted(results), { sent: 2, timed_out: 1 });
  exchange.receive(response("1"), 110);
  exchange.receive(response("1"), 111);
  assertEquals(counted(results), { sent: 2, timed_out: 1, late: 1, unknown: 1 });
  assertEquals(results.latency.count, 0);
});

Deno.test("Exchange.giveUp() leaves nothing in flight", () => {
  for (const why of ["lost", "unanswered"] as const) {
    const { results, exchange } = start();
    exchange.send(3, 0, 0);
    exchange.receive(response("2"), 1);
    exchange.giveUp(why, 2);
    assertEquals(counted(results), { sent: 3, answered: 1, [why]: 2 });
    assertEquals([exchange.inFlight, results.inFlight], [0, 0]);
  }
});

Deno.test("Results keep no more codes than a report can hold", () => {
  const results = new Results();
  for (let i = 0; i < 200; i++) results.error(`code ${i}`);
  results.error("code 0");
  assertEquals(results.errors.size, 51);
  assertEquals(results.errors.get("code 0"), 2);
  assertEquals(results.errors.get("(others)"), 150);
});
