/**
 * The clients of the soak. Each goes on until it is told to stop, knows which answers it is owed, and
 * counts those that it did not get.
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
import type { Tally, Transport } from "./trial.ts";

/** What the clients of a soak share. */
export interface Soak {
  readonly url: string;
  readonly port: number;
  readonly transport: Transport;
  /** Whether to stop. */
  isOver: boolean;
  /** Returns an integer from 0 to below `limit`. */
  readonly random: (limit: number) => number;
  readonly tally: Tally;
}

/** A client; it resolves when the soak is over. */
export type SoakClient = (soak: Soak) => Promise<void>;

/** Longest data of an ordinary request, in separators and tokens. */
const LENGTH = 40;
/** Most requests in a burst. */
const BURST = 60;
/** Longest pause of a client, in milliseconds. */
const PAUSE = 200;
/** Longest life of a client that dies, in milliseconds. */
const LIFE = 400;
const MEBIBYTE = 1 << 20;

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
  const { random, tally } = soak;
  /** The answers of which one is owed, by a key for each. */
  const owed = new Map<string, string[]>();
  const count = random(BURST) + 1;
  tally.requests += count;
  const packets = Array.from({ length: count }, (_, i) => encodeRequest(i, dataOf(soak)));
  for (let i = 0; i < count;) {
    const together = packets.slice(i, i + 1 + random(5) * random(5));
    i += together.length;
    const frame = encodeFrame(together);
    for (const reply of plainReplies(frame)) owed.set(reply, [reply]);
    socket.send(random(4) === 0 ? new TextEncoder().encode(frame) : frame);
  }
  for (let cancels = random(4); cancels > 0; cancels--) {
    const i = random(count);
    const [reply] = plainReplies(packets[i]!) as [string];
    owed.set(reply, [reply, `{"request_id":${i},"error":{"code":"cancelled"}}`]);
    socket.send(encodeCancel(i));
  }
  if (random(3) === 0) {
    // Some have ids that are in flight as well, which makes no difference to those.
    const { id, code, text } = BROKEN_FRAMES[random(BROKEN_FRAMES.length)]!;
    owed.set(`broken ${id}`, [`{"request_id":${JSON.stringify(id)},"error":{"code":"${code}"}}`]);
    tally.badInputs++;
    socket.send(text);
  }
  if (random(40) === 0) {
    owed.set("too large", ['{"request_id":"large","error":{"code":"packet_too_large"}}']);
    tally.badInputs++;
    socket.send(encodeRequest("large", "x".repeat(MEBIBYTE)));
  }
  await settle(tally, socket, owed);
}

/** Waits for the answers that are owed; counts missing and unexpected ones. */
async function settle(
  tally: Tally,
  socket: BrowserSocket,
  owed: Map<string, string[]>,
): Promise<void> {
  const byAnswer = new Map<string, string>();
  for (const [key, answers] of owed) for (const answer of answers) byAnswer.set(answer, key);
  while (owed.size > 0) {
    const text = await socket.frames.next().catch(() => undefined);
    if (text === undefined) {
      return tally.lose(owed.size, `not answered: ${[...owed.values()][0]}`);
    }
    for (const part of text.startsWith("[") ? splitTopLevel(text) : [text]) {
      const answer = withoutMessage(withoutDelay(part));
      if (!owed.delete(byAnswer.get(answer) ?? "")) tally.lose(1, `not owed: ${answer}`);
    }
  }
}

/** Sends requests by the library, a window of them at once. */
export const libraryClient: SoakClient = async (soak) => {
  const { random, tally } = soak;
  while (!soak.isOver) {
    await using client = await Client.connect(soak.url);
    const datas = Array.from({ length: random(300) + 1 }, () => dataOf(soak));
    tally.requests += datas.length;
    const left = new Set(datas.keys());
    for await (const { index, reply, error } of client.requests(datas, { window: 50 })) {
      if (!left.delete(index)) tally.lose(1, `answered twice: ${index}`);
      const data = datas[index]!;
      // No name in the data is an array index, so the object keeps the order of the text.
      const want = plainConvertToJson(data);
      const got = error === undefined ? JSON.stringify(reply!.data) : String(error);
      if (got === want) continue;
      const texts = [want, got, JSON.stringify(data)].map((text) => text.slice(0, 200));
      tally.lose(1, `the library: expected ${texts[0]}, got ${texts[1]}, for ${texts[2]}`);
    }
    if (left.size > 0) tally.lose(left.size, "the library left requests out");
  }
};

/** Posts one packet, or an array. */
export const postingClient: SoakClient = async (soak) => {
  const { random, tally } = soak;
  while (!soak.isOver) {
    const count = random(2) === 0 ? 1 : random(BURST) + 1;
    const packets = Array.from({ length: count }, (_, i) => encodeRequest(i, dataOf(soak)));
    tally.requests += count;
    const wanted = plainReplies(`[${packets}]`);
    const url = soak.url.replace("ws", "http");
    const posted = fetch(url, { method: "POST", body: encodeFrame(packets) });
    const text = await posted.then((answer) => answer.text(), String);
    const got = text.trimEnd().split("\n");
    const missing = wanted.filter((line) => !got.includes(line));
    if (missing.length > 0) tally.lose(missing.length, `not answered by POST: ${missing[0]}`);
    if (got.length > count) tally.lose(got.length - count, "more answers than packets by POST");
    await delay(random(PAUSE));
  }
};

/** Sends requests and dies before it has all answers, in one way or another; then comes back. */
export const dyingClient: SoakClient = async (soak) => {
  const { random, tally } = soak;
  const ways: Leaving[] = ["close", "reset", "silence"];
  while (!soak.isOver) {
    const client = new RawClient(soak.port);
    await client.write(upgradeRequest());
    await client.upgraded.catch(() => tally.lose(1, "the server did not upgrade"));
    for (let requests = random(BURST); requests > 0; requests--) {
      await client.write(frame(random, 1, encodeRequest(requests, dataOf(soak))));
    }
    await delay(random(LIFE));
    await client.leave(ways[random(ways.length)]!);
    client.destroy();
    tally.faults++;
  }
};

/** Plays the scripts of the fuzzer. */
export const oddClient: SoakClient = async (soak) => {
  const { random, tally } = soak;
  while (!soak.isOver) {
    const seed = random(2 ** 31);
    const script = scriptOf(seed);
    if (script.wanted === undefined) tally.badInputs++;
    else tally.requests += script.wanted.length;
    const what = await play(soak.port, script, soak.transport);
    const only = `frames-${soak.transport}`;
    if (what !== undefined) tally.lose(1, `fuzz --only ${only} --seed ${seed}: ${what}`);
    await delay(random(PAUSE));
  }
};

const TOKENS = ["&&", "&&", "&&", "%%", "Hub", "name", "näme", "😀", '"', "\\", "\0", "a&", "50%"];

/** Returns data of nearly any kind, sometimes as long as a packet may be. */
function dataOf({ random }: Soak): string {
  const data = Array.from({ length: random(LENGTH) }, () => TOKENS[random(TOKENS.length)]).join("");
  return random(500) === 0 ? data + "x".repeat(random(MEBIBYTE / 2)) : data;
}
