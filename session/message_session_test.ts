import { assertEquals, assertStrictEquals } from "@std/assert";
import { echoProtocol } from "../protocol/echo.ts";
import { jsonProtocol } from "../protocol/json_protocol.ts";
import { jsonRpcProtocol } from "../protocol/json_rpc.ts";
import type { Protocol } from "../protocol/message.ts";
import { wireOf } from "../protocol/message_wire.ts";
import { manualClock } from "./clock.ts";
import { delayPolicy } from "./delays.ts";
import { Journal } from "./journal.ts";
import { Rules } from "./rules.ts";
import type { Rule } from "./rules_schema.ts";
import { Sessions } from "./sessions.ts";

/** A session of a protocol of messages, whose requests are due after 0 or `delay` milliseconds. */
function open(protocol: Protocol, { delay = 0, rules = [] as readonly Rule[] } = {}) {
  const sent: (string | number[])[] = [];
  const failures: unknown[] = [];
  let dropped = 0;
  const clock = manualClock();
  const journal = new Journal(clock);
  const sessions = new Sessions({
    wire: wireOf(protocol),
    delays: delayPolicy({ min: delay / 1000, max: delay / 1000 }),
    rules: new Rules(rules),
    observer: journal,
    events: { failed: (_id, error) => failures.push((error as Error).message) },
  });
  const session = sessions.open({
    send: (frame) => sent.push(frame),
    sendBinary: (frame) => sent.push([...frame]),
    dropped: () => void dropped++,
  });
  return {
    ...{ sent, failures, journal, sessions, session },
    get dropped() {
      return dropped;
    },
    receive: (frame: string | Uint8Array) => session.receive(frame, 0),
    until(now: number) {
      sessions.advance(now);
      sessions.flush();
    },
  };
}

const outcomes = (journal: Journal) => journal.list().map(({ outcome }) => outcome);

Deno.test("a session answers requests of JSON-RPC at once or when due, and no notification", () => {
  for (const delay of [0, 100]) {
    const { receive, until, sent, journal, sessions } = open(jsonRpcProtocol(), { delay });
    receive('{"jsonrpc":"2.0","id":1,"method":"m","params":["é"]}');
    receive('{"jsonrpc":"2.0","method":"m"}');
    until(delay);
    assertEquals(sent, ['{"jsonrpc":"2.0","id":1,"result":["é"]}']);
    assertEquals(outcomes(journal), ["answered", "notification"]);
    assertStrictEquals(sessions.counters.notifications, 1);
  }
});

Deno.test("a session sends binary frames back", () => {
  for (const delay of [0, 100]) {
    const { receive, until, sent } = open(echoProtocol(), { delay });
    receive(new Uint8Array([0, 200]));
    receive("text");
    until(delay);
    assertEquals(sent, [[0, 200], "text"]);
  }
});

Deno.test("errors without an answer tell the carrier that none follows", () => {
  const peer = open(jsonProtocol(), {
    rules: [{ match: { id: "a" }, error: { code: "internal" }, delay: 1 }],
  });
  peer.receive("no JSON");
  peer.receive('{"id":"a"}');
  peer.until(1000);
  assertEquals([peer.sent, peer.dropped], [[], 2]);
  assertEquals(outcomes(peer.journal), ["error:invalid_json", "error:internal"]);
});

Deno.test("a protocol that throws fails its request only, and is reported", () => {
  const broken: Protocol = {
    ...jsonRpcProtocol(),
    read(frame, nth) {
      if (frame === "read") throw new Error("read");
      return jsonRpcProtocol().read(frame, nth);
    },
    error() {
      throw new Error("error");
    },
  };
  const peer = open(broken);
  peer.receive("read");
  peer.receive("{");
  peer.receive('{"jsonrpc":"2.0","id":1,"method":"m"}');
  assertEquals(peer.sent, ['{"jsonrpc":"2.0","id":1,"result":null}']);
  assertEquals(peer.failures, ["read", "error", "error"]);
});

Deno.test("rules look into messages, and fill in answers", () => {
  const peer = open(jsonRpcProtocol(), {
    rules: [
      { match: { at: "/method", is: "sub*" }, answer: { was: "{{/params/0}}", id: "{{id}}" } },
      { match: { at: "/params/0", is: 7 }, answer: "seven" },
      { match: { at: "/params/1" }, answer: "two" },
    ],
  });
  const messages = [
    { id: 1, method: "subscribe", params: ["a"] },
    { id: 2, method: "x", params: [7] },
    { id: 3, method: "x", params: [0, null] },
    { id: 4, method: "x", params: ["7"] },
  ];
  for (const message of messages) peer.receive(JSON.stringify({ jsonrpc: "2.0", ...message }));
  peer.until(0);
  const answers = peer.sent.map((frame) => JSON.parse(frame as string));
  assertEquals(
    answers.sort((a, b) => a.id - b.id).map(({ result }) => result),
    [{ was: "a", id: 1 }, "seven", "two", ["7"]],
  );
});
