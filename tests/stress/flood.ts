/**
 * A client that floods beside one that does not: how late are the answers to the second?
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { Client, type Reply } from "../../client.ts";
import { formatCount, quantiles } from "../../cli/figures.ts";
import { startServerProcess } from "../support/server_process.ts";
import type { Outcome } from "./trial.ts";

/** How long the flood goes on before the other client begins, in milliseconds. */
const LEAD = 1000;

/** How many requests the flooding client keeps in flight; what it sends beyond is refused. */
const IN_FLIGHT = 10_000;

/** How late answers beside it may be at p95, in milliseconds. */
const MAX_LATE = 50;

/** How long it is measured beforehand how late answers are without a flood, in milliseconds. */
const CALM = 10_000;

/** How a client fared that does not flood; times are beyond the requests' delays, in milliseconds. */
interface Lateness {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly sent: number;
  readonly answered: number;
}

/** How a client fared beside one that floods. */
export interface FloodResult extends Lateness {
  /** Packets of the one that floods. */
  readonly flooded: number;
  /** How late answers were before, without it. */
  readonly before: Lateness | undefined;
}

/**
 * Floods a server, in a process of its own, for some time, in milliseconds; meanwhile another client sends
 * `rate` requests a second. Before that, there is a calm of so many milliseconds.
 */
export async function measureFlood(duration: number, rate = 1, calm = 0): Promise<FloodResult> {
  await using server = await startServerProcess(["--quiet", "--max-in-flight", `${IN_FLIGHT}`]);
  await using client = await Client.connect(server.url, { timeout: 60_000 });
  const before = calm > 0 ? await measureLateness(client, calm, rate) : undefined;
  const flood = await startFlood(server.port);
  await delay(LEAD);
  const lateness = await measureLateness(client, duration, rate);
  return { ...lateness, flooded: await flood.end(), before };
}

async function measureLateness(client: Client, duration: number, rate: number): Promise<Lateness> {
  const late: number[] = [];
  const requests: Promise<void>[] = [];
  const end = performance.now() + duration;
  do {
    const request = client.request("a&&b&&c");
    const note = (reply: Reply) => void late.push(reply.latency - 1000 * reply.delay!);
    requests.push(request.then(note, () => {}));
    await delay(1000 / rate);
  } while (performance.now() < end);
  await Promise.all(requests);
  const quantile = quantiles(late);
  return {
    p50: quantile(0.5),
    p95: quantile(0.95),
    max: quantile(1),
    sent: requests.length,
    answered: late.length,
  };
}

/** Floods a server as a trial. */
export async function flood(duration: number): Promise<Outcome> {
  const result = await measureFlood(duration, 1, CALM);
  const { sent, answered, p50, p95, max, flooded, before } = result;
  const ms = (time: number) => `${time.toFixed(0)} ms`;
  return {
    extent: `${formatCount(flooded)} packets in ${duration / 1000} s on one connection, ` +
      `${formatCount(IN_FLIGHT)} in flight, beside another that sends one request a second`,
    seen: `its answers are late by ${ms(p50)} at p50, ${ms(p95)} at p95, ${ms(max)} at most; ` +
      `before the flood by ${ms(before!.p95)} at p95`,
    requests: sent + before!.sent,
    lost: sent + before!.sent - answered - before!.answered,
    failures: p95 <= MAX_LATE
      ? []
      : [`late by ${ms(p95)} at p95, which is more than ${ms(MAX_LATE)}`],
  };
}

/** A flood that has begun. */
interface Flood {
  /** Ends it; resolves to how many packets it was. */
  end(): Promise<number>;
}

/** Floods from a thread of its own, so that the other client has this one for itself. */
async function startFlood(port: number): Promise<Flood> {
  const worker = new Worker(new URL("./flood_worker.ts", import.meta.url), { type: "module" });
  const said = () => new Promise<number>((resolve) => worker.onmessage = (e) => resolve(e.data));
  const begun = said();
  worker.postMessage(port);
  await begun;
  return {
    async end() {
      const flooded = said();
      worker.postMessage("end");
      const count = await flooded;
      worker.terminate();
      return count;
    },
  };
}
