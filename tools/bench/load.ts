/**
 * A load generator that costs far less than any server: it copies frames that exist already, and
 * finds answers in the bytes of frames. Argument: {@linkcode LoadOptions} as JSON. Prints a
 * {@linkcode Result} as JSON.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { quantiles } from "../../cli/figures.ts";
import { delayPolicy } from "../../session/delays.ts";
import { residentMemory } from "../../tests/support/machine.ts";
import { FrameEncoder } from "../../websocket/encoder.ts";
import { Bits, buildFrame, ZERO_MASK } from "../../websocket/frames.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";
import type { LoadOptions, Result } from "./measure.ts";

const options: LoadOptions = JSON.parse(Deno.args[0]!);
const { port, pid, connections, data, pipeline = 0, rate = 0, batch = 1 } = options;
const { subprotocol, delays = false, isSeeded, warmUp, seconds } = options;

const encoder = new TextEncoder();
const KEY = encoder.encode('"request_id":"');
const ID_LENGTH = 8;
/** Where an answer holds `data` or `delay`, or `error`, relative to its id. */
const NAME = ID_LENGTH + '","'.length;
const [OBJECT, E] = encoder.encode("{e");
const HEX = encoder.encode("0123456789abcdef");

/** When each request was sent, by its number modulo the length. */
const sentAt = new Float64Array(1 << 24);
let sent = 0;
let answered = 0;
let errors = 0;

/** Latencies minus delays during the measurement, in milliseconds; empty in a closed loop. */
const samples: number[] = [];
let isMeasuring = false;

/** A masked frame with `batch` requests, whose ids are overwritten each time. */
const packet = `{"request_id":"${"0".repeat(ID_LENGTH)}","data":"${data}"}`;
const text = batch > 1 ? `[${Array(batch).fill(packet).join(",")}]` : packet;
const frame = buildFrame(text, { mask: ZERO_MASK });
const firstId = frame.length - text.length + (batch > 1 ? 1 : 0) + 1 + KEY.length;

const seeded = delayPolicy({ min: 1, max: 5 }, 1);

/** Returns the delay of the request with this number, whose id is at `bytes[at]`, in milliseconds. */
function delayOf(bytes: Uint8Array, at: number, number: number): number {
  if (!delays) return 0;
  if (isSeeded) return seeded.delayOf(bytes, at - 1, at + ID_LENGTH + 1);
  return 1000 + (Math.imul(number, 0x9e3779b1) >>> 0) % 4001;
}

class Connection {
  readonly #stream: Deno.TcpConn;
  readonly #encoder = new FrameEncoder("client");
  #isWriting = false;
  #bytes = new Uint8Array(1 << 16);
  /** Answers that no new requests have followed yet. */
  #due = 0;

  constructor(stream: Deno.TcpConn) {
    this.#stream = stream;
  }

  /** Sends frames. */
  send(count: number): void {
    const now = rate > 0 ? performance.now() : 0;
    for (let i = 0; i < count; i++) {
      for (let at = firstId; at < frame.length; at += packet.length + 1) {
        const number = sent++ % sentAt.length;
        if (rate > 0) sentAt[number] = now;
        for (let j = 0; j < ID_LENGTH; j++) frame[at + j] = HEX[(number >> (28 - 4 * j)) & 15]!;
      }
      this.#encoder.raw(frame);
    }
    if (!this.#isWriting) void this.#write();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#encoder.length > 0) {
      const taken = this.#encoder.take();
      for (let bytes = taken; bytes.length > 0;) {
        bytes = bytes.subarray(await this.#stream.write(bytes));
      }
      this.#encoder.release();
    }
    this.#isWriting = false;
  }

  /** Does the handshake. The response comes in one piece on this machine. */
  async open(): Promise<void> {
    const headers = { "Host": `127.0.0.1:${port}`, "Sec-WebSocket-Protocol": subprotocol };
    await this.#stream.write(encoder.encode(upgradeRequest(headers)));
    const count = await this.#stream.read(this.#bytes);
    const response = new TextDecoder().decode(this.#bytes.subarray(0, count ?? 0));
    if (!/^HTTP\/1.1 101 .*\r\n\r\n$/s.test(response)) throw new Error(`got ${response}`);
  }

  /** Receives answers, and in a closed loop replaces them by new requests. */
  async run(): Promise<void> {
    for (let length = 0;;) {
      const count = await this.#stream.read(this.#bytes.subarray(length));
      if (count === null) throw new Error("the server closed a connection");
      length = this.#receive(length + count);
      const frames = Math.floor(this.#due / batch);
      if (pipeline > 0 && frames > 0) this.send(frames);
      this.#due -= frames * batch;
    }
  }

  /** Counts the answers of all complete frames; returns how many bytes are left over. */
  #receive(length: number): number {
    const bytes = this.#bytes;
    const now = rate > 0 ? performance.now() : 0;
    let from = 0;
    while (length - from >= 10) {
      let size = bytes[from + 1]!;
      let start = from + 2;
      if (size === 126) {
        size = bytes[start]! << 8 | bytes[start + 1]!;
        start += 2;
      } else if (size === 127) {
        size = new DataView(bytes.buffer).getUint32(start + 4);
        start += 8;
      }
      if (start + size > length) {
        if (start - from + size > bytes.length) this.#bytes = new Uint8Array(2 * size);
        break;
      }
      if ((bytes[from]! & Bits.control) === 0) this.#count(start, start + size, now);
      from = start + size;
    }
    this.#bytes.set(bytes.subarray(from, length));
    return length - from;
  }

  /** Counts the answers in the payload of a frame. */
  #count(start: number, end: number, now: number): void {
    const bytes = this.#bytes;
    const isOne = bytes[start] === OBJECT;
    let at = start + (isOne ? 1 : 2) + KEY.length;
    if (!isAfterKey(bytes, at)) throw new Error("a frame has no answer");
    for (let length = 1; at < end; at += length) {
      this.#due++;
      answered++;
      if (bytes[at + NAME] === E) errors++;
      if (rate > 0 && isMeasuring) sample(bytes, at, now);
      length = (isOne ? end : nextId(bytes, at, length, end)) - at;
    }
  }
}

/** Returns whether the key of an id ends at this place. */
function isAfterKey(bytes: Uint8Array, at: number): boolean {
  for (let i = 1; i <= KEY.length; i++) {
    if (bytes[at - i] !== KEY[KEY.length - i]) return false;
  }
  return true;
}

/** Returns where the next id begins, `end` if nowhere: most likely `length` bytes later. */
function nextId(bytes: Uint8Array, at: number, length: number, end: number): number {
  if (at + length < end && isAfterKey(bytes, at + length)) return at + length;
  do at++; while (at < end && !isAfterKey(bytes, at));
  return at;
}

function sample(bytes: Uint8Array, at: number, now: number): void {
  let number = 0;
  for (let i = at; i < at + ID_LENGTH; i++) number = 16 * number + HEX.indexOf(bytes[i]!);
  samples.push(now - sentAt[number]! - delayOf(bytes, at, number));
}

/** Sends at a fixed rate: every millisecond the requests that are due, one write per connection. */
function sendAtRate(all: readonly Connection[]): void {
  const startedAt = performance.now();
  let next = 0;
  setInterval(() => {
    const due = (performance.now() - startedAt) / 1000 * rate;
    let frames = Math.floor((due - sent) / batch);
    const share = Math.ceil(frames / connections);
    for (; frames > 0; frames -= share) {
      next = (next + 1) % connections;
      all[next]!.send(Math.min(share, frames));
    }
  }, 1);
}

/** Returns the processor time of a process, in seconds; NaN if the system does not report it. */
async function processorTime(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const all: Connection[] = [];
for (let i = 0; i < connections; i++) {
  const stream = await Deno.connect({ hostname: "127.0.0.1", port });
  stream.setNoDelay(true);
  all.push(new Connection(stream));
  await all[i]!.open();
  void all[i]!.run();
}
if (rate > 0) sendAtRate(all);
else if (pipeline > 0) all.forEach((each) => each.send(pipeline / batch));
await delay(warmUp * 1000);

isMeasuring = true;
const processorBefore = await processorTime(pid);
const answeredBefore = answered;
const from = performance.now();
await delay(seconds * 1000);
const took = (performance.now() - from) / 1000;
const perSecond = (answered - answeredBefore) / took;
const processor = (await processorTime(pid) - processorBefore) / took;
const at = quantiles(samples);
const result: Result = {
  perSecond,
  inFlight: sent - answered,
  errors,
  p50: at(0.5),
  p99: at(0.99),
  max: at(1),
  memory: await residentMemory(pid),
  processor,
};
console.log(JSON.stringify(result));
Deno.exit(0);
