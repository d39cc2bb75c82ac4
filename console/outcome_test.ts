import { assertEquals } from "@std/assert";
import { AnswerFrame, Reply } from "../client/reply.ts";
import { type Ending, Exchange, type Sent } from "./exchange.ts";
import { readDrafts } from "./drafts.ts";
import { faultsOf, isLate, latenessOf, stateOf } from "./outcome.ts";

function sentWith(result?: Ending["result"]): Sent {
  const exchange = new Exchange({ ended() {}, changed() {}, strayed() {} });
  const [sent] = exchange.send(readDrafts("a&&b&&c", () => 1), 0);
  if (result !== undefined) sent!.ending = { at: 0, place: 1, result, raw: undefined };
  return sent!;
}

function reply(delay: number, latency: number): Reply {
  return new Reply({ request_id: 1, data: {}, delay }, latency, new AnswerFrame("{}"), 0);
}

Deno.test("isLate() allows a tenth of the delay, and at least 50 ms", () => {
  assertEquals([isLate(50, 0), isLate(51, 0), isLate(51, 0.4)], [false, true, true]);
  assertEquals([isLate(400, 4), isLate(401, 4)], [false, true]);
});

Deno.test("stateOf() distinguishes queued, in flight, answered, late, failed and cancelled", () => {
  assertEquals(stateOf(sentWith(), false), "queued");
  assertEquals(stateOf(sentWith(), true), "in-flight");
  assertEquals(stateOf(sentWith(reply(1, 1100)), true), "answered");
  assertEquals(stateOf(sentWith(reply(1, 1101)), true), "late");
  assertEquals(stateOf(sentWith({ code: "cancelled", message: "" }), true), "cancelled");
  assertEquals(stateOf(sentWith({ code: "timed_out", message: "" }), true), "failed");
});

Deno.test("latenessOf() is the latency beyond the delay", () => {
  assertEquals(latenessOf(sentWith(reply(1.5, 1520))), 20);
  assertEquals(latenessOf(sentWith()), undefined);
});

Deno.test("faultsOf() names each kind of fault once, and repeated sending", () => {
  const sent = sentWith();
  for (const kind of ["duplicate", "duplicate", "late"] as const) {
    sent.anomalies.push({ kind, at: 0, frame: "" });
  }
  sent.sendings = 2;
  assertEquals(faultsOf(sent), ["duplicate", "answer after its end", "sent 2 times"]);
});
