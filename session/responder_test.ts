import { assertEquals } from "@std/assert";
import { uniformDelay } from "./delays.ts";
import type { Session } from "./session.ts";
import { Sessions, type SessionsOptions } from "./sessions.ts";
import type { Elsewhere, Told } from "./responder.ts";

/** A session whose requests are handed over, and all that is said in it. */
class HandingOver implements Elsewhere {
  longest = 100;
  hasRoom = true;
  readonly isReachable = true;
  readonly taken: { key: string; data: string; delay: number }[] = [];
  readonly dropped: number[] = [];
  readonly accepted: [id: string, delay: number][] = [];
  readonly failed: [id: string, error: unknown][] = [];
  readonly sent: unknown[] = [];
  readonly sessions: Sessions;
  readonly session: Session;
  told: Told | undefined;

  constructor(delay: number, options: Partial<SessionsOptions> = {}, batched = false) {
    this.sessions = new Sessions({
      delays: uniformDelay({ min: delay, max: delay }),
      elsewhere: this,
      events: {
        accepted: (...args) => this.accepted.push(args),
        failed: (...args) => this.failed.push(args),
      },
      ...options,
    });
    this.session = this.sessions.open(
      (frame) => this.sent.push(JSON.parse(frame)),
      batched,
    );
  }

  begin(told: Told): void {
    this.told = told;
  }

  take(key: string, source: Uint8Array, at: number, end: number, delay: number): void {
    const data = new TextDecoder().decode(source.subarray(at, end));
    this.taken.push({ key, data, delay });
  }

  drop(ticket: number): void {
    this.dropped.push(ticket);
  }

  /** Sends a request at time 0; returns the key under which it was handed over. */
  ask(id: string, data = "a&&b&&c"): string {
    this.session.receive(JSON.stringify({ request_id: id, data }), 0);
    return this.taken.at(-1)!.key;
  }

  /** The codes of the errors sent. */
  get codes(): (string | undefined)[] {
    return this.sent.map((answer) => (answer as { error?: { code: string } }).error?.code);
  }
}

const RESPONSE = { request_id: "x", data: { y: 1 } };

Deno.test("what is handed over counts as accepted when it is said to be", () => {
  const it = new HandingOver(2);
  const key = it.ask("x", 'é "');
  assertEquals(it.taken, [{ key, data: 'é \\"', delay: 2000 }]);
  assertEquals([it.accepted, it.sessions.inFlight], [[], 1]);
  assertEquals(it.sessions.accepted(key, 7), true);
  assertEquals(it.accepted, [['"x"', 2000]]);
  assertEquals(it.sessions.accepted(key, 7), true);
  assertEquals(it.accepted.length, 1);
});

Deno.test("an answer that comes early waits until it is due", () => {
  const it = new HandingOver(2);
  const key = it.ask("x");
  it.sessions.accepted(key, 7);
  it.sessions.converted(key, '{"y":0}', 1);
  it.sessions.converted(key, '{"y":1}', 1); // again, from another worker
  it.sessions.advance(1999);
  assertEquals(it.sent, []);
  it.sessions.advance(2000);
  assertEquals(it.sent, [RESPONSE]);
  assertEquals([it.dropped, it.sessions.inFlight], [[], 0]);
});

Deno.test("an answer that comes late is sent at once, with its delay in asyncpkt.v1", () => {
  const it = new HandingOver(2, {}, true);
  const key = it.ask("x");
  it.sessions.accepted(key, 7);
  it.sessions.advance(3000);
  assertEquals([it.sent, it.sessions.inFlight, it.sessions.nextDue], [[], 1, Infinity]);
  it.sessions.converted(key, '{"y":1}', 3500);
  assertEquals(it.sessions.counters.lateness.sum, 1500);
  it.sessions.flush();
  assertEquals(it.sent, [{ ...RESPONSE, delay: 2 }]);
  assertEquals(it.sessions.inFlight, 0);
});

Deno.test("an answer that overtakes the news of its acceptance makes it count as accepted", () => {
  const it = new HandingOver(0);
  const key = it.ask("x");
  it.sessions.converted(key, '{"y":1}', 1);
  assertEquals([it.accepted, it.sent], [[['"x"', 0]], [RESPONSE]]);
  assertEquals(it.sessions.accepted(key, 7), false);
  assertEquals(it.accepted.length, 1);
});

Deno.test("news of a request that is gone reaches no other in its place", () => {
  const it = new HandingOver(2);
  const old = it.ask("x");
  it.sessions.accepted(old, 7);
  it.session.receive('{"request_id":"x","cancel":true}', 1);
  assertEquals([it.codes, it.dropped], [["cancelled"], [7]]);
  const key = it.ask("x");
  assertEquals(key.split("-")[0], old.split("-")[0]); // the same entry
  assertEquals(it.sessions.accepted(old, 7), false);
  it.sessions.converted(old, "{}", 1);
  it.sessions.refused(old);
  it.sessions.failed(old, new Error("old"));
  for (const odd of ["", "x", "-", "0", "0-", "0-0", "99999", "99999-1", "-1-1", `${key}0`]) {
    it.sessions.converted(odd, "{}", 1);
  }
  assertEquals([it.sent.length, it.accepted.length, it.sessions.inFlight], [1, 1, 1]);
  it.sessions.converted(key, '{"y":1}', 1);
  it.sessions.advance(2000);
  assertEquals(it.sent.at(-1), RESPONSE);
});

Deno.test("what is not taken on is overloaded, and what is too long too large", () => {
  const it = new HandingOver(2);
  it.sessions.refused(it.ask("x"));
  it.hasRoom = false;
  it.ask("y");
  it.hasRoom = true;
  it.ask("z", "x".repeat(101));
  assertEquals(it.codes, ["overloaded", "overloaded", "packet_too_large"]);
  assertEquals([it.taken.length, it.sessions.inFlight], [1, 0]);
  assertEquals([it.accepted, it.sessions.nextDue], [[], Infinity]);
});

Deno.test("a fault elsewhere, or in the events, is internal, and the request is dropped", () => {
  const it = new HandingOver(2);
  const key = it.ask("x");
  it.sessions.accepted(key, 7);
  it.sessions.failed(key, "broken");
  assertEquals([it.codes, it.failed, it.dropped], [["internal"], [['"x"', "broken"]], [7]]);

  const throwing = new HandingOver(2, {
    events: {
      accepted: () => {
        throw new Error("as asked");
      },
    },
  });
  throwing.sessions.accepted(throwing.ask("x"), 8);
  assertEquals([throwing.codes, throwing.dropped], [["internal"], [8]]);
  throwing.sessions.converted(throwing.ask("x"), "{}", 1);
  assertEquals([throwing.codes, throwing.dropped], [["internal", "internal"], [8]]);
  assertEquals([throwing.sessions.inFlight, throwing.sessions.nextDue], [0, Infinity]);
});

Deno.test("a session that ends drops what is in flight, due or not", () => {
  const it = new HandingOver(2);
  const keys = ["due", "waiting", "unaccepted"].map((id, i) => {
    if (i === 1) it.sessions.advance(2000);
    return it.ask(id);
  });
  it.sessions.accepted(keys[0]!, 1);
  it.sessions.accepted(keys[1]!, 2);
  it.sessions.converted(keys[1]!, "{}", 1);
  it.sessions.close(it.session);
  assertEquals(it.dropped.toSorted(), [1, 2]);
  assertEquals(it.sessions.accepted(keys[2]!, 3), false);
  assertEquals([it.sent, it.sessions.inFlight, it.sessions.nextDue], [[], 0, Infinity]);
});

Deno.test("Session.decided resolves once all are accepted or are not", async () => {
  const it = new HandingOver(2);
  assertEquals(it.session.decided, undefined);
  const keys = ["a", "b", "c"].map((id) => it.ask(id));
  let isDecided = false;
  const decided = it.session.decided!.then(() => isDecided = true);
  it.sessions.accepted(keys[0]!, 1);
  it.sessions.refused(keys[1]!);
  await Promise.resolve();
  assertEquals(isDecided, false);
  it.sessions.converted(keys[2]!, "{}", 1);
  await decided;
  assertEquals(it.session.decided, undefined);

  it.ask("d");
  const ended = it.session.decided!;
  it.sessions.close(it.session);
  await ended;
});

Deno.test("any number of requests can be handed over", () => {
  const it = new HandingOver(0);
  const keys = Array.from({ length: 3000 }, (_, i) => it.ask(`${i}`));
  for (const key of keys.toReversed()) it.sessions.converted(key, `{"key":"${key}"}`, 1);
  const expected = keys.map((key, i) => ({ request_id: `${i}`, data: { key } })).toReversed();
  assertEquals(it.sent, expected);
});
