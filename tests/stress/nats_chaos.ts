/**
 * Requests in flight behind NATS, while workers are killed and replaced and the NATS server is killed and
 * started again: is each answered exactly once, and how late?
 *
 * `deno run --allow-all tests/stress/nats_chaos.ts [ROUNDS] [SEED] [REQUESTS]`
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount, quantiles } from "../../cli/figures.ts";
import { openBrowserSocket } from "../support/browser_socket.ts";
import { type NatsServer, startNatsServer, whyNoNatsServer } from "../support/nats_server.ts";
import { type Program, startTask } from "../support/program.ts";
import { randomIntegers } from "../support/random.ts";
import { startServerProcess } from "../support/server_process.ts";
import type { Outcome } from "./trial.ts";

/** How many rounds the trial has. */
const ROUNDS = 10;

/** Over how many connections the requests are spread. */
const CONNECTIONS = 4;

/** How many workers there are. */
const WORKERS = 3;

/** For how long harm is done in each round, in milliseconds: while nothing is answered, until most is. */
const HARM = 4000;

/** How long the NATS server stays away at most, in milliseconds. */
const AWAY = 1000;

/** How long to wait for the last answers of a round, in milliseconds. */
const PATIENCE = 60_000;

/** What came of it; times are beyond the requests' delays, in milliseconds. */
export interface ChaosResult {
  readonly sent: number;
  /** Requests that were answered with the right response. */
  readonly answered: number;
  /** Answers beyond the first, errors, wrong responses, and answers before their time. */
  readonly twice: number;
  readonly errors: number;
  readonly wrong: number;
  readonly early: number;
  readonly kills: { workers: number; replaced: number; nats: number };
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface Answer {
  readonly request_id: string;
  readonly data?: unknown;
  readonly delay?: number;
}

/** The trial; where there is no nats-server, it fails and says so. */
export async function behindNats(seed: number): Promise<Outcome> {
  const missing = await whyNoNatsServer();
  if (missing !== undefined) {
    return { extent: "nothing", requests: 0, lost: 0, failures: [missing] };
  }
  const { sent, answered, twice, errors, wrong, early, kills, p50, p99, max } = await natsChaos(
    seed,
    ROUNDS,
  );
  const failures = Object.entries({ twice, errors, wrong, early })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name}: ${count} of ${sent}`);
  const ms = (time: number) => formatCount(Math.round(time));
  return {
    extent:
      `${ROUNDS} times under 2,000 requests in flight, seed ${seed}: ${kills.workers} workers ` +
      `killed, ${kills.replaced} replaced, the NATS server killed ${kills.nats} times`,
    seen: `late by ${ms(p50)} ms at p50, ${ms(p99)} ms at p99, ${ms(max)} ms at most`,
    requests: sent,
    lost: sent - answered + twice,
    faults: kills.workers + kills.replaced + kills.nats,
    failures,
  };
}

/** Does `rounds` rounds of harm, each under `requests` requests in flight, in an order by `seed`. */
export async function natsChaos(
  seed: number,
  rounds: number,
  requests = 2000,
): Promise<ChaosResult> {
  const random = randomIntegers(seed);
  await using nats = await startNatsServer();
  await using stack = new AsyncDisposableStack();
  const flags = ["--nats", nats.url];
  const { url } = stack.use(await startServerProcess(["--quiet", ...flags]));
  const workers: Program[] = [];
  stack.defer(async () => {
    for (const worker of workers) await worker[Symbol.asyncDispose]();
  });
  // A worker that finds no NATS ends, and whoever started it starts it again; here, none starts then.
  let last = Promise.resolve();
  const alone = (step: () => Promise<void>) => last = last.then(step);
  const addWorker = () =>
    alone(async () => {
      const worker = await startTask("work", ...flags);
      workers.push(worker);
      await worker.stdout.next();
    });
  while (workers.length < WORKERS) await addWorker();

  const counts = { twice: 0, errors: 0, wrong: 0, early: 0 };
  const kills = { workers: 0, replaced: 0, nats: 0 };
  const sentAt = new Map<string, number>();
  const late = new Map<string, number>();
  const note = ({ request_id, data, delay }: Answer) => {
    const lateness = performance.now() - sentAt.get(request_id)! - 1000 * delay!;
    if (late.has(request_id)) counts.twice++;
    else if (data === undefined) counts.errors++;
    else if (JSON.stringify(data) !== `{"Hub":{"id":"${request_id}"}}`) counts.wrong++;
    else late.set(request_id, lateness);
    if (lateness < -1) counts.early++;
  };
  const harms = [
    async () => {
      kills.workers++;
      await using worker = workers.splice(random(workers.length), 1)[0]!;
      worker.kill("SIGKILL");
      await addWorker();
    },
    async () => {
      kills.replaced++;
      await addWorker();
      await using worker = workers.shift()!;
      worker.kill("SIGTERM");
      await worker.result();
    },
    async () => {
      kills.nats++;
      await alone(() => restart(nats, random(AWAY)));
    },
  ];

  const peers = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openBrowserSocket(url, ["asyncpkt.v1"])),
  );
  for (const peer of peers) stack.use(peer);
  for (const { socket } of peers) {
    socket.addEventListener("message", ({ data }) => {
      for (const answer of [JSON.parse(data)].flat()) note(answer);
    });
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < requests; i++) {
      const id = `${round}-${i}`;
      sentAt.set(id, performance.now());
      peers[i % CONNECTIONS]!.send({ request_id: id, data: `Hub&&id&&${id}` });
    }
    await Promise.all(harms.map(async (harm) => {
      await delay(random(HARM));
      await harm();
    }));
    const end = performance.now() + PATIENCE;
    const settled = () => late.size + counts.errors + counts.wrong;
    while (settled() < sentAt.size && performance.now() < end) await delay(20);
  }

  const quantile = quantiles([...late.values()]);
  return {
    sent: sentAt.size,
    answered: late.size,
    ...counts,
    kills,
    p50: quantile(0.5),
    p99: quantile(0.99),
    max: quantile(1),
  };
}

async function restart(nats: NatsServer, away: number): Promise<void> {
  await nats.kill();
  await delay(away);
  await nats.restart();
}

if (import.meta.main) {
  const [rounds = 10, seed = Date.now() % 1_000_000, requests] = Deno.args.map(Number);
  console.log(`seed ${seed}`);
  console.log(await natsChaos(seed, rounds, requests));
}
