/**
 * The kinds of broken JSON, and of frames that are no packets: each is answered with the error that it
 * deserves, in either mode, as text, as bytes and by POST, and the connection goes on.
 *
 * @module
 */

import { splitTopLevel } from "../../protocol.ts";
import { BROKEN_BYTES, BROKEN_FRAMES, ODD_FRAMES } from "../support/broken_json.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { plainReplies, withoutDelay, withoutMessage } from "../support/plain.ts";
import { startServerProcess } from "../support/server_process.ts";
import type { Outcome } from "./trial.ts";

/** A frame, and the answers that it is to have, errors without their messages. */
interface Case {
  readonly name: string;
  readonly frame: string | Uint8Array;
  readonly wanted: readonly string[];
}

const encoder = new TextEncoder();

const REFUSED: readonly Case[] = BROKEN_FRAMES.map(({ name, text, id, code }) => ({
  name,
  frame: text,
  wanted: [`{"request_id":${JSON.stringify(id)},"error":{"code":"${code}"}}`],
}));
const REFUSED_BYTES: readonly Case[] = BROKEN_BYTES.map(([name, bytes]) => ({
  name,
  frame: new Uint8Array(bytes),
  wanted: ['{"request_id":null,"error":{"code":"invalid_json"}}'],
}));
const ANSWERED: readonly Case[] = ODD_FRAMES.map(([name, text]) => ({
  name,
  frame: text,
  wanted: plainReplies(text),
}));

/** What is sent behind each frame to see that the connection goes on. */
const GOOD = '{"request_id":"good","data":"Hub&&name&&qwe"}';
const GOOD_ANSWER = '{"request_id":"good","data":{"Hub":{"name":"qwe"}}}';

/** Sends all kinds of frames to the server at `url`, which answers without a delay. */
export async function tryBrokenFrames(url: string): Promise<Outcome> {
  const failures: string[] = [];
  let badInputs = 0;
  let requests = 0;
  const tally = (way: string, each: Case, got: readonly string[]) => {
    if (isRefused(each)) badInputs++;
    else requests++;
    if (String(got) === String(each.wanted)) return;
    failures.push(`${each.name}, ${way}: want ${each.wanted}, got ${String(got).slice(0, 200)}`);
  };
  for (const protocols of [[], ["asyncpkt.v1"]]) {
    const mode = protocols[0] ?? "plain mode";
    await using socket = await openBrowserSocket(url, protocols);
    for (const each of [...REFUSED, ...ANSWERED]) {
      tally(`${mode}, as text`, each, await answersTo(socket, each.frame));
    }
    for (const each of [...REFUSED, ...ANSWERED].map(asBytes).concat(REFUSED_BYTES)) {
      tally(`${mode}, as bytes`, each, await answersTo(socket, each.frame));
    }
    requests += 2 * (REFUSED.length + ANSWERED.length) + REFUSED_BYTES.length;
  }
  for (const each of [...REFUSED, ...REFUSED_BYTES, ...ANSWERED]) {
    const body = each.frame as BodyInit;
    const response = await fetch(url.replace("ws", "http"), { method: "POST", body });
    const lines = (await response.text()).trimEnd().split("\n").map(withoutMessage);
    tally("by POST", each, lines);
    const status = isRefused(each) ? 400 : 200;
    if (response.status !== status) failures.push(`${each.name}: the status ${response.status}`);
  }
  const kinds = REFUSED.length + REFUSED_BYTES.length;
  return {
    extent: `${kinds} kinds of broken frames and ${ANSWERED.length} that only look so, ` +
      "each in plain mode, in asyncpkt.v1 and by POST, as text and as bytes",
    requests,
    lost: failures.length,
    badInputs,
    failures,
  };
}

/** What is answered to a frame, up to the answer to a good request behind it. */
async function answersTo(socket: BrowserSocket, frame: string | Uint8Array): Promise<string[]> {
  socket.send(frame);
  socket.send(GOOD);
  const answers: string[] = [];
  while (true) {
    const text = await socket.frames.next();
    const parts = text.startsWith("[") ? splitTopLevel(text) : [text];
    for (const part of parts) {
      const answer = withoutMessage(withoutDelay(part));
      if (answer === GOOD_ANSWER) return answers;
      answers.push(answer);
    }
  }
}

function isRefused({ wanted }: Case): boolean {
  return wanted[0]!.includes('"error"');
}

function asBytes(each: Case): Case {
  return { ...each, frame: encoder.encode(each.frame as string) };
}

/** The trial: on a server in a process of its own. */
export async function brokenFrames(): Promise<Outcome> {
  await using server = await startServerProcess(["--delay", "0", "--quiet"]);
  return await tryBrokenFrames(server.url);
}
