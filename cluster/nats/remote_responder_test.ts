import { assertEquals } from "@std/assert";
import type { ResponderCallbacks } from "../../session/responder.ts";
import { manualClock } from "../../session/clock.ts";
import { delayPolicy } from "../../session/delays.ts";
import { Journal } from "../../session/journal.ts";
import { Rules } from "../../session/rules.ts";
import type { Rule } from "../../session/rules_schema.ts";
import type { Session } from "../../session/session.ts";
import { Sessions, type SessionsOptions } from "../../session/sessions.ts";
import type { WorkerAnswer } from "./message.ts";
import { RemoteResponder, type RequestStream } from "./remote_responder.ts";

interface Published {
  readonly key: string;
  /** The data, as JSON text without its quotes. */
  readonly data: string;
  readonly delay: number;
  readonly outcome: PromiseWithResolvers<number | undefined>;
}

/** A session on top of a fake stream, with a record of all that happens. */
class Harness implements RequestStream, ResponderCallbacks {
  readonly isReachable = true;
  readonly isRealTime = true;
  hasRoom = true;
  readonly maxDataBytes = 100;
  readonly published: Published[] = [];
  readonly deleted: number[] = [];
  readonly events: string[] = [];
  readonly sent: unknown[] = [];
  readonly responder = new RemoteResponder(this);
  readonly sessions: Sessions;
  readonly session: Session;
  now = 0;

  constructor(delay: number, options: Partial<SessionsOptions> = {}, batched = false) {
    this.sessions = new Sessions({
      delays: delayPolicy({ min: delay, max: delay }),
      responder: this.responder,
      events: {
        accepted: (id, delay) => this.events.push(`accepted ${id} ${delay}`),
        failed: (id, error) => this.events.push(`failed ${id} ${error}`),
      },
      ...options,
    });
    this.sessions.start(this);
    this.session = this.sessions
      .open({ send: (frame) => this.sent.push(JSON.parse(frame)) }, batched);
  }

  /** Delivers an answer. */
  take: (answer: WorkerAnswer) => void = () => {};

  listen(onAnswer: (answer: WorkerAnswer) => void): void {
    this.take = onAnswer;
  }

  publish(key: string, packet: Uint8Array, delay: number): Promise<number | undefined> {
    const { data } = JSON.parse(new TextDecoder().decode(packet));
    const outcome = Promise.withResolvers<number | undefined>();
    this.published.push({ key, data, delay, outcome });
    return outcome.promise;
  }

  delete(sequence: number): void {
    this.deleted.push(sequence);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  accepted(entry: number): void {
    this.sessions.ownerOf(entry).accept(entry);
  }

  rejected(entry: number): void {
    this.sessions.ownerOf(entry).reject(entry);
  }

  failed(entry: number, error: unknown): void {
    this.sessions.ownerOf(entry).fail(entry, error);
  }

  ready(entry: number, due: number): void {
    this.sessions.ownerOf(entry).answerDue(entry, due, this.now);
  }

  /** Sends a request; returns the published one. */
  ask(id: string, data = "a&&b&&c"): Published {
    this.session.receive(JSON.stringify({ request_id: id, data }), this.now);
    return this.published.at(-1)!;
  }

  /** Has the stream acknowledge a request, or report that it has no room. */
  async acknowledge({ outcome }: Published, sequence: number | undefined): Promise<void> {
    outcome.resolve(sequence);
    await settled();
  }

  /** Has a worker answer. */
  convert({ key }: { key: string }, representation = '{"y":1}'): void {
    this.take({ key, representation });
  }

  until(now: number): void {
    this.sessions.advance(this.now = now);
    this.sessions.flush();
  }

  get codes(): (string | undefined)[] {
    return this.sent.map((answer) => (answer as { error?: { code: string } }).error?.code);
  }
}

/** Resolves after the callbacks of settled promises. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

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

/** A harness with a journal and rules, the first of which holds the id "x". */
function steered(effect: Partial<Rule> = { hold: true }, batched = false) {
  const journal = new Journal(manualClock());
  const rules = new Rules([{ match: { id: "x" }, ...effect }]);
  const it = new Harness(0, { rules, observer: journal }, batched);
  const release = (now: number) => {
    const [entry] = [...it.sessions.held.keys()];
    it.session.release(entry!, it.now = now);
    it.sessions.flush();
  };
  return { it, release, outcomes: () => journal.list().map(({ outcome }) => outcome) };
}

Deno.test("RemoteResponder keeps the answer of a held request until its release", async () => {
  const { it, release, outcomes } = steered({ hold: true }, true);
  const request = it.ask("x");
  await it.acknowledge(request, 7);
  it.convert(request);
  it.until(1000);
  assertEquals([it.sent, outcomes(), it.deleted], [[], ["held"], []]);
  release(1500);
  assertEquals([it.sent, outcomes()], [[{ ...RESPONSE, delay: 1.5 }], ["answered"]]);
});

Deno.test("RemoteResponder sends the answer of a released request when it has it", async () => {
  for (const isAcknowledged of [true, false]) {
    const { it, release, outcomes } = steered({ hold: true }, true);
    const request = it.ask("x");
    if (isAcknowledged) await it.acknowledge(request, 7);
    release(1500);
    assertEquals([it.sent, outcomes()], [[], ["in_flight"]]);
    it.now = 2000;
    it.convert(request);
    it.sessions.flush();
    assertEquals([it.sent, outcomes()], [[{ ...RESPONSE, delay: 1.5 }], ["answered"]]);
    const { lateness, delays } = it.sessions.counters;
    const count = delays.counts.reduce((sum, count) => sum + count);
    assertEquals([lateness.sum, delays.sum, count], [500, 1500, 1]);
  }
});

Deno.test("RemoteResponder deletes requests whose response is replaced, or that are dropped", async () => {
  const cases: [effect: Partial<Rule>, sent: unknown[], outcome: string][] = [
    [{ delay: 0, answer: { y: 1 } }, [RESPONSE], "answered"],
    [{ delay: 1, answer: { y: 1 } }, [RESPONSE], "answered"],
    [{ delay: 1, error: { code: "internal", message: "x" } }, [
      { request_id: "x", error: { code: "internal", message: "x" } },
    ], "error:internal"],
    [{ delay: 1, answer: { y: 1 }, fault: "drop" }, [], "dropped"],
    [{ delay: "never" }, [], "dropped"],
    [{ hold: true }, [], "dropped"],
  ];
  for (const [effect, sent, outcome] of cases) {
    for (const isAcknowledged of [true, false]) {
      const { it, outcomes } = steered(effect);
      const request = it.ask("x");
      if (isAcknowledged) await it.acknowledge(request, 7);
      it.until(1000);
      it.sessions.dropAll();
      assertEquals([it.sent, outcomes()], [sent, [outcome]], JSON.stringify(effect));
      await it.acknowledge(request, 7);
      assertEquals([it.deleted, it.sessions.inFlight], [[7], 0], JSON.stringify(effect));
    }
  }
});

Deno.test("RemoteResponder takes any number of requests", () => {
  const it = new Harness(0);
  const requests = Array.from({ length: 3000 }, (_, i) => it.ask(`${i}`));
  it.until(1);
  for (const request of requests.toReversed()) it.convert(request, `{"key":"${request.key}"}`);
  const expected = requests.map(({ key }, i) => ({ request_id: `${i}`, data: { key } }));
  assertEquals(it.sent, expected.toReversed());
});
