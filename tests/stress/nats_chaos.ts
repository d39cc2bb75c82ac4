/**
 * Failure tests behind NATS. Each request must be answered exactly once while workers and NATS are
 * killed, and a gateway must report its lateness.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount, quantiles } from "../../cli/figures.ts";
import { openBrowserSocket } from "../support/browser_socket.ts";
import { type NatsServer, startNatsServer, whyNoNatsServer } from "../support/nats_server.ts";
import { type Program, startServerProcess, startTask } from "../support/program.ts";
import { parseMetrics } from "../support/prometheus.ts";
import { randomIntegers } from "../support/random.ts";
import { ask, Tally, type TrialOptions, type TrialOutcome } from "./trial.ts";

/** Scale of a run. A round does its harm from before its first answers until after most of them. */
interface Scale {
  readonly rounds: number;
  /** Requests in a round. */
  readonly requests: number;
  /** Delays of requests, in seconds. */
  readonly delay: string;
  /** How long a round does harm, in milliseconds. */
  readonly harm: number;
  /** Longest absence of NATS, in milliseconds. */
  readonly away: number;
}

const FULL: Scale = { rounds: 10, requests: 2000, delay: "1..5", harm: 4000, away: 1000 };
const QUICK: Scale = { rounds: 2, requests: 500, delay: "0.2..1", harm: 800, away: 200 };

const CONNECTIONS = 4;
const WORKERS = 3;

/** How long the answers of a round may take, in milliseconds. */
const ROUND_TIMEOUT = 60_000;

interface Answer {
  readonly request_id: string;
  readonly data?: unknown;
  readonly delay?: number;
}

/** Runs a failure test, if there is a nats-server. */
async function withNats(run: (nats: NatsServer) => Promise<TrialOutcome>): Promise<TrialOutcome> {
  const missing = await whyNoNatsServer();
  if (missing !== undefined) {
    return { extent: "nothing", requests: 0, lost: 0, failures: [missing] };
  }
  await using nats = await startNatsServer();
  return await run(nats);
}

/** In rounds, kills a worker, replaces another, and restarts NATS, at random times by the seed. */
export function natsChaos({ seed, isQuick = false }: TrialOptions): Promise<TrialOutcome> {
  return withNats(async (nats) => {
    const scale = isQuick ? QUICK : FULL;
    const { rounds, requests } = scale;
    const tally = new Tally();
    const random = randomIntegers(seed);
    await using stack = new AsyncDisposableStack();
    const flags = ["--nats", nats.url];
    const serve = ["--quiet", "--delay", scale.delay, ...flags];
    const { url } = stack.use(await startServerProcess(serve));
    const workers: Program[] = [];
    // A worker ends if NATS is away when it starts, so starts and restarts take turns.
    let last = Promise.resolve();
    const inTurn = (step: () => Promise<void>) => last = last.then(step);
    const addWorker = () =>
      inTurn(async () => {
        const worker = stack.use(await startTask("work", ...flags));
        await worker.stdout.next();
        workers.push(worker); // not before, or it could be killed while the test waits for its start
      });
    while (workers.length < WORKERS) await addWorker();
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
        await delay(random(scale.away));
        await nats.restart();
      });

    const counts = { twice: 0, errors: 0, wrong: 0, early: 0 };
    const sentAt = new Map<string, number>();
    const lateness = new Map<string, number>();
    const note = ({ request_id, data, delay }: Answer) => {
      const late = performance.now() - sentAt.get(request_id)! - 1000 * delay!;
      if (lateness.has(request_id)) counts.twice++;
      else if (data === undefined) counts.errors++;
      else if (JSON.stringify(data) !== `{"Hub":{"id":"${request_id}"}}`) counts.wrong++;
      else lateness.set(request_id, late);
      if (late < -1) counts.early++;
    };
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
        await delay(random(scale.harm));
        await harm();
        tally.faults++;
      }));
      const end = performance.now() + ROUND_TIMEOUT;
      const settled = () => lateness.size + counts.errors + counts.wrong;
      while (settled() < sentAt.size && performance.now() < end) await delay(20);
    }

    for (const [name, count] of Object.entries(counts)) {
      tally.check(count === 0, `${name}: ${count} of ${sentAt.size}`);
    }
    const ms = (part: number) => formatCount(quantiles([...lateness.values()])(part));
    return {
      ...tally,
      extent:
        `${rounds} rounds of ${formatCount(requests)} requests, seed ${seed}: each killed a ` +
        "worker, replaced another, and killed and restarted the NATS server",
      seen: `late by ${ms(0.5)} ms at p50, ${ms(0.99)} ms at p99, ${ms(1)} ms at most`,
      requests: sentAt.size,
      lost: sentAt.size - lateness.size + counts.twice,
    };
  });
}

/** Sends requests one by one, so that no other is in flight. The lateness must not be the uptime. */
export function gatewayLateness(): Promise<TrialOutcome> {
  return withNats(async (nats) => {
    const tally = new Tally();
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
      seen: `late by ${each(reported)} on average, of ${
        each(took)
      } until the client has the answer`,
    };
  });
}
