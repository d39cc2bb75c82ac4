/**
 * A load generator outside the runtimes under measurement: it runs on Bun. It speaks WebSocket over
 * plain TCP, copies frames and finds answers by a search for bytes, so it costs far less than a
 * server. Argument: {@linkcode LoadOptions} as JSON. Prints the answers as JSON.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { quantiles } from "../../cli/figures.ts";
import { delayPolicy } from "../../session/delays.ts";
import { buildFrame, ZERO_MASK } from "../../websocket/frames.ts";
import { parseHead, upgradeRequest } from "../../websocket/handshake.ts";
import type { LoadOptions } from "./measure.ts";

/** A socket of Bun; `write()` returns how many bytes it took. */
interface Socket {
  write(bytes: string | Uint8Array): number;
}

/** The part of Bun that is used here. */
declare const Bun: {
  sleep(milliseconds: number): Promise<void>;
  connect(options: {
    readonly hostname: string;
    readonly port: number;
    readonly socket: {
      data(socket: Socket, chunk: Buffer): void;
      drain(): void;
      close(): void;
      error(socket: Socket, error: Error): void;
    };
  }): Promise<Socket>;
};

const options: LoadOptions = JSON.parse(process.argv[2]!);
const { port, connections, pipeline = 0, rate = 0, warmUp, seconds, data, batch } = options;

const ID_LENGTH = 8;
const KEY = Buffer.from('"request_id":"');
const HEX = Buffer.from("0123456789abcdef");
const MAX_REQUESTS = 1 << 24;

/** When each request was sent, by its number modulo MAX_REQUESTS. */
const sentAt = new Float64Array(MAX_REQUESTS);
let sent = 0;
let answered = 0;
let errors = 0;

/** Latencies less delays of the answers during the measurement, in milliseconds. */
const samples: number[] = [];

const { frame, idOffsets } = makeFrame();

/** Returns a text frame with `batch` requests, and where their ids are. */
function makeFrame() {
  const packet = `{"request_id":"${"0".repeat(ID_LENGTH)}","data":"${data}"}`;
  const text = batch > 1 ? `[${Array(batch).fill(packet).join(",")}]` : packet;
  const frame = Buffer.from(buildFrame(text, { mask: ZERO_MASK }));
  const idOffsets: number[] = [];
  for (let at = frame.indexOf(KEY); at >= 0; at = frame.indexOf(KEY, at + 1)) {
    idOffsets.push(at + KEY.length);
  }
  return { frame, idOffsets };
}

const seeded = delayPolicy({ min: 1, max: 5 }, 1);

/** Returns the delay of the request whose id is `id`, at `bytes[at]`, in milliseconds. */
const delayOf: (bytes: Buffer, at: number, id: number) => number = {
  none: () => 0,
  plain: (_bytes: Buffer, _at: number, id: number) =>
    1000 + (Math.imul(id, 0x9e3779b1) >>> 0) % 4001,
  seed: (bytes: Buffer, at: number) => seeded.delayOf(bytes, at - 1, at + ID_LENGTH + 1),
}[options.delay];

class Connection {
  socket!: Socket;
  unsent: Buffer | null = null;
  rest = Buffer.alloc(0);
  isOpen = false;
  /** Answers that no new requests have followed yet. */
  due = 0;

  /** Sends `count` frames. */
  send(count: number) {
    const now = performance.now();
    const frames = Buffer.allocUnsafe(frame.length * count);
    for (let i = 0; i < count; i++) {
      const at = i * frame.length;
      frame.copy(frames, at);
      for (const offset of idOffsets) {
        const id = sent++ % MAX_REQUESTS;
        sentAt[id] = now;
        for (let j = 0; j < ID_LENGTH; j++) {
          frames[at + offset + j] = HEX[(id >> (28 - 4 * j)) & 15]!;
        }
      }
    }
    this.write(frames);
  }

  write(bytes: Buffer) {
    if (this.unsent !== null) {
      this.unsent = Buffer.concat([this.unsent, bytes]);
      return;
    }
    const written = Math.max(this.socket.write(bytes), 0);
    if (written < bytes.length) this.unsent = Buffer.from(bytes.subarray(written));
  }

  drain() {
    const bytes = this.unsent;
    this.unsent = null;
    if (bytes !== null) this.write(bytes);
  }

  receive(chunk: Buffer) {
    let bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    if (!this.isOpen) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) {
        this.rest = Buffer.from(bytes);
        return;
      }
      const { start } = parseHead(bytes.toString("latin1", 0, end));
      if (!start.includes(" 101 ")) throw new Error(start);
      this.isOpen = true;
      bytes = bytes.subarray(end + 4);
      onOpen();
    }
    const now = performance.now();
    let at = bytes.indexOf(KEY);
    let end = 0;
    let count = 0;
    while (at >= 0 && at + KEY.length + ID_LENGTH < bytes.length) {
      end = at + KEY.length + ID_LENGTH;
      count++;
      if (isCounting) sample(bytes, at + KEY.length, now);
      at = bytes.indexOf(KEY, end);
    }
    if (bytes.includes('"error"')) errors++;
    this.rest = Buffer.from(bytes.subarray(Math.max(end, bytes.length - KEY.length - ID_LENGTH)));
    answered += count;
    if (rate > 0) return;
    this.due += count;
    const frames = Math.floor(this.due / batch);
    if (frames > 0 && !isOver) this.send(frames);
    this.due -= frames * batch;
  }
}

function sample(bytes: Buffer, at: number, now: number) {
  let id = 0;
  for (let i = at; i < at + ID_LENGTH; i++) {
    const digit = bytes[i]!;
    id = id << 4 | (digit <= 0x39 ? digit - 0x30 : digit - 0x57);
  }
  samples.push(now - sentAt[id]! - delayOf(bytes, at, id));
}

let isCounting = false;
let isOver = false;
let opened = 0;
const all = Array.from({ length: connections }, () => new Connection());

for (const connection of all) {
  connection.socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_socket, chunk) => connection.receive(chunk),
      drain: () => connection.drain(),
      close: () => fail("the server closed a connection"),
      error: (_socket, error) => fail(error.message),
    },
  });
  connection.socket.write(upgradeRequest({
    "Host": `127.0.0.1:${port}`,
    "Sec-WebSocket-Protocol": options.subprotocol,
  }));
}

function fail(message: string) {
  console.error(message);
  process.exit(1);
}

function onOpen() {
  if (++opened < connections) return;
  if (rate > 0) openLoop();
  else for (const connection of all) connection.send(pipeline / batch);
  setTimeout(count, warmUp * 1000);
}

/** Sends at a fixed rate: every millisecond the requests that are due, one write per connection. */
function openLoop() {
  const startedAt = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    if (isOver) return clearInterval(timer);
    const due = (performance.now() - startedAt) / 1000 * rate;
    let frames = Math.floor((due - sent) / batch);
    const share = Math.ceil(frames / connections);
    for (; frames > 0; frames -= share) {
      next = (next + 1) % connections;
      all[next]!.send(Math.min(share, frames));
    }
  }, 1);
}

async function count() {
  isCounting = true;
  const countedFrom = performance.now();
  const answeredBefore = answered;
  await Bun.sleep(seconds * 1000);
  isOver = true;
  const took = (performance.now() - countedFrom) / 1000;
  const at = quantiles(samples);
  const result = {
    perSecond: (answered - answeredBefore) / took,
    inFlight: sent - answered,
    errors,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
  console.log(JSON.stringify(result));
  process.exit(0);
}
