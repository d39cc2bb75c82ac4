/**
 * Failure tests with clients that send without end. Another client's answers must not be late, and the
 * server's memory must not grow.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import { delay } from "@std/async/delay";
import { formatCount as count, quantiles } from "../../cli/figures.ts";
import { Client, type Reply } from "../../client.ts";
import { encodeRequest } from "../../protocol.ts";
import { startServerProcess } from "../support/program.ts";
import { clientFrame, openRawSocket, readCloseCode, writeAll } from "../support/raw_tcp.ts";
import { buildFrame, Opcode, ZERO_MASK } from "../../websocket/frames.ts";
import { onServer, Tally, type TransportTrialOptions, type TrialOutcome } from "./trial.ts";

/** Requests per second of the client whose answers are timed. */
const RATE = 10;

/** An attack on a server. */
interface Attack {
  readonly clients: number;
  /** What the clients do, for the report. */
  readonly extent: string;
  /** Flags of the server. @default {["--delay", "0..0.1"]} */
  readonly flags?: readonly string[];
  /** Most milliseconds that another client's answers may be late, at p95. @default {Infinity} */
  readonly mostLate?: number;
  /** Most bytes of memory that the server may take. @default {Infinity} */
  readonly mostMemory?: number;
  /** Attacks by an open connection. The attack may end before `isOver()`. */
  run(peer: Deno.Conn, isOver: () => boolean): Promise<void>;
}

/** Attacks a server beside a client whose answers are timed. */
async function attack(
  { transport, duration, isQuick = false }: TransportTrialOptions,
  {
    clients,
    extent,
    flags = ["--delay", "0..0.1"],
    mostLate = Infinity,
    mostMemory = Infinity,
    run,
  }: Attack,
): Promise<TrialOutcome> {
  const tally = new Tally();
  const starting = startServerProcess(["--quiet", "--websocket", transport, ...flags]);
  const length = duration / 2;
  let [before, during] = [quantiles([]), quantiles([])];
  let [calm, most] = [NaN, 0];
  await onServer(tally, starting, async (server) => {
    await using client = await Client.connect(server.url, { timeout: 60_000 });
    before = await timeAnswers(client, tally, isQuick ? 200 : 10_000);
    calm = await server.memory();
    let isOver = false;
    const watching = (async () => {
      for (; !isOver; await delay(20)) most = Math.max(most, await server.memory());
    })();
    const attacks = Promise.all(Array.from({ length: clients }, async () => {
      using peer = await openRawSocket(server.port);
      await run(peer, () => isOver);
    })).catch((error) => tally.failures.push(`an attack broke off: ${error}`));
    await delay(isQuick ? 100 : 1000);
    during = await timeAnswers(client, tally, length);
    isOver = true;
    await Promise.all([attacks, watching]);
  }, { bystander: false });
  const late = during(0.95);
  const more = Math.max(most - calm, 0);
  // A quick run ignores both, since its machine may be busy and its server is still warming up.
  const isMeasured = !isQuick;
  tally.check(!(isMeasured && late > mostLate), `late by ${ms(late)} at p95`);
  tally.check(!(isMeasured && more > mostMemory), `it took ${mb(more)} of memory`);
  return {
    ...tally,
    extent: `${extent}, for ${
      length / 1000
    } s, beside another that sends ${RATE} requests a second`,
    seen: `its answers are late by ${ms(during(0.5))} at p50, ${ms(late)} at p95, ` +
      `${ms(during(1))} at most; before by ${ms(before(0.95))} at p95; ${mb(more)} of memory more`,
  };
}

/** Sends requests for a while; returns quantiles of how late their answers are, in milliseconds. */
async function timeAnswers(client: Client, tally: Tally, time: number) {
  const late: number[] = [];
  const requests: Promise<void>[] = [];
  const note = (reply: Reply) => void late.push(reply.latency - 1000 * reply.delay!);
  for (const end = performance.now() + time; performance.now() < end;) {
    requests.push(client.request("a&&b&&c").then(note, () => {}));
    await delay(1000 / RATE);
  }
  await Promise.all(requests);
  tally.requests += requests.length;
  tally.lost += requests.length - late.length;
  return quantiles(late);
}

const ms = (time: number) => `${time.toFixed(0)} ms`;
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

/** A client floods the server with requests, and reads the answers. */
export async function flood(options: TransportTrialOptions): Promise<TrialOutcome> {
  const requests = new Requests();
  const outcome = await attack(options, {
    clients: 1,
    extent: "requests on one connection, 10,000 in flight",
    flags: ["--max-in-flight", "10000"],
    mostLate: 50,
    async run(peer, isOver) {
      const reading = peer.readable.pipeTo(new WritableStream()).catch(() => {});
      await writeUntil(isOver, peer, () => requests.next());
      await peer.closeWrite().catch(() => {}); // the server may have closed it
      await reading;
    },
  });
  return { ...outcome, extent: `${count(requests.count)} ${outcome.extent}` };
}

/** Clients flood the server with pongs. */
export function pongs(options: TransportTrialOptions): Promise<TrialOutcome> {
  return floodWith(options, "unsolicited pongs", Opcode.pong | 0x80);
}

/** Clients flood the server with empty fragments of a message. */
export function fragments(options: TransportTrialOptions): Promise<TrialOutcome> {
  return floodWith(options, "empty fragments", Opcode.continuation);
}

function floodWith(
  options: TransportTrialOptions,
  what: string,
  first: number,
): Promise<TrialOutcome> {
  const frame = buildFrame("", { first, mask: ZERO_MASK });
  const frames = new Uint8Array(10_000 * frame.length);
  for (let at = 0; at < frames.length; at += frame.length) frames.set(frame, at);
  const start = buildFrame("", { first: Opcode.text, mask: ZERO_MASK });
  return attack(options, {
    clients: 4,
    extent: `four clients that send ${what} without a pause`,
    mostLate: 20,
    async run(peer, isOver) {
      await peer.write(start);
      await writeUntil(isOver, peer, () => frames);
    },
  });
}

/** Clients send messages of hundreds of megabytes. */
export async function endless(options: TransportTrialOptions): Promise<TrialOutcome> {
  const [clients, size]: [number, number] = options.isQuick ? [3, 100] : [50, 500];
  const fragment = buildFrame(new Uint8Array(1 << 20), { first: 0, mask: ZERO_MASK });
  let refused = 0;
  const outcome = await attack(options, {
    clients,
    extent: `${clients} clients that each send a message of ${size} MiB in fragments`,
    mostMemory: 30e6 + clients * (1 << 20), // the longest packet of each client
    async run(peer) {
      const closing = readCloseCode(peer);
      await peer.write(buildFrame("", { first: Opcode.text, mask: ZERO_MASK }));
      try {
        for (let i = 0; i < size; i++) await writeAll(peer, fragment);
      } catch {
        // The server has closed the connection.
      }
      if (await closing === 1009) refused++;
    },
  });
  const missed = clients - refused;
  const failures = missed > 0 ? [`${missed} clients were not closed with 1009`] : [];
  return { ...outcome, badInputs: clients, failures: [...outcome.failures, ...failures] };
}

/** A client sends requests and reads no answers. */
export function unread(options: TransportTrialOptions): Promise<TrialOutcome> {
  const requests = new Requests();
  return attack(options, {
    clients: 1,
    extent: "a client that sends requests without a pause and never reads",
    mostLate: 20,
    mostMemory: 30e6,
    async run(peer, isOver) {
      // A write that waits for the server ends with the connection.
      const writing = writeUntil(isOver, peer, () => requests.next()).catch(() => {});
      while (!isOver()) await delay(20);
      // Reads at last: on Deno 2.7, closing a connection does not end a write that waits.
      const reading = readAll(peer);
      await writing;
      peer.close();
      await reading;
    },
  });
}

async function readAll(peer: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1 << 16);
  try {
    while (await peer.read(buffer) !== null);
  } catch {
    // The connection was closed.
  }
}

const encoder = new TextEncoder();

/** Frames with requests, each with an id of its own, made at little cost. */
class Requests {
  count = 0;
  readonly #frame = clientFrame(encodeRequest("00000000", "Hub&&name&&qwe"));
  readonly #frames = new Uint8Array(1000 * this.#frame.length);

  /** Returns the next thousand. They are valid until the next call. */
  next(): Uint8Array {
    const frames = this.#frames;
    const idAt = this.#frame.indexOf(0x30);
    for (let at = 0; at < frames.length; at += this.#frame.length) {
      frames.set(this.#frame, at);
      encoder.encodeInto(`${this.count++}`.padStart(8, "0"), frames.subarray(at + idAt));
    }
    return frames;
  }
}

async function writeUntil(isOver: () => boolean, peer: Deno.Conn, next: () => Uint8Array) {
  while (!isOver()) {
    await writeAll(peer, next());
    await setImmediate(); // so that the other client gets its turn
  }
}
