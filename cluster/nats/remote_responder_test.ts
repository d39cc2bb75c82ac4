import { assertEquals } from "@std/assert";
import { Harness, settled } from "../../tests/support/fake_stream.ts";

const RESPONSE = { request_id: "x", data: { y: 1 } };

Deno.test("RemoteResponder accepts a request once the stream has it", async () => {
  const it = new Harness(2);
  const request = it.ask("x", 'é "');
  assertEquals([request.data, request.delay], ['é "', 2000]);
  assertEquals([it.events, it.sessions.inFlight], [[], 1]);
  await it.acknowledge(request, 7);
  assertEquals(it.events, ['accepted "x" 2000']);
});

Deno.test("RemoteResponder keeps an early answer until the request is due", async () => {
  const it = new Harness(2);
  const request = it.ask("x");
  await it.acknowledge(request, 7);
  it.convert(request, '{"y":0}');
  it.convert(request, '{"y":1}'); // again, from another worker
  it.until(1999);
  assertEquals(it.sent, []);
  it.until(2000);
  assertEquals(it.sent, [RESPONSE]);
  assertEquals([it.deleted, it.sessions.inFlight], [[], 0]);
});

Deno.test("RemoteResponder sends a late answer at once, with its delay in asyncpkt.v1", async () => {
  const it = new Harness(2, {}, true);
  const request = it.ask("x");
  await it.acknowledge(request, 7);
  it.until(3000);
  assertEquals([it.sent, it.sessions.inFlight, it.sessions.nextDue], [[], 1, Infinity]);
  it.now = 3500;
  it.convert(request);
  assertEquals(it.sessions.counters.lateness.sum, 1500);
  it.sessions.flush();
  assertEquals(it.sent, [{ ...RESPONSE, delay: 2 }]);
  assertEquals(it.sessions.inFlight, 0);
});

Deno.test("RemoteResponder accepts a request whose answer overtakes the acknowledgement", async () => {
  const it = new Harness(0);
  const request = it.ask("x");
  it.until(1);
  it.convert(request);
  assertEquals([it.events, it.sent], [['accepted "x" 0'], [RESPONSE]]);
  await it.acknowledge(request, 7);
  assertEquals([it.events.length, it.deleted], [1, [7]]);
});

Deno.test("RemoteResponder ignores answers to requests that are gone", async () => {
  const it = new Harness(2);
  const old = it.ask("x");
  await it.acknowledge(old, 7);
  it.session.receive('{"request_id":"x","cancel":true}', 1);
  assertEquals([it.codes, it.deleted], [["cancelled"], [7]]);
  const request = it.ask("x");
  assertEquals(request.key.split("-")[0], old.key.split("-")[0]); // the same entry
  const odd = ["", "x", "-", "0", "0-", "0-0", "99999", "99999-1", "-1-1", `${request.key}0`];
  for (const key of [old.key, ...odd]) {
    it.convert({ key }, "{}");
    it.take({ key, error: "old" });
  }
  assertEquals([it.sent.length, it.events.length, it.sessions.inFlight], [1, 1, 1]);
  it.convert(request);
  it.until(2000);
  assertEquals(it.sent.at(-1), RESPONSE);
});

Deno.test("RemoteResponder rejects requests that the stream does not take", async () => {
  const it = new Harness(2);
  await it.acknowledge(it.ask("x"), undefined);
  it.hasRoom = false;
  it.ask("y");
  it.hasRoom = true;
  it.ask("z", "x".repeat(101));
  assertEquals(it.codes, ["overloaded", "overloaded", "packet_too_large"]);
  assertEquals([it.published.length, it.sessions.inFlight], [1, 0]);
  assertEquals([it.events, it.sessions.nextDue], [[], Infinity]);
});

Deno.test("RemoteResponder answers `internal` when a worker, the stream or an event fails", async () => {
  const it = new Harness(2);
  const request = it.ask("x");
  await it.acknowledge(request, 7);
  it.take({ key: request.key, error: "broken" });
  it.ask("y").outcome.reject("lost");
  await settled();
  assertEquals(it.codes, ["internal", "internal"]);
  assertEquals(it.events.slice(1), ['failed "x" Error: broken', 'failed "y" lost']);
  assertEquals(it.deleted, [7]);

  const throwing = new Harness(2, {
    events: {
      accepted: () => {
        throw new Error("as asked");
      },
    },
  });
  await throwing.acknowledge(throwing.ask("x"), 8);
  throwing.convert(throwing.ask("x"));
  assertEquals([throwing.codes, throwing.deleted], [["internal", "internal"], [8]]);
  assertEquals([throwing.sessions.inFlight, throwing.sessions.nextDue], [0, Infinity]);
});

Deno.test("RemoteResponder deletes the requests of a session that ends, due or not", async () => {
  const it = new Harness(2);
  const due = it.ask("due");
  it.until(2000);
  const [waiting, unaccepted] = [it.ask("waiting"), it.ask("unaccepted")];
  await it.acknowledge(due, 1);
  await it.acknowledge(waiting, 2);
  it.convert(waiting, "{}");
  it.sessions.close(it.session);
  assertEquals(it.deleted.toSorted(), [1, 2]);
  await it.acknowledge(unaccepted, 3);
  assertEquals(it.deleted.toSorted(), [1, 2, 3]);
  assertEquals([it.sent, it.sessions.inFlight, it.sessions.nextDue], [[], 0, Infinity]);
});

Deno.test("Session.decided resolves once each request is accepted, refused or gone", async () => {
  const it = new Harness(2);
  assertEquals(it.session.decided, undefined);
  const [a, b, c] = [it.ask("a"), it.ask("b"), it.ask("c")];
  let isDecided = false;
  const decided = it.session.decided!.then(() => isDecided = true);
  await it.acknowledge(a, 1);
  await it.acknowledge(b, undefined);
  assertEquals(isDecided, false);
  it.convert(c);
  await decided;
  assertEquals(it.session.decided, undefined);

  it.ask("d");
  const ended = it.session.decided!;
  it.sessions.close(it.session);
  await ended;
});

Deno.test("RemoteResponder takes any number of requests", () => {
  const it = new Harness(0);
  const requests = Array.from({ length: 3000 }, (_, i) => it.ask(`${i}`));
  it.until(1);
  for (const request of requests.toReversed()) it.convert(request, `{"key":"${request.key}"}`);
  const expected = requests.map(({ key }, i) => ({ request_id: `${i}`, data: { key } }));
  assertEquals(it.sent, expected.toReversed());
});
