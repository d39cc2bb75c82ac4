/**
 * Failure tests behind NATS: workers are killed and replaced, and NATS is killed and restarted, while each
 * request must be answered exactly once; and a gateway without delays reports its lateness.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount, quantiles } from "../../cli/figures.ts";
import { openBrowserSocket } from "../support/browser_socket.ts";
import { startNatsServer, whyNoNatsServer } from "../support/nats_server.ts";
import { type Program, startServerProcess, startTask } from "../support/program.ts";
import { parseMetrics } from "../support/prometheus.ts";
import { randomIntegers } from "../support/random.ts";
import { ask, type Outcome, Tally, type TrialOptions } from "./trial.ts";

const CONNECTIONS = 4;
const WORKERS = 3;

/** How long a round does harm, in milliseconds: from before the first answers until after most. */
const HARM = 4000;

/** How long NATS stays away at most, in milliseconds. */
const AWAY = 1000;

/** How long the last answers of a round may take, in milliseconds. */
const PATIENCE = 60_000;

interface Answer {
  readonly request_id: string;
  readonly data?: unknown;
  readonly delay?: number;
}

/** The outcome where there is no nats-server; undefined where there is. */
async function withoutNats(): Promise<Outcome | undefined> {
  const missing = await whyNoNatsServer();
  if (missing === undefined) return undefined;
  return { extent: "nothing", requests: 0, lost: 0, failures: [missing] };
}

/** Does harm in rounds, in an order by the seed. */
export async function natsChaos({ seed, isQuick = false }: TrialOptions): Promise<Outcome> {
  const missing = await withoutNats();
  if (missing !== undefined) return missing;
  const [rounds, requests] = isQuick ? [2, 500] : [10, 2000];
  const tally = new Tally();
  const random = randomIntegers(seed);
  await using nats = await startNatsServer();
  await using stack = new AsyncDisposableStack();
  const flags = ["--nats", nats.url];
  const { url } = stack.use(await startServerProcess(["--quiet", ...flags]));
  const workers: Program[] = [];
  // A worker without NATS ends, so none is started while NATS is away.
  let last = Promise.resolve();
  const inTurn = (step: () => Promise<void>) => last = last.then(step);
  const addWorker = () =>
    inTurn(async () => {
      const worker = stack.use(await startTask("work", ...flags));
      workers.push(worker);
      await worker.stdout.next();
    });
  while (workers.length < WORKERS) await addWorker();

  const counts = { twice: 0, errors: 0, wrong: 0, early: 0 };
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
  const killWorker = async () => {
    workers.splice(random(workers.length), 1)[0]!.kill("SIGKILL");
    await addWorker();
  };
  const replaceWorker = async () => {
    await addWorker();
    workers.shift()!.kill("SIGTERM");
  };
  const restartNats = () =>
    inTurn(async () => {
      await nats.kill();
      await delay(random(AWAY));
      await nats.restart();
    });

  const peers = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openBrowserSocket(url, ["asyncpkt.v1"])),
  );
  for (const peer of peers) {
    stack.use(peer);
    peer.socket.addEventListener("message", ({ data }) => {
      for (const answer of [JSON.parse(data)].flat()) note(answer);
    });
  }
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < requests; i++) {
      const id = `${round}-${i}`;
      sentAt.set(id, performance.now());
      peers[i % CONNECTIONS]!.send({ request_id: id, data: `Hub&&id&&${id}` });
    }
    await Promise.all([killWorker, replaceWorker, restartNats].map(async (harm) => {
      await delay(random(HARM));
      await harm();
      tally.faults++;
    }));
    const end = performance.now() + PATIENCE;
    const settled = () => late.size + counts.errors + counts.wrong;
    while (settled() < sentAt.size && performance.now() < end) await delay(20);
  }

  for (const [name, count] of Object.entries(counts)) {
    tally.check(count === 0, `${name}: ${count} of ${sentAt.size}`);
  }
  const ms = (part: number) => formatCount(quantiles([...late.values()])(part));
  return {
    ...tally,
    extent:
      `${rounds} times under ${
        formatCount(requests)
      } requests in flight, seed ${seed}: ${rounds} ` +
      `workers killed, ${rounds} replaced, the NATS server killed ${rounds} times`,
    seen: `late by ${ms(0.5)} ms at p50, ${ms(0.99)} ms at p99, ${ms(1)} ms at most`,
    requests: sentAt.size,
    lost: sentAt.size - late.size + counts.twice,
  };
}

/** Sends requests one by one, so that nothing else is in flight; the lateness must not be the uptime. */
export async function gatewayLateness(): Promise<Outcome> {
  const missing = await withoutNats();
  if (missing !== undefined) return missing;
  const tally = new Tally();
  await using nats = await startNatsServer();
  await using server = await startServerProcess(["--quiet", "--delay", "0", "--nats", nats.url]);
  await using worker = await startTask("work", "--nats", nats.url);
  await worker.stdout.next();
  await using socket = await openBrowserSocket(server.url);
  const startedAt = performance.now();
  while (tally.requests < 200) await ask(socket, tally);
  const took = performance.now() - startedAt;
  const metrics = await fetch(`${server.url.replace("ws", "http")}/metrics`);
  const samples = parseMetrics(await metrics.text());
  const reported = 1000 * samples.get("asyncpkt_lateness_seconds_sum")!;
  const each = (time: number) => `${(time / tally.requests).toFixed(1)} ms`;
  tally.check(reported > 0 && reported < took, `it reports ${each(reported)} for each`);
  return {
    ...tally,
    extent: `${tally.requests} requests one after the other, by a gateway and a worker`,
    seen: `late by ${each(reported)} on average, of ${each(took)} until the client has the answer`,
  };
}
