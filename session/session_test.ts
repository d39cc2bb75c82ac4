import {
  assert,
  assertEquals,
  assertLess,
  assertLessOrEqual,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { fc } from "../tests/support/npm_packages.ts";
import { type DelayPolicy, delayPolicy } from "./delays.ts";
import { TimingWheel } from "./timing_wheel.ts";
import {
  decodeAnswers,
  encodeCancel,
  encodeFrame,
  encodeRequest,
  type ErrorCode,
  type ErrorDetails,
  ERRORS,
  isError,
  MAX_BATCH,
  type RequestId,
} from "../protocol.ts";
import { packetWire } from "../protocol/packet_wire.ts";
import { agreedRequest, describedAnswer } from "../tests/support/described.ts";
import { plainConvertToJson } from "../tests/support/plain.ts";
import type { SessionEvents } from "./context.ts";
import type { RequestTable } from "./request_table.ts";
import { LocalResponder, type Responder } from "./responder.ts";
import { Rules } from "./rules.ts";
import type { Session } from "./session.ts";
import { Sessions, type SessionsOptions } from "./sessions.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Delays each request by the number in its id, in milliseconds: 30 for 30, "30" or "a30". */
const byId: DelayPolicy = {
  maxDelay: Infinity,
  delayOf: (bytes, at, end) => Number(decoder.decode(bytes.subarray(at, end)).replace(/\D/g, "")),
};

/** A session, and the frames sent to its peer. */
class Peer {
  readonly sent: string[] = [];
  readonly session: Session;
  readonly sessions: Sessions;

  constructor(sessions: Sessions, batched = false) {
    this.sessions = sessions;
    const send = (frame: string) => void this.sent.push(describedAnswer(frame));
    this.session = sessions.open({ send }, batched);
  }

  receive(frame: string | Uint8Array, now = 0): void {
    if (typeof frame === "string") agreedRequest(frame);
    this.session.receive(frame, now);
  }

  request(id: RequestId, now = 0, data = "A&&x&&1"): void {
    this.receive(encodeRequest(id, data), now);
  }

  /** Returns the frames sent since the last call. */
  take(): string[] {
    return this.sent.splice(0);
  }
}

function openAll(options: Partial<SessionsOptions> = {}): Sessions {
  return new Sessions({ delays: byId, ...options });
}

function openOne(options: Partial<SessionsOptions> = {}, batched = false): Peer {
  return new Peer(openAll(options), batched);
}

/** The response to {@linkcode Peer.request}. */
function response(id: RequestId, delay?: number): string {
  const member = delay === undefined ? "" : `,"delay":${delay / 1000}`;
  return `{"request_id":${JSON.stringify(id)},"data":{"A":{"x":"1"}}${member}}`;
}

function refusal(id: RequestId | null, code: ErrorCode, message: string = ERRORS[code]): string {
  return JSON.stringify({ request_id: id, error: { code, message } });
}

/** The refusal of a frame that is longer than `limit` bytes. */
function tooLarge(id: RequestId | null, limit: number): string {
  const message = `the frame is longer than ${limit} bytes`;
  return JSON.stringify({ request_id: id, error: { code: "packet_too_large", message, limit } });
}

Deno.test("receive() answers the example when it is due, and not before", () => {
  const peer = openOne({ delays: delayPolicy({ min: 2, max: 2 }) });
  peer.receive(
    '{"request_id": "01", "data": "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&"}',
    500,
  );
  assertStrictEquals(peer.sessions.nextDue, 2500);
  peer.sessions.advance(2499);
  assertEquals(peer.sent, []);
  assertStrictEquals(peer.sessions.inFlight, 1);
  peer.sessions.advance(2500);
  assertEquals(peer.sent, [
    '{"request_id":"01","data":{"Hub":{"name":"qwe","id":"123"},"Device":{"name":"wqe","id":"234"}}}',
  ]);
  assertStrictEquals(peer.sessions.inFlight, 0);
  assertStrictEquals(peer.sessions.nextDue, Infinity);
});

Deno.test("receive() answers each request after its own delay, side by side", () => {
  const peer = openOne();
  peer.request(3000, 0);
  peer.request(2000, 0);
  peer.request(500, 1000);
  const at: [now: number, sent: string[]][] = [
    [1499, []],
    [1500, [response(500)]],
    [1999, []],
    [2000, [response(2000)]],
    [2999, []],
    [3000, [response(3000)]],
  ];
  for (const [now, sent] of at) {
    peer.sessions.advance(now);
    assertEquals(peer.take(), sent, `at ${now}`);
  }
});

Deno.test("advance() answers in the order in which requests fell due", () => {
  const peer = openOne();
  const delays = [900, 100, 500, 300, 700, 200];
  peer.receive(encodeFrame(delays.map((delay) => encodeRequest(delay, "A&&x&&1"))));
  peer.sessions.advance(5000);
  assertEquals(peer.sent, delays.sort((a, b) => a - b).map((delay) => response(delay)));
});

Deno.test("receive() answers at once when the delay is 0, and keeps nothing", () => {
  for (const batched of [false, true]) {
    const peer = openOne({}, batched);
    peer.request("0");
    peer.request("0");
    peer.sessions.flush();
    const answer = response("0", batched ? 0 : undefined);
    assertEquals(peer.sent, batched ? [`[${answer},${answer}]`] : [answer, answer]);
    assertStrictEquals(peer.session.inFlight, 0);
    assertStrictEquals(peer.sessions.inFlight, 0);
  }
});

Deno.test("receive() in plain mode sends each answer in a frame of its own, without delay", () => {
  const peer = openOne();
  peer.receive(encodeFrame([10, 20, 0].map((id) => encodeRequest(id, "A&&x&&1"))));
  assert(!peer.sessions.hasUnsent);
  assertEquals(peer.take(), [response(0)]);
  peer.sessions.advance(100);
  assertEquals(peer.take(), [response(10), response(20)]);
});

Deno.test("flush() sends answers that are due together in one frame in asyncpkt.v1, with delays", () => {
  const peer = openOne({}, true);
  peer.receive(encodeFrame([1500, 1250, 3400].map((id) => encodeRequest(id, "A&&x&&1"))));
  peer.receive("x");
  peer.sessions.advance(2000);
  assertEquals(peer.sent, []);
  assert(peer.sessions.hasUnsent);
  peer.sessions.flush();
  const together = [refusal(null, "invalid_json"), response(1250, 1250), response(1500, 1500)];
  assertEquals(peer.take(), [`[${together.join(",")}]`]);
  assert(!peer.sessions.hasUnsent);
  peer.sessions.flush();
  assertEquals(peer.take(), []);

  peer.sessions.advance(4000);
  peer.sessions.flush();
  assertEquals(peer.take(), ['{"request_id":3400,"data":{"A":{"x":"1"}},"delay":3.4}']);
});

Deno.test("flush() keeps sessions apart", () => {
  const sessions = openAll();
  const peers = Array.from({ length: 5 }, (_, i) => new Peer(sessions, i !== 2));
  for (const delay of [10, 20]) peers.forEach((peer, i) => peer.request(`${i}-${delay}`));
  sessions.advance(10_000);
  sessions.flush();
  peers.forEach((peer, i) => {
    const answers = peer.sent.flatMap((frame) => decodeAnswers(frame)!);
    assertEquals(answers.map(({ request_id }) => request_id), [`${i}-10`, `${i}-20`]);
    assertStrictEquals(peer.sent.length, i === 2 ? 2 : 1);
  });
});

Deno.test("flush() splits frames that are longer than about 2^16 units", () => {
  const peer = openOne({}, true);
  const lengths = [20_000, 42_000, 3000, 10, 65_000, 60_000, 10, 10];
  lengths.forEach((length, i) => {
    peer.request("abcdefgh".charAt(i) + "0", 0, `A&&x&&${"v".repeat(length)}`);
  });
  peer.sessions.flush();
  const ids = peer.sent.map((frame) => {
    return decodeAnswers(frame)!.map(({ request_id }) => String(request_id).charAt(0)).join("");
  });
  assertEquals(ids, ["abcd", "e", "fgh"]);
  for (const frame of peer.sent) assertLess(frame.length, 1 << 16);
});

Deno.test("flush() sends an answer that is longer than a shared frame alone", () => {
  const peer = openOne({ limits: { maxPacketSize: 1 << 23 } }, true);
  for (const length of [3 << 20, 10, 3 << 20, 3 << 20, 10]) {
    peer.request(0, 0, `A&&x&&${"v".repeat(length)}`);
  }
  peer.sessions.flush();
  assertEquals(peer.sent.map((frame) => decodeAnswers(frame)!.length), [1, 1, 1, 1, 1]);
  assert(peer.sent.every((frame) => frame.startsWith("{")));
});

const WRONG: [frame: string, id: RequestId | null, code: ErrorCode, message?: string][] = [
  ["", null, "invalid_json"],
  ["{", null, "invalid_json"],
  ['{"request_id":1,"data":""}x', null, "invalid_json"],
  ['\ufeff{"request_id":1,"data":""}', null, "invalid_json"],
  ["[".repeat(100_000), null, "invalid_json"],
  ["1", null, "invalid_packet", "expected a JSON object, got a number"],
  ["null", null, "invalid_packet", "expected a JSON object, got null"],
  ["[]", null, "invalid_packet", "expected a packet, got an empty array"],
  ["[[]]", null, "invalid_packet", "expected a JSON object, got an array"],
  ["{}", null, "invalid_packet", "request_id is missing"],
  [
    '{"request_id":"","data":""}',
    null,
    "invalid_packet",
    "request_id: expected 1 to 256 UTF-16 units, got 0",
  ],
  ['{"request_id":1}', 1, "invalid_packet", "data is missing"],
  ['{"request_id":"a","data":1}', "a", "invalid_packet", "data: expected a string, got a number"],
];

Deno.test("receive() refuses invalid packets at once, and goes on", () => {
  for (const batched of [false, true]) {
    for (const [frame, id, code, message] of WRONG) {
      const peer = openOne({}, batched);
      for (const input of [frame, encoder.encode(frame)]) {
        peer.receive(input);
        peer.sessions.flush();
        assertEquals(peer.take(), [refusal(id, code, message)], frame.slice(0, 40));
      }
      peer.request(1000);
      peer.sessions.advance(1000);
      peer.sessions.flush();
      assertEquals(peer.take(), [response(1000, batched ? 1000 : undefined)]);
    }
  }
});

Deno.test("receive() answers the valid packets of an array", () => {
  const peer = openOne();
  const packets = ["1", '{"request_id":5,"data":"A&&x&&1"}', '{"request_id":6}', "{}"];
  peer.receive(encodeFrame(packets));
  assertEquals(peer.take(), [
    refusal(null, "invalid_packet", "expected a JSON object, got a number"),
    refusal(6, "invalid_packet", "data is missing"),
    refusal(null, "invalid_packet", "request_id is missing"),
  ]);
  peer.sessions.advance(5);
  assertEquals(peer.take(), [response(5)]);
});

Deno.test("receive() takes arrays of up to 1,000 requests", () => {
  const peer = openOne();
  const requests = Array.from({ length: MAX_BATCH + 1 }, (_, i) => encodeRequest(i + 1, "A&&x&&1"));
  peer.receive(encodeFrame(requests));
  assertEquals(peer.take(), [
    refusal(null, "invalid_packet", "expected at most 1000 packets in a frame, got 1001"),
  ]);
  peer.receive(encodeFrame(requests.slice(0, MAX_BATCH)));
  assertStrictEquals(peer.sessions.inFlight, MAX_BATCH);
  peer.sessions.advance(MAX_BATCH);
  assertEquals(peer.take(), requests.slice(0, MAX_BATCH).map((_, i) => response(i + 1)));
});

Deno.test("receive() reads UTF-8 in binary frames like text", () => {
  const peer = openOne();
  const request = '{"request_id":"é1","data":"A&&x&&€😀"}';
  const answer = '{"request_id":"é1","data":{"A":{"x":"€😀"}}}';
  peer.receive(encoder.encode(request));
  peer.sessions.advance(1);
  assertEquals(peer.take(), [answer]);
  // A view of a part of a buffer.
  peer.receive(encoder.encode(`xx${request}xx`).subarray(2, -2));
  peer.sessions.advance(2);
  assertEquals(peer.take(), [answer]);
});

Deno.test("receive() refuses binary frames that are not UTF-8", () => {
  const peer = openOne();
  const good = encoder.encode('{"request_id":1,"data":"é"}');
  const cut = good.slice();
  cut[cut.indexOf(0xa9)] = 0x22;
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], cut]) {
    peer.receive(Uint8Array.from(bytes));
    assertEquals(peer.take(), [refusal(null, "invalid_json", "the binary frame is not UTF-8")]);
  }
  peer.receive(good);
  assertStrictEquals(peer.sessions.inFlight, 1);
});

for (const [name, char, bytes] of [["1", "x", 1], ["2", "é", 2], ["3", "€", 3], ["4", "😀", 4]]) {
  Deno.test(`receive() measures frames in bytes of UTF-8: ${name} for a character`, () => {
    for (const maxPacketSize of [50, 1000, 1001, 1002, 1003, 5000]) {
      const peer = openOne({ limits: { maxPacketSize } });
      const empty = encodeRequest(0, "");
      const count = Math.floor((maxPacketSize - empty.length) / Number(bytes));
      const fill = "x".repeat((maxPacketSize - empty.length) % Number(bytes));
      const data = String(char).repeat(count) + fill;
      const frame = encodeRequest(0, data);
      assertStrictEquals(encoder.encode(frame).length, maxPacketSize);
      for (const atLimit of [frame, encoder.encode(frame)]) {
        peer.receive(atLimit);
        assertEquals(peer.take(), ['{"request_id":0,"data":{}}']);
      }
      for (const past of [`${frame} `, encoder.encode(`${frame} `), frame.repeat(9)]) {
        peer.receive(past);
        assertEquals(peer.take(), [tooLarge(0, maxPacketSize)]);
      }
    }
  });
}

Deno.test("receive() takes frames of 2^20 bytes by default", () => {
  const peer = openOne();
  const frame = encodeRequest(0, "").padEnd(1 << 20);
  peer.receive(frame);
  assertEquals(peer.take(), ['{"request_id":0,"data":{}}']);
  peer.receive(frame + " ");
  assertEquals(peer.take(), [tooLarge(0, 1 << 20)]);
});

Deno.test("receive() reports the id of a frame that is too large if the frame begins with it", () => {
  const peer = openOne({ limits: { maxPacketSize: 10_000 } });
  const rest = "x".repeat(10_000);
  const euros = "€".repeat(256);
  const cases: [frame: string, id: RequestId | null][] = [
    [encodeRequest("01", rest), "01"],
    [encodeRequest(-7, rest), -7],
    [encodeRequest(euros, rest), euros],
    [`{ "request_id" : "a" , "data" : "${rest}`, "a"],
    [encodeRequest("x".repeat(257), rest), null],
    [`{"request_id":1.5,"data":"${rest}"}`, null],
    [`{"data":"${rest}","request_id":1}`, null],
    [`[${encodeRequest(1, rest)}]`, null],
    [rest + rest, null],
  ];
  for (const [frame, id] of cases) {
    for (const input of [frame, encoder.encode(frame)]) {
      peer.receive(input);
      assertEquals(peer.take(), [tooLarge(id, 10_000)]);
    }
  }
  peer.receive(new Uint8Array(10_001).fill(0xff));
  assertStrictEquals(peer.take().length, 1);
});

Deno.test("refuseTooLong() refuses a frame by its start, unless the session is closed", () => {
  const peer = openOne({ limits: { maxPacketSize: 10 } });
  const head = encoder.encode('{"request_id":1,"data":"x');
  peer.session.refuseTooLong(head, 1 << 30);
  assertEquals(peer.take(), [tooLarge(1, 10)]);
  peer.sessions.close(peer.session);
  peer.session.refuseTooLong(head, 1 << 30);
  assertEquals(peer.take(), []);
  assertStrictEquals(peer.sessions.counters.bytesIn, 1 << 30);
});

Deno.test("receive() refuses requests over the limit of a connection", () => {
  const sessions = openAll({ limits: { maxInFlight: 3 } });
  const [peer, other] = [new Peer(sessions), new Peer(sessions)];
  peer.receive(encodeFrame([10, 20, 30, 40].map((id) => encodeRequest(id, "A&&x&&1"))));
  assertEquals(peer.take(), [refusal(40, "overloaded")]);
  other.request(40);
  assertEquals(other.take(), []);
  sessions.advance(10);
  assertEquals(peer.take(), [response(10)]);
  peer.request(50, 10);
  peer.request(60, 10);
  assertEquals(peer.take(), [refusal(60, "overloaded")]);
  peer.receive(encodeCancel(50));
  peer.request(60, 10);
  assertEquals(peer.take(), [refusal(50, "cancelled")]);
});

Deno.test("receive() refuses requests over the total limit", () => {
  const sessions = openAll({ limits: { maxInFlightTotal: 4 } });
  const peers = [0, 1, 2, 3, 4].map(() => new Peer(sessions));
  for (const peer of peers) peer.request(10);
  assertEquals(peers.map((peer) => peer.take()), [[], [], [], [], [refusal(10, "overloaded")]]);
  sessions.close(peers[0]!.session);
  peers[4]!.request(10);
  assertEquals(peers[4]!.take(), []);
  peers[3]!.request(20);
  assertEquals(peers[3]!.take(), [refusal(20, "overloaded")]);
});

Deno.test("receive() counts requests in flight in other processes towards the limit", () => {
  let elsewhere = 3;
  const sessions = openAll({
    limits: { maxInFlightTotal: 4 },
    inFlightElsewhere: () => elsewhere,
  });
  const peer = new Peer(sessions);
  for (const id of [1, 2]) peer.request(id);
  assertEquals(peer.take(), [refusal(2, "overloaded")]);
  elsewhere = 2;
  for (const id of [3, 4]) peer.request(id);
  assertEquals(peer.take(), [refusal(4, "overloaded")]);
});

Deno.test("receive() refuses an id that is in flight; the first is still answered", () => {
  const sessions = openAll();
  const [peer, other] = [new Peer(sessions), new Peer(sessions)];
  peer.request("10");
  peer.request("10", 5, "B&&y&&2");
  assertEquals(peer.take(), [refusal("10", "duplicate_request_id")]);
  peer.request(10);
  other.request("10");
  assertEquals(peer.take(), []);
  peer.receive('{"data":"","request_id":"\\u0031\\u0030"}');
  assertEquals(peer.take(), [refusal("10", "duplicate_request_id")]);
  peer.receive('{"request_id":1e1,"data":""}');
  assertEquals(peer.take(), [refusal(10, "duplicate_request_id")]);
  sessions.advance(10);
  assertEquals(peer.take().sort(), [response("10"), response(10)].sort());
  assertEquals(other.take(), [response("10")]);
  peer.request("10", 10);
  sessions.advance(20);
  assertEquals(peer.take(), [response("10")]);
});

Deno.test("receive() refuses an id that repeats within an array", () => {
  const peer = openOne();
  peer.receive(encodeFrame([10, "10", 10, 20, 10].map((id) => encodeRequest(id, "A&&x&&1"))));
  const refused = refusal(10, "duplicate_request_id");
  assertEquals(peer.take(), [refused, refused]);
  peer.sessions.advance(20);
  assertEquals(peer.take().sort(), [response(10), response("10"), response(20)].sort());
});

Deno.test("receive() cancels a request in flight, and frees its id", () => {
  const peer = openOne();
  for (const id of [100, "100", 200]) peer.request(id);
  peer.receive(encodeCancel(100), 50);
  assertEquals(peer.take(), [refusal(100, "cancelled")]);
  assertStrictEquals(peer.session.inFlight, 2);
  assertStrictEquals(peer.sessions.inFlight, 2);
  peer.request(100, 60);
  peer.sessions.advance(159);
  assertEquals(peer.take(), [response("100")]);
  peer.sessions.advance(160);
  assertEquals(peer.take(), [response(100)]);
  peer.sessions.advance(200);
  assertEquals(peer.take(), [response(200)]);
});

Deno.test("receive() does not answer a cancel of a request that is not in flight", () => {
  const sessions = openAll();
  const [peer, other] = [new Peer(sessions), new Peer(sessions)];
  other.request("10");
  peer.request(10);
  for (const id of ["10", 11, "a"]) peer.receive(encodeCancel(id));
  assertEquals(peer.take(), []);
  sessions.advance(10);
  assertEquals([...peer.take(), ...other.take()].sort(), [response("10"), response(10)]);
  peer.receive(encodeCancel(10));
  assertEquals(peer.take(), []);
});

Deno.test("receive() handles the requests and cancels of an array in order", () => {
  const peer = openOne();
  const request = encodeRequest(10, "A&&x&&1");
  const cancel = encodeCancel(10);
  peer.receive(encodeFrame([cancel, request, request, cancel, cancel, request]));
  assertEquals(peer.take(), [refusal(10, "duplicate_request_id"), refusal(10, "cancelled")]);
  peer.sessions.advance(10);
  assertEquals(peer.take(), [response(10)]);
});

Deno.test("receive() sets hasTooManyErrors for good after too many errors of the peer in a row", () => {
  const wrong = ["{", "{}", "x".repeat(101), encodeRequest("900", "")];
  const mends = [encodeRequest("901", ""), encodeRequest("a0", "")];
  for (const [i, frame] of wrong.entries()) {
    const peer = openOne({ limits: { maxConsecutiveErrors: 3, maxPacketSize: 100 } });
    peer.request("900");
    for (const mend of mends) {
      for (let j = 0; j < 2; j++) peer.receive(frame);
      peer.receive(mend);
      assert(!peer.session.hasTooManyErrors, `${i}: in between comes ${mend}`);
    }
    for (let j = 0; j < 2; j++) peer.receive("{");
    peer.sessions.advance(5000);
    for (let j = 0; j < 2; j++) peer.receive("{");
    assert(!peer.session.hasTooManyErrors, `${i}: in between, there was a response`);
    peer.receive("{");
    peer.request("0");
    assert(peer.session.hasTooManyErrors);
  }
});

Deno.test("receive() does not count errors that the peer does not cause", () => {
  const peer = openOne({ limits: { maxConsecutiveErrors: 1, maxInFlight: 1 } });
  peer.request("900");
  peer.request("901");
  peer.receive(encodeCancel("900"));
  peer.sessions.drain();
  peer.request("902");
  assertEquals(peer.take().map((text) => JSON.parse(text).error.code), [
    ...["overloaded", "cancelled", "shutting_down"],
  ]);
  assert(!peer.session.hasTooManyErrors);
});

Deno.test("receive() keeps nothing of a request when there is no memory for its delay", () => {
  const delays = { maxDelay: Infinity, delayOf: () => 1 };
  const peer = openOne({ delays });
  const { add } = TimingWheel.prototype;
  TimingWheel.prototype.add = () => {
    throw new RangeError("Array buffer allocation failed");
  };
  try {
    peer.request("1");
  } finally {
    TimingWheel.prototype.add = add;
  }
  assertEquals(peer.take(), [refusal("1", "internal")]);
  assertEquals([peer.sessions.inFlight, peer.session.inFlight], [0, 0]);
  peer.request("1");
  peer.sessions.advance(5);
  assertEquals(peer.take(), [response("1")]);
});

Deno.test("drain() refuses new requests; those in flight are answered or cancelled", () => {
  const sessions = openAll();
  const [peer, other] = [new Peer(sessions), new Peer(sessions, true)];
  for (const id of [10, 20]) peer.request(id);
  other.request(30);
  sessions.drain();
  peer.request(40);
  peer.request(0);
  peer.receive("x");
  peer.receive(encodeCancel(20));
  other.request(50);
  new Peer(sessions).request(60);
  sessions.advance(100);
  sessions.flush();
  assertEquals(peer.sent, [
    refusal(40, "shutting_down"),
    refusal(0, "shutting_down"),
    refusal(null, "invalid_json"),
    refusal(20, "cancelled"),
    response(10),
  ]);
  assertEquals(other.sent, [`[${refusal(50, "shutting_down")},${response(30, 30)}]`]);
  assertStrictEquals(sessions.inFlight, 0);
});

Deno.test("close() drops requests in flight and unsent answers of its session only", () => {
  for (const batched of [false, true]) {
    const sessions = openAll();
    const [peer, other] = [new Peer(sessions, batched), new Peer(sessions)];
    for (const id of [10, 20, 30, 5000]) peer.request(id);
    other.request(20);
    sessions.advance(10);
    const sent = peer.take();
    sessions.close(peer.session);
    sessions.close(peer.session);
    assertStrictEquals(peer.session.inFlight, 0);
    assertStrictEquals(sessions.inFlight, 1);
    sessions.advance(10_000);
    sessions.flush();
    assertEquals(sent, batched ? [] : [response(10)]);
    assertEquals(peer.take(), []);
    assertEquals(other.take(), [response(20)]);
    assertStrictEquals(sessions.nextDue, Infinity);
  }
});

Deno.test("receive() ignores frames after the end", () => {
  const sessions = openAll();
  const peer = new Peer(sessions);
  sessions.close(peer.session);
  peer.request(10);
  peer.receive("{");
  assertStrictEquals(sessions.inFlight, 0);
  assertEquals(peer.take(), []);
});

Deno.test("close() of a closed session does not close the session with the same number", () => {
  const sessions = openAll();
  const peer = new Peer(sessions);
  sessions.close(peer.session);
  const next = new Peer(sessions);
  assertStrictEquals(next.session.number, peer.session.number);
  next.request(10);
  sessions.close(peer.session);
  sessions.advance(10);
  assertEquals(next.take(), [response(10)]);
});

Deno.test("open() gives a thousand open sessions different numbers, again and again", () => {
  const sessions = openAll();
  for (let round = 0; round < 5; round++) {
    const now = 1000 * round;
    const peers = Array.from({ length: 1000 }, (_, i) => new Peer(sessions, i % 2 === 0));
    assertStrictEquals(new Set(peers.map(({ session }) => session.number)).size, 1000);
    for (const peer of peers) {
      assertLess(peer.session.number, 1000);
      peer.request(10, now);
      peer.request(20, now);
    }
    sessions.advance(now + 10);
    sessions.flush();
    assertStrictEquals(sessions.inFlight, 1000);
    peers.forEach((peer, i) => {
      assertEquals(peer.take(), [response(10, i % 2 === 0 ? 10 : undefined)]);
      sessions.close(peer.session);
    });
    assertStrictEquals(sessions.inFlight, 0);
  }
});

type Reported =
  | ["accepted", string, number]
  | ["held", string, boolean]
  | ["answered", string, number]
  | ["refused", string, ErrorDetails]
  | ["faulted", string, string]
  | ["failed", string, unknown];

function listen(reported: Reported[]): Required<SessionEvents> {
  return {
    accepted: (...rest) => reported.push(["accepted", ...rest]),
    held: (...rest) => reported.push(["held", ...rest]),
    answered: (...rest) => reported.push(["answered", ...rest]),
    refused: (...rest) => reported.push(["refused", ...rest]),
    faulted: (...rest) => reported.push(["faulted", ...rest]),
    failed: (...rest) => reported.push(["failed", ...rest]),
  };
}

function detailsOf(code: ErrorCode, message: string = ERRORS[code]): ErrorDetails {
  return { code, message };
}

Deno.test("receive() reports accepted and refused requests, with ids as JSON text", () => {
  const reported: Reported[] = [];
  const peer = openOne({
    events: listen(reported),
    limits: { maxInFlight: 2, maxPacketSize: 200 },
  });
  for (const id of [1500, 'é"7', 0, 30]) peer.request(id);
  peer.receive(encodeCancel(1500));
  peer.receive(encodeCancel(1500));
  peer.request('é"7');
  peer.receive("x".repeat(201));
  peer.receive("x");
  peer.receive('{"request_id":5}');
  peer.sessions.advance(5000);
  peer.sessions.drain();
  peer.request(40);
  assertEquals(reported, [
    ["accepted", "1500", 1500],
    ["accepted", '"é\\"7"', 7],
    // With two in flight, there is no room even for a request without delay.
    ["refused", "0", detailsOf("overloaded")],
    ["refused", "30", detailsOf("overloaded")],
    ["refused", "1500", detailsOf("cancelled")],
    ["refused", '"é\\"7"', detailsOf("duplicate_request_id")],
    ["refused", "null", {
      ...detailsOf("packet_too_large", "the frame is longer than 200 bytes"),
      limit: 200,
    }],
    ["refused", "null", detailsOf("invalid_json")],
    ["refused", "5", detailsOf("invalid_packet", "data is missing")],
    ["answered", '"é\\"7"', 5000],
    ["refused", "40", detailsOf("shutting_down")],
  ]);
});

Deno.test("receive() answers `internal` when a policy or an event throws", () => {
  const error = new Error("secret");
  const faulty = () => {
    throw error;
  };
  const reported: Reported[] = [];
  const { failed } = listen(reported);
  const cases: [name: string, options: Partial<SessionsOptions>][] = [
    ["delays", { delays: { maxDelay: Infinity, delayOf: faulty }, events: { failed } }],
    ["accepted", { events: { failed, accepted: faulty } }],
  ];
  for (const [name, options] of cases) {
    const sessions = openAll(options);
    for (const peer of [new Peer(sessions), new Peer(sessions, true)]) {
      peer.request(10);
      peer.request(10);
      sessions.flush();
      const refused = refusal(10, "internal");
      assertEquals(peer.sent.join().replace(/[[\]]/g, ""), `${refused},${refused}`, name);
      assertEquals(reported.splice(0), [["failed", "10", error], ["failed", "10", error]], name);
      assertStrictEquals(sessions.inFlight, 0);
      peer.take();
      peer.receive("x");
      sessions.flush();
      assertEquals(peer.take(), [refusal(null, "invalid_json")], name);
    }
  }
});

Deno.test("a request keeps its answer when the event answered throws", () => {
  const reported: Reported[] = [];
  const { failed } = listen(reported);
  const error = new Error("secret");
  const answered = () => {
    throw error;
  };
  for (const events of [{ failed, answered }, { answered, failed: answered }]) {
    const peer = openOne({ events });
    for (const id of [10, 0]) peer.request(id);
    peer.sessions.advance(10);
    assertEquals(peer.take(), [response(0), response(10)]);
  }
  assertEquals(reported, [["failed", "0", error], ["failed", "10", error]]);
});

Deno.test("the event answered may release another request", () => {
  const rules = new Rules([{ match: { id: "held" }, hold: true }]);
  const peer = openOne({
    rules,
    events: {
      answered(id) {
        if (id === "10") peer.session.release(peer.sessions.held.keys().next().value!, 10);
      },
    },
  });
  for (const id of ["held", 10]) peer.request(id);
  peer.sessions.advance(10);
  assertEquals(peer.take(), [response(10), response("held")]);
});

Deno.test("a session reports how long after their arrival requests are answered", () => {
  const reported: [string, number][] = [];
  const rules = new Rules([
    { match: { id: "held" }, hold: true },
    { match: { id: "other" }, answer: {}, delay: "20ms" },
    { match: { id: "late" }, fault: { late: 0.03 }, delay: "20ms" },
    { match: { id: "twice" }, fault: "duplicate", delay: "20ms" },
    { match: { id: "dropped" }, fault: "drop", delay: "20ms" },
  ]);
  const peer = openOne({
    rules,
    events: { answered: (id, elapsed) => reported.push([id, elapsed]) },
  });
  for (const id of [0, 10, "held", "other", "late", "twice", "dropped"]) peer.request(id, 1000);
  for (const now of [1010, 1025, 1052]) peer.sessions.advance(now);
  peer.session.release(peer.sessions.held.keys().next().value!, 1100);
  assertEquals(reported, [
    ["0", 0],
    ["10", 10],
    ['"other"', 25],
    ['"twice"', 25],
    ['"late"', 52],
    ['"held"', 100],
  ]);
});

Deno.test("a responder that refuses or fails answers with its error, or with `internal`", () => {
  const failures: unknown[] = [];
  const error = { code: "overloaded", message: "no room" } as const;
  let table: RequestTable;
  const responder: Responder = {
    acceptsAtOnce: true,
    isReachable: true,
    start: (requests) => void (table = requests),
    check: (dataBytes) => dataBytes > 10 ? error : undefined,
    submit: (...args) => new LocalResponder(table, packetWire()).submit(...args),
    respond() {
      throw new Error("secret");
    },
    cancel() {},
    remove: (entry) => table.remove(entry),
  };
  const peer = openOne({ responder, events: { failed: (...failure) => failures.push(failure) } });
  peer.sessions.start({ isRealTime: true, accepted() {}, rejected() {}, failed() {}, ready() {} });
  peer.request(10, 0, "x".repeat(11));
  assertEquals(peer.take(), [refusal(10, "overloaded", "no room")]);
  peer.request(10);
  peer.sessions.advance(10);
  assertEquals(peer.take(), [refusal(10, "internal")]);
  assertEquals(failures.map(String), ["10,Error: secret"]);
  assertStrictEquals(peer.sessions.inFlight, 0);
});

Deno.test("receive() answers the other requests of a frame when one fails", () => {
  const reported: Reported[] = [];
  const events = listen(reported);
  const delays: DelayPolicy = {
    maxDelay: Infinity,
    delayOf: (bytes, at, end) => {
      const delay = byId.delayOf(bytes, at, end);
      if (delay === 13) throw new Error("secret");
      return delay;
    },
  };
  const peer = openOne({ delays, events });
  peer.receive(encodeFrame([10, 13, 20, "13"].map((id) => encodeRequest(id, "A&&x&&1"))));
  assertEquals(peer.take(), [refusal(13, "internal"), refusal("13", "internal")]);
  assertEquals(reported.map(([name, id]) => `${name} ${id}`), [
    ...["accepted 10", "failed 13", "refused 13"],
    ...["accepted 20", 'failed "13"', 'refused "13"'],
  ]);
  peer.sessions.advance(20);
  assertEquals(peer.take(), [response(10), response(20)]);
});

Deno.test("receive() does not throw when `refused` or `failed` throw, and answers once", () => {
  const fault = () => {
    throw new Error("secret");
  };
  let failures = 0;
  const allEvents: SessionEvents[] = [
    { refused: fault, failed: () => failures++ },
    { refused: fault, failed: fault },
    { accepted: fault, refused: fault, failed: fault },
    { refused: fault },
  ];
  for (const events of allEvents) {
    const peer = openOne({ events, limits: { maxPacketSize: 100 } });
    for (const frame of ["x", "x".repeat(101), Uint8Array.of(0xff), "{}"]) {
      peer.receive(frame);
      assertEquals(peer.take(), [refusal(null, "internal")]);
    }
    if (events.accepted !== undefined) continue;
    peer.request(10);
    peer.request(20);
    peer.request(20);
    assertEquals(peer.take(), [refusal(20, "internal")]);
    peer.receive(encodeCancel(10));
    assertEquals(peer.take(), [refusal(10, "internal")]);
    peer.sessions.advance(20);
    assertEquals(peer.take(), [response(20)]);
    assertStrictEquals(peer.sessions.inFlight, 0);
  }
  assertStrictEquals(failures, 6);
});

Deno.test("Sessions throws when a limit is not a positive integer", () => {
  for (const name of ["maxPacketSize", "maxInFlight", "maxInFlightTotal"]) {
    for (const limit of [0, -1, 0.5, NaN, Infinity, 2 ** 53]) {
      assertThrows(
        () => openAll({ limits: { [name]: limit } }),
        RangeError,
        `${name}: expected a positive integer, got ${limit}`,
      );
    }
  }
});

/** A step of a random run; `peer` and `id` are choices among few. */
interface Step {
  kind: "request" | "requests" | "cancel" | "garbage" | "pass" | "close" | "flush";
  peer: number;
  id: number;
  amount: number;
}

/** The expected answer to a request, and its time. */
interface Debt {
  readonly id: RequestId;
  readonly due: number;
  readonly data: string;
}

/** A peer that knows which answers it expects. */
class Creditor extends Peer {
  readonly owed: Debt[] = [];
  /** Errors expected at once, as texts, in order. */
  readonly owedErrors: string[] = [];
  readonly #batched: boolean;

  constructor(sessions: Sessions, batched: boolean) {
    super(sessions, batched);
    this.#batched = batched;
  }

  sendRequests(ids: RequestId[], now: number, data: string): void {
    for (const id of ids) {
      if (this.#indexInFlight(id, now) >= 0) {
        this.owedErrors.push(refusal(id, "duplicate_request_id"));
      } else {
        this.owed.push({ id, due: now + Number(id), data });
      }
    }
    this.receive(encodeFrame(ids.map((id) => encodeRequest(id, data))), now);
  }

  sendCancel(id: RequestId, now: number): void {
    const index = this.#indexInFlight(id, now);
    if (index >= 0) {
      this.owed.splice(index, 1);
      this.owedErrors.push(refusal(id, "cancelled"));
    }
    this.receive(encodeCancel(id), now);
  }

  sendGarbage(now: number): void {
    this.owedErrors.push(refusal(null, "invalid_json"));
    this.receive("{", now);
  }

  /** Takes the sent frames, and checks that each was expected by the time `now`. */
  collect(now: number): void {
    for (const frame of this.take()) {
      for (const answer of decodeAnswers(frame)!) {
        if (isError(answer)) {
          assertStrictEquals(JSON.stringify(answer), this.owedErrors.shift());
          continue;
        }
        const index = this.owed.findIndex(({ id }) => id === answer.request_id);
        assert(index >= 0, `nobody asked for ${JSON.stringify(answer)}`);
        const [{ due, data }] = this.owed.splice(index, 1) as [Debt];
        assertLessOrEqual(due, now);
        assertStrictEquals(JSON.stringify(answer.data), plainConvertToJson(data));
        assertStrictEquals("delay" in answer, this.#batched);
      }
    }
    assertEquals(this.owedErrors, []);
    for (const { id, due } of this.owed) assertLess(now, due, `${id} is not answered`);
  }

  #indexInFlight(id: RequestId, now: number): number {
    return this.owed.findIndex((debt) => debt.id === id && debt.due > now);
  }
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...(["request", "request", "request", "requests", "cancel", "garbage"] as const),
    ...(["pass", "pass", "close", "flush"] as const),
  ),
  peer: fc.nat({ max: 3 }),
  id: fc.nat({ max: 30 }),
  amount: fc.nat({ max: 200 }),
});

Deno.test("Sessions answers every request once, whatever happens between", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 150, size: "max" }), (steps) => {
      const sessions = openAll();
      const open = (i: number) => new Creditor(sessions, i % 2 === 0);
      const peers = [0, 1, 2, 3].map(open);
      const collect = () => {
        sessions.flush();
        for (const peer of peers) peer.collect(now);
        assertStrictEquals(
          sessions.inFlight,
          peers.reduce((sum, { owed }) => sum + owed.length, 0),
        );
      };
      let now = 0;
      for (const { kind, peer: i, id, amount } of steps) {
        const peer = peers[i]!;
        const anId = id % 2 === 0 ? 10 * id + 1 : String(10 * id + 1);
        const data = `A&&x&&${amount}%%Bé&&y&&${id}`;
        if (kind === "request") peer.sendRequests([anId], now, data);
        if (kind === "requests") peer.sendRequests([anId, amount + 1, anId], now, data);
        if (kind === "cancel") peer.sendCancel(anId, now);
        if (kind === "pass") sessions.advance(now += amount);
        if (kind === "garbage") peer.sendGarbage(now);
        if (kind === "close") {
          collect();
          sessions.close(peer.session);
          peers[i] = open(i);
        }
        if (kind === "flush") collect();
      }
      collect();
      sessions.advance(now += 1000);
      collect();
      assertStrictEquals(sessions.inFlight, 0);
      assertStrictEquals(sessions.nextDue, Infinity);
    }),
    { numRuns: 400 },
  );
});
