/**
 * A server that is killed in the middle of 1,000 requests in flight and comes back: is each answered, and
 * once?
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { freePort } from "../support/free_port.ts";
import { type Program, startTask } from "../support/program.ts";
import { randomIntegers } from "../support/random.ts";
import { listening } from "../support/server_process.ts";
import type { Outcome } from "./trial.ts";

const REQUESTS = 1000;

const ROUNDS = 10;

/** How long each request may take, in seconds: none is to end by that. */
const TIMEOUT = 120;

/** What came of it. */
export interface KilledServerResult {
  readonly requests: number;
  /** Requests that were answered, and with what is theirs. */
  readonly answered: number;
  /** Requests that were not. */
  readonly lost: number;
  /** Answers to requests that had been answered. */
  readonly twice: number;
  /** Requests that were in flight at the moment of a kill, and so sent again. */
  readonly resent: number;
}

/** How long things take, in seconds. */
export interface KilledServerTimes {
  /** Between which the server answers. @default {[1, 5]} */
  delays?: readonly [min: number, max: number];
  /** From the kill to the next start. @default {2} */
  pause?: number;
}

/** Makes all requests and counts. */
type Way = (url: string) => Promise<Omit<KilledServerResult, "requests">>;

const WAYS = { library: byLibrary, send: bySend };

/**
 * Kills the server once in each round, at a random moment after the first request has arrived and before
 * the last is answered.
 */
export async function killServer(
  seed: number,
  rounds: number,
  way: keyof typeof WAYS,
  { delays = [1, 5], pause = 2 }: KilledServerTimes = {},
): Promise<KilledServerResult> {
  const random = randomIntegers(seed);
  const sum = { requests: 0, answered: 0, lost: 0, twice: 0, resent: 0 };
  for (let round = 0; round < rounds; round++) {
    const result = await killOnce(WAYS[way], random(1000 * delays[1]), delays, pause);
    sum.requests += REQUESTS;
    sum.answered += result.answered;
    sum.lost += result.lost;
    sum.twice += result.twice;
    sum.resent += result.resent;
  }
  return sum;
}

/** Kills servers as a trial, of the library and of `send` at the same time. */
export async function killedServers(seed: number, rounds = ROUNDS): Promise<Outcome> {
  const results = await Promise.all(
    [killServer(seed, rounds, "library"), killServer(seed + 1, rounds, "send")],
  );
  const sum = (of: (result: KilledServerResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const twice = sum(({ twice }) => twice);
  return {
    extent: `${rounds} times each by the library and by send, ${formatCount(REQUESTS)} requests ` +
      `in flight, started again 2 s later; seed ${seed}`,
    seen: `${formatCount(sum(({ resent }) => resent))} requests were sent again`,
    requests: sum(({ requests }) => requests),
    lost: sum(({ lost }) => lost) + twice,
    faults: 2 * rounds,
    failures: twice > 0 ? [`${twice} were answered twice`] : [],
  };
}

/** @param moment of the kill, in milliseconds after the first request has arrived. */
async function killOnce(
  way: Way,
  moment: number,
  [min, max]: readonly [number, number],
  pause: number,
): Promise<Omit<KilledServerResult, "requests">> {
  const port = freePort();
  const start = async () =>
    await listening(await startTask("serve", "--port", `${port}`, "--delay", `${min}..${max}`));
  await using first = await start();
  const ending = way(`ws://127.0.0.1:${port}`);
  await first.stdout.next(); // the first request
  await delay(moment);
  first.kill("SIGKILL");
  await first.result();
  await delay(1000 * pause);
  await using _second = await start();
  return await ending;
}

async function byLibrary(url: string) {
  let twice = 0;
  await using client = await Client.connect(url, { onUnmatched: () => twice++ });
  const answers = await Promise.all(Array.from({ length: REQUESTS }, async (_, i) => {
    const reply = await client.request(dataOf(i), { timeout: 1000 * TIMEOUT }).catch(() =>
      undefined
    );
    return reply?.data["Hub"] !== undefined && reply.json.includes(`{"id":"${i}"}`);
  }));
  const answered = answers.filter((isRight) => isRight).length;
  return { answered, lost: REQUESTS - answered, twice, resent: client.repairs.resent };
}

async function bySend(url: string) {
  const flags = ["--url", url, "--concurrency", `${REQUESTS}`, "--timeout", `${TIMEOUT}`, "--json"];
  await using send: Program = await startTask("send", ...flags);
  await send.write(Array.from({ length: REQUESTS }, (_, i) => dataOf(i) + "\n").join(""));
  await send.endInput();
  const seen = new Set<string>();
  let twice = 0;
  const { stdout, stderr } = await send.result(2000 * TIMEOUT);
  for (const line of stdout) {
    const id = /"data":\{"Hub":\{"id":"(\d+)"\}\}/.exec(line)?.[1];
    if (id === undefined) continue;
    if (seen.has(id)) twice++;
    seen.add(id);
  }
  const { resent } = JSON.parse(stderr.trimEnd().split("\n").at(-1)!).repairs;
  return { answered: seen.size, lost: REQUESTS - seen.size, twice, resent };
}

function dataOf(i: number): string {
  return `Hub&&id&&${i}`;
}
