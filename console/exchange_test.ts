import { assertEquals } from "@std/assert";
import { Reply } from "../client/reply.ts";
import { encodeError, ERRORS } from "../protocol.ts";
import { readDrafts } from "./drafts.ts";
import { Exchange, type Sent } from "./exchange.ts";

/** Returns an exchange, the frames that it sent, and the events that it reported. */
function start(isConnected = true) {
  const out: string[] = [];
  const reported: string[] = [];
  const ended: Sent[] = [];
  const link = {
    send: (packet: string) => out.push(packet),
    sendAlone: (frame: string) => out.push(`alone: ${frame}`),
    accept: (_posted?: unknown) => {},
    repair: (_error?: unknown) => false,
  };
  const exchange = new Exchange({
    ended(sent) {
      ended.push(sent);
      const result = sent.ending!.result;
      reported.push(`${sent.draft.id} ${result instanceof Reply ? result.json : result.code}`);
    },
    changed({ draft, anomalies }) {
      reported.push(`${draft.id}: ${anomalies.at(-1)!.kind}`);
    },
    strayed: (what) => reported.push(what),
  });
  if (isConnected) exchange.connected(link);
  const send = (text: string, now = 0, timeout?: number) =>
    exchange.send(readDrafts(text, () => "made up"), now, timeout);
  return { exchange, out, reported, ended, link, send };
}

const A = '{"request_id":"a","data":"E&&x&&1"}';
const A_ANSWER = '{"request_id":"a","data":{"E":{"x":"1"}}}';
const B = '{"request_id":1,"data":"E&&x&&2"}';

Deno.test("Exchange gives each answer to its request, whatever the order", () => {
  const { exchange, out, reported, ended, send } = start();
  send(`${A}\n${B}`, 100);
  assertEquals(out, [A, B]);
  exchange.receive('[{"request_id":1,"data":{"10":{"x":"2"},"9":{"x":"3"}},"delay":2.5}]', 2601);
  exchange.receive(A_ANSWER, 3100);
  assertEquals(reported, [
    '1 {"request_id":1,"data":{"10":{"x":"2"},"9":{"x":"3"}}}',
    `a ${A_ANSWER}`,
  ]);
  const replies = ended.map(({ ending }) => ending!.result as Reply);
  assertEquals(replies.map(({ delay, latency }) => [delay, latency]), [[2.5, 2501], [
    undefined,
    3000,
  ]]);
  assertEquals(ended.map(({ ending }) => ending!.place), [1, 2]);
  assertEquals([exchange.inFlight, exchange.answered, exchange.failed], [0, 2, 0]);
});

Deno.test("perSecond() counts the responses of the last second", () => {
  const { exchange, send } = start();
  for (let at = 0; at < 2000; at += 100) {
    send(A, at);
    exchange.receive(A_ANSWER, at);
  }
  send(A, 1950);
  exchange.receive(encodeError('"a"', { code: "cancelled", message: "" }), 1950);
  assertEquals([exchange.perSecond(1950), exchange.perSecond(9999)], [10, 0]);
});

Deno.test("Exchange distinguishes the ids 1 and '1'", () => {
  const { exchange, reported, send } = start();
  send(B);
  exchange.receive('{"request_id":"1","data":{}}', 1);
  assertEquals(reported, ['an answer to "1", which is not in flight']);
  assertEquals(exchange.inFlight, 1);
});

Deno.test("Exchange keeps a request in flight when the server refuses its duplicate", () => {
  const { exchange, ended, send } = start();
  const [first] = send(A);
  const [second] = send(A);
  const fault = { code: "duplicate_request_id", message: "in flight" } as const;
  exchange.receive(encodeError('"a"', fault), 1);
  assertEquals(ended, [second!]);
  assertEquals(second!.ending!.result, fault);
  exchange.receive(A_ANSWER, 2);
  assertEquals(ended, [second!, first!]);
});

Deno.test("Exchange sends a broken packet alone, and gives it the errors without id", () => {
  const { exchange, out, reported, send } = start();
  send('{"request_id":\n[]\n{"request_id":"a"}');
  assertEquals(out, ['alone: {"request_id":', "alone: []", 'alone: {"request_id":"a"}']);
  exchange.receive(encodeError("null", { code: "invalid_json", message: "" }), 1);
  exchange.receive(encodeError("null", { code: "invalid_packet", message: "" }), 2);
  exchange.receive(encodeError('"a"', { code: "invalid_packet", message: "" }), 3);
  exchange.receive(encodeError("null", { code: "internal", message: "" }), 4);
  assertEquals(reported, [
    "null invalid_json",
    "null invalid_packet",
    "a invalid_packet",
    "an answer to null, which is not in flight",
  ]);
  assertEquals(exchange.failed, 3);
});

Deno.test("Exchange sends unanswered requests again on each new connection", () => {
  const { exchange, out, ended, link, send } = start();
  send(`${A}\n${B}`, 0);
  exchange.receive(A_ANSWER, 10);
  exchange.disconnected();
  send("c&&d&&e", 20);
  out.length = 0;
  exchange.connected(link);
  assertEquals(out, [B, '{"request_id":"made up","data":"c&&d&&e"}']);
  exchange.receive('[{"request_id":1,"data":{}},{"request_id":"made up","data":{}}]', 30);
  assertEquals(ended.map(({ sendings }) => sendings), [1, 2, 1]);
  assertEquals((ended[1]!.ending!.result as Reply).latency, 30);
  exchange.connected(link);
  assertEquals(out.length, 2);
});

Deno.test("Exchange asks the server to cancel, or cancels by itself without a connection", () => {
  const { exchange, out, ended, send } = start();
  send(A);
  send('{"request_id":"a","cancel":true}', 1);
  assertEquals(out, [A, '{"request_id":"a","cancel":true}']);
  assertEquals(ended, []);
  exchange.disconnected();
  exchange.cancel("a", 2);
  exchange.cancel("a", 3);
  assertEquals(ended[0]!.ending!.result, { code: "cancelled", message: ERRORS.cancelled });
  assertEquals([exchange.inFlight, exchange.failed, exchange.cancelled], [0, 0, 1]);
});

Deno.test("Exchange reports a frame without answers", async (t) => {
  for (const frame of ["", "{", "[1]", '{"request_id":1}', new ArrayBuffer(1), null]) {
    await t.step(String(frame), () => {
      const { exchange, reported } = start();
      exchange.receive(frame, 0);
      assertEquals(reported, ["a frame without answers"]);
    });
  }
});

Deno.test("Exchange keeps requests in flight when their shared frame is sent again", () => {
  const { exchange, reported, link, send } = start();
  const [, broken] = send(`${A}\n{`);
  const tooLarge = encodeError("null", { code: "packet_too_large", message: "", limit: 100 });
  const errors: unknown[] = [];
  link.repair = (error?: unknown) => errors.push(error) === 1;
  exchange.receive(tooLarge, 1);
  assertEquals([errors, reported], [[JSON.parse(tooLarge)], []]);
  // The next is about the broken packet.
  exchange.receive(tooLarge, 2);
  assertEquals([broken!.ending?.at, reported.length], [2, 1]);
});

Deno.test("Exchange reports answered requests to the link", () => {
  const { exchange, link, send } = start();
  const accepted: unknown[] = [];
  link.accept = (posted?: unknown) => void accepted.push(posted);
  const sent = send(`${A}\n${B}`);
  exchange.receive(A_ANSWER, 1);
  exchange.receive(A_ANSWER, 2);
  assertEquals(accepted, [sent[0]]);
});

Deno.test("Exchange.cancelAll() cancels the requests that have an id", () => {
  const { exchange, out, send } = start();
  send(`${A}\n${B}\n{`);
  out.length = 0;
  exchange.cancelAll(1);
  assertEquals(out, ['{"request_id":"a","cancel":true}', '{"request_id":1,"cancel":true}']);
  exchange.disconnected();
  exchange.cancelAll(2);
  assertEquals([exchange.inFlight, exchange.cancelled], [1, 2]);
});

Deno.test("Exchange.expire() ends requests at their timeout and has the server forget them", () => {
  const { exchange, out, reported, ended, send } = start();
  send(A, 0, 30_000);
  send(B, 0);
  exchange.expire(29_999);
  assertEquals(ended, []);
  exchange.expire(30_000);
  assertEquals(ended[0]!.ending!.result, { code: "timed_out", message: "no answer within 30 s" });
  assertEquals(out.at(-1), '{"request_id":"a","cancel":true}');
  exchange.receive(encodeError('"a"', { code: "cancelled", message: "" }), 30_001);
  assertEquals(reported, ["a timed_out"]);
  assertEquals([exchange.inFlight, exchange.failed], [1, 1]);
});

Deno.test("Exchange gives answers after the end, and invalid frames, to their requests", () => {
  const { exchange, reported, ended, send } = start();
  const [a, b] = send(`${A}\n${B}`, 0, 100);
  exchange.receive(A_ANSWER, 1);
  exchange.receive(A_ANSWER, 2);
  exchange.receive('{"request_id":1,"da', 3);
  exchange.expire(100);
  exchange.receive('{"request_id":1,"data":{}}', 101);
  assertEquals(reported, [`a ${A_ANSWER}`, "a: duplicate", "1: garbage", "1 timed_out", "1: late"]);
  assertEquals(a!.anomalies, [{ kind: "duplicate", at: 2, frame: A_ANSWER }]);
  assertEquals(b!.anomalies.map(({ frame }) => frame), [
    '{"request_id":1,"da',
    '{"request_id":1,"data":{}}',
  ]);
  assertEquals(ended.map(({ ending }) => ending!.raw?.()), [A_ANSWER, undefined]);
});
