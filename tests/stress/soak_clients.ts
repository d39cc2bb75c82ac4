/**
 * The clients of the soak. Each goes on until it is told to stop, knows what it is owed, and counts what it
 * did not get.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { Client } from "../../client.ts";
import { encodeCancel, encodeFrame, encodeRequest } from "../../protocol.ts";
import { splitTopLevel } from "../../protocol/json_text.ts";
import { BROKEN_FRAMES } from "../support/broken_json.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import {
  plainConvertToJson,
  plainReplies,
  withoutDelay,
  withoutMessage,
} from "../support/plain.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";
import { play } from "./fuzz_frames.ts";
import { RawClient } from "./raw_client.ts";
import { frame, type Leaving, scriptOf } from "./raw_frames.ts";

/** What all clients of a soak have in common. */
export interface Soak {
  readonly url: string;
  readonly port: number;
  /** Whether to stop. */
  isOver: boolean;
  /** An integer from 0 to below `limit`. */
  readonly random: (limit: number) => number;
  readonly counts: Counts;
  /** What was lost, or too much, the first few of each kind. */
  readonly failures: Set<string>;
}

/** What the clients count. */
export interface Counts {
  requests: number;
  lost: number;
  badInputs: number;
  faults: number;
}

/** A client; it resolves when the soak is over. */
export type SoakClient = (soak: Soak) => Promise<void>;

/** The longest data of an ordinary request, in separators and tokens. */
const LENGTH = 40;
/** The most requests in a burst. */
const BURST = 60;
/** The longest that a client pauses, in milliseconds. */
const PAUSE = 200;
const MEBIBYTE = 1 << 20;
/** The longest that a client which dies waits for that, in milliseconds. */
const LIFE = 400;
/** How many failures are kept. */
const KEPT = 20;

/** Sends bursts in either mode, with cancels, broken packets and large ones among them. */
export const mixedClient = (protocols: string[]): SoakClient => async (soak) => {
  while (!soak.isOver) {
    await using socket = await openBrowserSocket(soak.url, protocols);
    for (let bursts = soak.random(20) + 1; bursts > 0 && !soak.isOver; bursts--) {
      await burst(soak, socket);
      await delay(soak.random(PAUSE));
    }
  }
};

async function burst(soak: Soak, socket: BrowserSocket): Promise<void> {
  const { random } = soak;
  /** What may be answered to each id; all that have the same id may come in any order. */
  const owed = new Map<string, string[]>();
  const owe = (frame: string) => {
    for (const reply of plainReplies(frame)) owed.set(reply, [reply]);
  };
  const count = random(BURST) + 1;
  soak.counts.requests += count;
  const packets = Array.from({ length: count }, (_, i) => encodeRequest(i, dataOf(soak)));
  for (let i = 0; i < count;) {
    const together = packets.slice(i, i + 1 + random(5) * random(5));
    i += together.length;
    const frame = encodeFrame(together);
    owe(frame);
    socket.send(random(4) === 0 ? new TextEncoder().encode(frame) : frame);
  }
  for (let cancels = random(4); cancels > 0; cancels--) {
    const i = random(count);
    const [reply] = plainReplies(packets[i]!) as [string];
    // It may have been answered already: one of the two is owed, not both.
    const cancelled = `{"request_id":${i},"error":{"code":"cancelled"}}`;
    owed.set(reply, [reply, cancelled]);
    socket.send(encodeCancel(i));
  }
  if (random(3) === 0) {
    const { id, code, text } = BROKEN_FRAMES[random(BROKEN_FRAMES.length)]!;
    // The ids of broken frames that have one are in flight as well, which makes no difference to them.
    owed.set(`broken ${id}`, [`{"request_id":${JSON.stringify(id)},"error":{"code":"${code}"}}`]);
    soak.counts.badInputs++;
    socket.send(text);
  }
  if (random(40) === 0) {
    owed.set("too large", ['{"request_id":"large","error":{"code":"packet_too_large"}}']);
    soak.counts.badInputs++;
    socket.send(encodeRequest("large", "x".repeat(MEBIBYTE)));
  }
  await settle(soak, socket, owed);
}

/** Waits for what is owed; counts what does not come, and what comes that is not. */
async function settle(
  soak: Soak,
  socket: BrowserSocket,
  owed: Map<string, string[]>,
): Promise<void> {
  const byAnswer = new Map<string, string>();
  for (const [key, answers] of owed) for (const answer of answers) byAnswer.set(answer, key);
  while (owed.size > 0) {
    const text = await socket.frames.next().catch(() => undefined);
    if (text === undefined) {
      fail(soak, owed.size, `not answered: ${[...owed.values()][0]}`);
      return;
    }
    for (const part of text.startsWith("[") ? splitTopLevel(text) : [text]) {
      const answer = withoutMessage(withoutDelay(part));
      if (!owed.delete(byAnswer.get(answer) ?? "")) fail(soak, 1, `not owed: ${answer}`);
    }
  }
}

/** Sends requests by the library's client, a window of them at once. */
export const libraryClient: SoakClient = async (soak) => {
  while (!soak.isOver) {
    await using client = await Client.connect(soak.url);
    const datas = Array.from({ length: soak.random(300) + 1 }, () => dataOf(soak));
    soak.counts.requests += datas.length;
    const left = new Set(datas.keys());
    for await (const { index, reply, error } of client.requests(datas, { window: 50 })) {
      if (!left.delete(index)) fail(soak, 1, `answered twice: ${index}`);
      const data = datas[index]!;
      // No name in the data is an array index, so the object keeps the order of the text.
      const want = plainConvertToJson(data);
      const got = error === undefined ? JSON.stringify(reply!.data) : String(error);
      if (got === want) continue;
      const texts = [got, want, JSON.stringify(data)].map((text) => text.slice(0, 200));
      fail(soak, 1, `the library got ${texts[0]}, want ${texts[1]}, for ${texts[2]}`);
    }
    if (left.size > 0) fail(soak, left.size, "the library left requests out");
  }
};

/** Posts one packet, or an array. */
export const postingClient: SoakClient = async (soak) => {
  while (!soak.isOver) {
    const count = soak.random(2) === 0 ? 1 : soak.random(BURST) + 1;
    const packets = Array.from({ length: count }, (_, i) => encodeRequest(i, dataOf(soak)));
    soak.counts.requests += count;
    const wanted = plainReplies(`[${packets}]`);
    const body = encodeFrame(packets);
    const url = soak.url.replace("ws", "http");
    const text = await fetch(url, { method: "POST", body }).then((answer) => answer.text(), String);
    const got = text.trimEnd().split("\n");
    const missing = wanted.filter((line) => !got.includes(line));
    if (missing.length > 0) fail(soak, missing.length, `not answered by POST: ${missing[0]}`);
    if (got.length > count) fail(soak, got.length - count, "more answers than packets by POST");
    await delay(soak.random(PAUSE));
  }
};

/** Sends requests and dies before it has all the answers, in one way or another; then comes back. */
export const dyingClient: SoakClient = async (soak) => {
  const { random } = soak;
  while (!soak.isOver) {
    const client = new RawClient(soak.port);
    await client.write(upgradeRequest());
    await client.upgraded.catch(() => fail(soak, 1, "the server did not upgrade"));
    for (let requests = random(BURST); requests > 0; requests--) {
      await client.write(frame(random, 1, encodeRequest(requests, dataOf(soak))));
    }
    await delay(random(LIFE));
    const ways: Leaving[] = ["close", "reset", "silence"];
    await client.leave(ways[random(ways.length)]!);
    client.destroy();
    soak.counts.faults++;
  }
};

/** Plays what the fuzzer plays. */
export const oddClient: SoakClient = async (soak) => {
  while (!soak.isOver) {
    const seed = soak.random(2 ** 31);
    const script = scriptOf(seed);
    if (script.wanted === undefined) soak.counts.badInputs++;
    else soak.counts.requests += script.wanted.length;
    const what = await play(soak.port, script);
    if (what !== undefined) fail(soak, 1, `fuzz --only frames --seed ${seed}: ${what}`);
    await delay(soak.random(PAUSE));
  }
};

/** Data of nearly any kind, now and then as long as a packet may be. */
function dataOf({ random }: Soak): string {
  const tokens = [
    "&&",
    "&&",
    "&&",
    "%%",
    "Hub",
    "name",
    "näme",
    "😀",
    '"',
    "\\",
    "\0",
    "a&",
    "50%",
  ];
  const data = Array.from({ length: random(LENGTH) }, () => tokens[random(tokens.length)]).join("");
  return random(500) === 0 ? data + "x".repeat(random(MEBIBYTE / 2)) : data;
}

function fail(soak: Soak, lost: number, what: string): void {
  soak.counts.lost += lost;
  if (soak.failures.size < KEPT) soak.failures.add(what.slice(0, 700));
}
