/**
 * The fuzzer over WebSocket frames: clients of raw TCP, half of which keep to the rules in odd ways and have
 * to be answered in full, while the others break them; meanwhile a healthy connection is to notice nothing,
 * and in the end nothing is to be left of them.
 *
 * @module
 */

import { encodeRequest } from "../../protocol.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { plainReplies } from "../support/plain.ts";
import { ENOUGH, type Finding, type FuzzOptions, type FuzzResult } from "./fuzzing.ts";
import { RawClient } from "./raw_client.ts";
import { frame, type Script, scriptOf } from "./raw_frames.ts";
import { startServerProcess, type Target } from "../support/server_process.ts";
import { leftBehind } from "./left_behind.ts";

/** How many clients there are at once. */
const AT_ONCE = 16;

/** After how many rounds it is looked whether anything is left of them. */
const LOOK_EVERY = 1000;

/** What a healthy connection sends. */
const DATA = "Hub&&name&&qwe&&id&&123&&%%Device&&name&&wqe&&id&&234&&";

/** Starts a server to be fuzzed. */
export function startFuzzed(): Promise<Target> {
  return startServerProcess(["--delay", "0..0.02", "--quiet"]);
}

/** Fuzzes servers that `start` starts: one, as long as nothing is found. */
export async function fuzzFrames(
  { seed, duration, rounds = Infinity }: FuzzOptions,
  start: () => Promise<Target> = startFuzzed,
): Promise<FuzzResult> {
  const end = performance.now() + duration;
  const tally = { inputs: 0, badInputs: 0, requests: 0, findings: [] };
  do {
    const most = Math.min(rounds - tally.inputs, LOOK_EVERY);
    await fuzzOne(start, seed + tally.inputs, most, end, tally);
  } while (goesOn(tally, rounds, end));
  return { rounds: tally.inputs, ...tally };
}

/** What the rounds come to. */
interface Tally {
  inputs: number;
  badInputs: number;
  requests: number;
  readonly findings: Finding[];
}

function goesOn({ inputs, findings }: Tally, rounds: number, end: number): boolean {
  return inputs < rounds && performance.now() < end && findings.length < ENOUGH;
}

/** Tries up to `most` rounds on one server. */
async function fuzzOne(
  start: () => Promise<Target>,
  seed: number,
  most: number,
  end: number,
  tally: Tally,
): Promise<void> {
  await using target = await start();
  await play(target.port, scriptOf(seed)); // what a server opens for good, it has opened after that
  const files = await target.files();
  const rounds = tally.inputs + most;
  let next = seed;
  {
    await using healthy = await openBrowserSocket(target.url);
    do {
      const count = Math.min(AT_ONCE, rounds - tally.inputs);
      const seeds = Array.from({ length: count }, () => next++);
      await tryTogether(target, healthy, seeds, tally);
      if (target.hasEnded) {
        tally.findings.push(...await blame(start, seeds));
        return;
      }
    } while (goesOn(tally, rounds, end));
  }
  for (const left of await leftBehind(target, files + 1)) {
    const what = `${left} after the rounds of the seeds ${seed} to ${next - 1}`;
    tally.findings.push({ seed, what, input: null });
  }
}

async function tryTogether(
  target: Target,
  healthy: BrowserSocket,
  seeds: readonly number[],
  tally: Tally,
): Promise<void> {
  const packet = encodeRequest(String(seeds[0]), DATA);
  healthy.send(packet);
  await Promise.all(seeds.map(async (seed) => {
    const script = scriptOf(seed);
    tally.inputs++;
    if (script.wanted === undefined) tally.badInputs++;
    else tally.requests += script.wanted.length;
    const what = await play(target.port, script);
    if (what !== undefined && !target.hasEnded) tally.findings.push({ seed, what, input: script });
  }));
  const answer = await healthy.frames.next().catch((error) => String(error));
  if (answer === plainReplies(packet)[0] || target.hasEnded) return;
  const input = seeds.map(scriptOf);
  tally.findings.push({ seed: seeds[0]!, what: `a healthy connection got ${answer}`, input });
}

/** Finds out which of several scripts ended the server, each on a server of its own. */
async function blame(start: () => Promise<Target>, seeds: readonly number[]): Promise<Finding[]> {
  for (const seed of seeds) {
    await using target = await start();
    const input = scriptOf(seed);
    await play(target.port, input);
    const isAlive = await target.health().then(() => true, () => false);
    if (!isAlive) return [{ seed, what: "the server's process ended", input }];
  }
  const what = `the server's process ended, by these ${seeds.length} together`;
  return [{ seed: seeds[0]!, what, input: seeds.map(scriptOf) }];
}

/** Plays a script to its end; returns what is wrong with the answers, if they matter. */
export async function play(port: number, script: Script): Promise<string | undefined> {
  const client = new RawClient(port);
  try {
    await client.write(script.handshake);
    if (script.handshake !== "") await client.upgraded;
    for (const piece of script.pieces) await client.write(piece);
    if (script.wanted === undefined) return void await client.leave(script.leaving);
    await client.received(script.wanted.length);
    await client.write(frame(() => 0, 8, "\x03\xe8"));
    await client.ended;
  } catch (error) {
    if (script.wanted === undefined) return undefined; // to be thrown out is what it deserves
    return `${error instanceof Error ? error.message : error}; ${
      differenceOf(script, client.answers)
    }`;
  } finally {
    client.destroy();
  }
  return differenceOf(script, client.answers);
}

function differenceOf({ wanted = [] }: Script, answers: readonly string[]): string | undefined {
  const got = answers.toSorted();
  const want = wanted.toSorted();
  const i = want.findIndex((text, i) => text !== got[i]);
  if (i >= 0) return `want ${want[i]!.slice(0, 200)}, got ${String(got[i]).slice(0, 200)}`;
  if (got.length > want.length) return `${got.length} answers, want ${want.length}`;
}
