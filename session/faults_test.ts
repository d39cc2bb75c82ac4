import { assertEquals, assertStrictEquals } from "@std/assert";
import { type DelayPolicy, delayPolicy } from "./delays.ts";
import type { FaultPolicy } from "./fault_policy.ts";
import { FAULT_KINDS, type FaultKind, isTransportFault, lackingFor } from "./faults.ts";
import { encodeCancel, encodeError, encodeRequest, ERRORS } from "../protocol.ts";
import type { SessionEvents } from "./context.ts";
import { Sessions } from "./sessions.ts";
import { Planner } from "./plan.ts";

const DELAY = 100;
const LATE_BY = 50;

const decoder = new TextDecoder();

/** The fault that an id names, as "drop 1" does. */
const byId: FaultPolicy = {
  lateBy: LATE_BY,
  faultFor(bytes, at, end) {
    const [name] = JSON.parse(decoder.decode(bytes.subarray(at, end))).split(" ");
    const kind = FAULT_KINDS.find((kind) => kind === name);
    return kind && { kind, parameter: kind === "late" ? LATE_BY : undefined };
  },
};

function open(batched: boolean, delays: DelayPolicy = fixed(DELAY), more: SessionEvents = {}) {
  const sent: string[] = [];
  const reported: string[] = [];
  const carried: FaultKind[] = [];
  const events: SessionEvents = { faulted: (id, kind) => reported.push(`${kind} ${id}`), ...more };
  const sessions = new Sessions({ delays, faults: byId, events });
  const session = sessions.open({
    send: (frame) => sent.push(frame),
    close: () => carried.push("disconnect"),
    dropped: () => carried.push("drop"),
    sendFaulty: (kind) => carried.push(kind),
  }, batched);
  return {
    sent,
    reported,
    carried,
    sessions,
    session,
    request: (id: string, now = 0) => session.receive(encodeRequest(id, "A&&x&&1"), now),
    /** Advances to a time; returns the frames sent since the last call. */
    until(now: number): string[] {
      sessions.advance(now);
      sessions.flush();
      return sent.splice(0);
    },
  };
}

Deno.test("a fault that is due at once waits for the whole frame, and for nothing if that ends the request", () => {
  const frame = (...packets: string[]) => `[${packets.join()}]`;
  const drop = encodeRequest("drop", "A&&x&&1");
  for (const end of ["cancel", "close", "dropAll"] as const) {
    const peer = open(false, fixed(0));
    peer.session.receive(frame(drop, encodeRequest("disconnect", ""), encodeRequest("1", "")), 0);
    assertEquals(peer.sent.splice(0), ['{"request_id":"1","data":{}}']);
    if (end === "close") peer.sessions.close(peer.session);
    else if (end === "dropAll") peer.sessions.dropAll();
    else peer.session.receive(frame(encodeCancel("drop"), encodeCancel("disconnect")), 0);
    peer.sent.length = 0;
    peer.carried.length = 0;
    // The next requests take the places of those that ended.
    const next = end === "close" ? peer.sessions.open({ send() {} }) : peer.session;
    next.receive(frame(encodeRequest("2", ""), encodeRequest("late 1", ""), drop), 0);
    peer.sessions.flush();
    assertEquals(peer.reported, ['drop "drop"'], end);
    assertStrictEquals(peer.sessions.inFlight, 1, end);
  }
});

function fixed(ms: number): DelayPolicy {
  return delayPolicy({ min: ms / 1000, max: ms / 1000 });
}

function response(id: string): string {
  return `{"request_id":"${id}","data":{"A":{"x":"1"}}}`;
}

const INTERNAL = { code: "internal", message: ERRORS.internal } as const;

const CASES: [kind: FaultKind, sent: string[]][] = [
  ["drop", []],
  ["error", [encodeError('"error"', INTERNAL)]],
  ["duplicate", [response("duplicate"), response("duplicate")]],
  ["garbage", ['{"request_id":"garbage"']],
  ["disconnect", []],
  ["stall", []],
  ["drip", []],
  ["split", []],
  ["badframe", []],
];

for (const [kind, sent] of CASES) {
  Deno.test(`answerDue() injects ${kind} when the answer is due, and reports it`, () => {
    for (const delay of [DELAY, 0]) {
      const peer = open(false, fixed(delay));
      peer.request(kind);
      assertStrictEquals(peer.session.inFlight, 1);
      if (delay > 0) assertEquals(peer.until(delay - 1), []);
      assertEquals([peer.reported, peer.carried], [[], []]);
      assertEquals(peer.until(delay), sent);
      assertEquals(peer.reported, [`${kind} "${kind}"`]);
      const isCarried = kind === "drop" || kind === "disconnect" || isTransportFault(kind);
      assertEquals(peer.carried, isCarried ? [kind] : []);
      assertStrictEquals(peer.session.inFlight, 0);
      assertStrictEquals(peer.sessions.inFlight, 0);
      const none = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<
        FaultKind,
        number
      >;
      assertEquals(peer.sessions.counters.faults, { ...none, [kind]: 1 });
      assertEquals(peer.until(10_000), []);
    }
  });
}

Deno.test("answerDue() sends a late answer later than the delay that it reports", () => {
  const peer = open(true);
  peer.request("late");
  assertEquals(peer.until(DELAY + LATE_BY - 1), []);
  assertEquals(peer.reported, []);
  const answer = response("late").replace(/}$/, ',"delay":0.1}');
  assertEquals(peer.until(DELAY + LATE_BY), [answer]);
  assertEquals(peer.reported, ['late "late"']);
});

Deno.test("answerDue() sends garbage in a frame of its own", () => {
  const peer = open(true);
  for (const id of ["a", "garbage", "duplicate", "drop", "error", "b"]) peer.request(id);
  const [garbage, shared, ...rest] = peer.until(DELAY);
  assertEquals([garbage, rest], ['{"request_id":"garbage","data', []]);
  const ids = JSON.parse(shared!).map(({ request_id }: { request_id: string }) => request_id);
  assertEquals(ids, ["a", "duplicate", "duplicate", "error", "b"]);
});

Deno.test("answerDue() disconnects after sending due answers, and drops other requests", () => {
  const peer = open(true);
  peer.request("a");
  peer.request("disconnect");
  peer.request("b");
  peer.request("c", 50);
  assertEquals(peer.until(DELAY), [response("a").replace(/}$/, ',"delay":0.1}')]);
  assertEquals(peer.carried, ["disconnect"]);
  assertStrictEquals(peer.sessions.inFlight, 0);
  peer.request("d", DELAY);
  assertEquals(peer.until(10_000), []);
  peer.sessions.close(peer.session);
  assertStrictEquals(peer.sessions.open({ send: () => {} }).number, peer.session.number);
});

Deno.test("answerDue() spares a request once when it is sent again after disconnecting", () => {
  const peer = open(false);
  let now = 0;
  const again = (id: string) => {
    const sent: string[] = [];
    const one = peer.sessions.open({ send: (frame) => sent.push(frame) });
    one.receive(encodeRequest(id, "A&&x&&1"), now);
    peer.sessions.advance(now += DELAY);
    return sent;
  };
  assertEquals(again("disconnect 1"), []);
  assertEquals(again("disconnect 2"), []);
  assertEquals(again("disconnect 1"), [response("disconnect 1")]);
  assertEquals(again("disconnect 1"), []);
  assertStrictEquals(peer.sessions.counters.faults.disconnect, 3);
});

Deno.test("Planner forgets the ids that disconnected longest ago", () => {
  const planner = new Planner(fixed(DELAY), byId);
  const kindFor = (id: string) => {
    const bytes = new TextEncoder().encode(JSON.stringify(id));
    return planner.plan(bytes, 0, bytes.length).replacement?.fault?.kind;
  };
  for (let i = 0; i <= 10_000; i++) planner.spareOnce(`"disconnect ${i}"`);
  assertStrictEquals(kindFor("disconnect 0"), "disconnect");
  assertStrictEquals(kindFor("disconnect 1"), undefined);
});

Deno.test("requests with faults can be cancelled, and their ids are in flight", () => {
  const peer = open(false);
  peer.request("drop");
  peer.request("drop");
  peer.session.receive(encodeCancel("drop"), 1);
  const codes = peer.until(1).map((answer) => JSON.parse(answer).error.code);
  assertEquals(codes, ["duplicate_request_id", "cancelled"]);
  assertEquals(peer.until(10_000), []);
  assertEquals(peer.reported, []);
});

Deno.test("a request does not meet the fault of an earlier request in the same entry", () => {
  const peer = open(false);
  peer.request("drop");
  peer.until(DELAY);
  peer.request("a", DELAY);
  assertEquals(peer.until(2 * DELAY), [response("a")]);
});

Deno.test("answerDue() answers internal when the event of a fault throws", () => {
  const peer = open(false, fixed(DELAY), {
    faulted: () => {
      throw new Error("as asked");
    },
  });
  peer.request("drop");
  assertEquals(peer.until(DELAY), [encodeError('"drop"', INTERNAL)]);
});

Deno.test("answerDue() spares a request that disconnected its client in another process", () => {
  const ids = new Set<string>();
  const disconnectedIds = {
    add: (id: string) => void ids.add(id),
    delete: (id: string) => ids.delete(id),
  };
  const answers = [1, 2].map(() => {
    const sessions = new Sessions({
      delays: fixed(DELAY),
      faults: byId,
      disconnectedIds,
    });
    const sent: string[] = [];
    sessions.open({ send: (frame) => sent.push(frame) }).receive(
      encodeRequest("disconnect 1", "A&&x&&1"),
      0,
    );
    sessions.advance(DELAY);
    return sent;
  });
  assertEquals(answers, [[], [response("disconnect 1")]]);
});

Deno.test("lackingFor() says what a transport lacks for each kind", () => {
  const strict = "the strict transport of WebSockets";
  const table: [isStrict: boolean, kind: FaultKind, lacking: string | undefined][] = [
    [false, "drop", undefined],
    [false, "stall", strict],
    [false, "reset", strict],
    [true, "disconnect", undefined],
    [true, "stall", undefined],
    [true, "reset", "a newer Deno"],
  ];
  for (const [isStrict, kind, lacking] of table) {
    assertStrictEquals(lackingFor(isStrict, () => "a newer Deno")(kind), lacking, kind);
  }
  assertStrictEquals(lackingFor(true)("reset"), undefined);
});
