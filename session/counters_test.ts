import { assertEquals } from "@std/assert";
import { Histogram } from "./counters.ts";
import { delayPolicy } from "./delays.ts";
import { encodeCancel, encodeRequest } from "../protocol.ts";
import { Sessions, type SessionsOptions } from "./sessions.ts";

/** Opens a session with delays of 2 s by default, and records sent frames. */
function start(options: Partial<SessionsOptions> = {}) {
  const sessions = new Sessions({ delays: delayPolicy({ min: 2, max: 2 }), ...options });
  const sent: string[] = [];
  const session = sessions.open({ send: (frame) => sent.push(frame) });
  return { sessions, session, sent };
}

/** Returns the ranges that are not empty, by their upper bound in milliseconds. */
function filled(histogram: { bounds: readonly number[]; counts: Float64Array }) {
  return [...histogram.counts].flatMap((count, i) =>
    count === 0 ? [] : [[histogram.bounds[i] ?? Infinity, count]]
  );
}

Deno.test("Histogram counts a value that equals a bound in the range below it", () => {
  const histogram = new Histogram([1, 10]);
  for (const value of [0, 1, 1.5, 11]) histogram.add(value);
  assertEquals([...histogram.counts], [2, 1, 1]);
  assertEquals(histogram.sum, 13.5);
});

Deno.test("Counters count how each request ended", () => {
  const { sessions, session } = start({ limits: { maxInFlight: 3, maxPacketSize: 100 } });
  const { counters } = sessions;
  for (const id of [1, 2, 3, 4, 3]) session.receive(encodeRequest(id, "a&&b&&c"), 0.5);
  session.receive(encodeCancel(2), 1);
  session.receive(encodeCancel(2), 1); // has no answer, and does not count
  session.receive(encodeRequest(3, "a&&b&&c"), 1);
  session.receive("{", 1);
  session.receive(encodeRequest(5, "x".repeat(100)), 1);
  sessions.advance(2003);
  assertEquals(counters.answered, 2);
  assertEquals(filled(counters.delays), [[2000, 3]]);
  assertEquals(counters.delays.sum, 6000);
  assertEquals(filled(counters.lateness), [[3, 2]]);
  assertEquals(counters.lateness.sum, 5);
  const { errors } = counters;
  const reported = Object.entries(errors).filter(([, count]) => count > 0);
  assertEquals(reported, [
    ["invalid_json", 1],
    ["duplicate_request_id", 1],
    ["packet_too_large", 1],
    ["overloaded", 2],
    ["cancelled", 1],
  ]);

  session.receive(encodeRequest(6, ""), 3000);
  session.receive(encodeRequest(7, ""), 3000);
  sessions.close(session);
  sessions.close(session);
  session.receive(encodeRequest(8, ""), 3000); // the session is closed
  assertEquals([counters.dropped, counters.answered], [2, 2]);
  assertEquals(filled(counters.delays), [[2000, 5]]);
});

Deno.test("Counters count requests that are answered at once", () => {
  const { sessions, session } = start({ delays: delayPolicy({ min: 0, max: 0 }) });
  session.receive(encodeRequest(1, ""), 0);
  const { answered, delays, lateness } = sessions.counters;
  assertEquals([answered, filled(delays), filled(lateness)], [1, [[1, 1]], [[0.5, 1]]]);
});

Deno.test("Counters count an error in an event once, as internal", () => {
  const fault = () => {
    throw new Error("a fault");
  };
  const { sessions, session } = start({ events: { accepted: fault } });
  session.receive(encodeRequest(1, ""), 0);
  assertEquals(sessions.counters.errors.internal, 1);
  assertEquals(filled(sessions.counters.delays), []);
});

Deno.test("Counters count bytes of UTF-8, whatever the frames", () => {
  const size = (texts: string[]) => new TextEncoder().encode(texts.join("")).length;
  const frames = [
    encodeRequest("a", "a&&b&&c"),
    `{"data":"${"x".repeat(10_000)}é","request_id":"c"}`,
    encodeRequest("é", "a&&b&&€"),
    '{"request_id":"\\u00e9","data":"\\u20ac&&a&&\\ud83d\\ude00"}',
    '{"other":"é","request_id":"b","data":"a&&b&&c"}',
    `[${encodeRequest(1, "é&&b&&c")},${encodeRequest(2, "")}]`,
    encodeRequest("d", "é".repeat(20_000)), // too large
    "é",
    "",
  ];
  for (const delay of [0, 2]) {
    for (const batched of [false, true]) {
      const { sessions, sent } = start({
        delays: delayPolicy({ min: delay, max: delay }),
        limits: { maxPacketSize: 30_000 },
      });
      const { counters } = sessions;
      const session = sessions.open({ send: (frame) => sent.push(frame) }, batched);
      for (const frame of frames) {
        session.receive(frame, 0);
        sessions.flush();
      }
      sessions.advance(2000);
      sessions.flush();
      assertEquals(counters.bytesIn, size(frames));
      assertEquals(counters.bytesOut, size(sent));
      session.receive(new TextEncoder().encode(frames[2]), 3000);
      session.receive(new Uint8Array([0xff]), 3000);
      assertEquals(counters.bytesIn, size([...frames, frames[2]!]) + 1);
    }
  }
});
