import { assertEquals } from "@std/assert";
import { readDrafts } from "./drafts.ts";
import { Exchange } from "./exchange.ts";
import { ndjsonOf } from "./export.ts";

Deno.test("ndjsonOf() returns a line for each request, with its times, answers and faults", () => {
  const exchange = new Exchange({ ended() {}, changed() {}, strayed() {} });
  const sent = exchange.send(
    readDrafts('{"request_id":"a","data":"x&&y&&z"}\n{"request_id":7,"data":""}\nb', () => 1),
    1000,
  );
  const answer = '{"request_id":"a","data":{"x":{"y":"z"}},"delay":0.5}';
  exchange.receive(answer, 1510.26);
  exchange.receive(answer, 1600);
  exchange.receive('{"request_id":7,"error":{"code":"internal","message":"oh"}}', 2000);
  const lines = ndjsonOf(sent, 0, true).trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines, [
    {
      request_id: "a",
      sent: '{"request_id":"a","data":"x&&y&&z"}',
      sent_at: "1970-01-01T00:00:01.000Z",
      sendings: 0,
      state: "answered",
      ended_at: "1970-01-01T00:00:01.510Z",
      place: 1,
      latency_ms: 510.3,
      delay_s: 0.5,
      late_ms: 10.3,
      received: answer,
      faults: [{ kind: "duplicate", at: "1970-01-01T00:00:01.600Z", frame: answer }],
    },
    {
      request_id: 7,
      sent: '{"request_id":7,"data":""}',
      sent_at: "1970-01-01T00:00:01.000Z",
      sendings: 0,
      state: "failed",
      ended_at: "1970-01-01T00:00:02.000Z",
      place: 2,
      latency_ms: 1000,
      error: { code: "internal", message: "oh" },
      received: '{"request_id":7,"error":{"code":"internal","message":"oh"}}',
    },
    {
      request_id: 1,
      sent: '{"request_id":1,"data":"b"}',
      sent_at: "1970-01-01T00:00:01.000Z",
      sendings: 0,
      state: "in_flight",
    },
  ]);
});
