/**
 * A client that floods beside one that does not: how late are the answers to the second?
 *
 * `deno run --allow-net=127.0.0.1 --allow-read --allow-run reliability/flood.ts [SECONDS]`
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { Client, type Reply } from "../client.ts";
import { startTask } from "../testing/program.ts";

/** How long the flood goes on before the other client begins, in milliseconds. */
const LEAD = 1000;

/** How many requests the flooding client keeps in flight; what it sends beyond is refused. */
const IN_FLIGHT = 10_000;

/** How the client fared that does not flood; times are beyond the requests' delays, in milliseconds. */
export interface FloodResult {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  /** Requests of the client that does not flood. */
  readonly sent: number;
  readonly answered: number;
  /** Packets of the one that does. */
  readonly flooded: number;
}

/**
 * Floods a server, in a process of its own, for some seconds; meanwhile another client sends `rate`
 * requests a second.
 */
export async function measureFlood(seconds: number, rate = 1): Promise<FloodResult> {
  await using server = await startTask(
    ...["serve", "--port", "0", "--quiet", "--max-in-flight", `${IN_FLIGHT}`] as const,
  );
  const url = (await server.stdout.next()).replace("Listening on ", "");
  await using client = await Client.connect(url, { timeout: 60_000 });
  const flood = await startFlood(Number(new URL(url).port));
  await delay(LEAD);
  const late: number[] = [];
  const requests: Promise<void>[] = [];
  const end = performance.now() + 1000 * seconds;
  do {
    const request = client.request("a&&b&&c");
    const note = (reply: Reply) => void late.push(reply.latency - 1000 * reply.delay!);
    requests.push(request.then(note, () => {}));
    await delay(1000 / rate);
  } while (performance.now() < end);
  await Promise.all(requests);
  const flooded = await flood.end();

  late.sort((a, b) => a - b);
  const quantile = (part: number) => late[Math.ceil(part * late.length) - 1] ?? Infinity;
  return {
    p50: quantile(0.5),
    p95: quantile(0.95),
    max: quantile(1),
    sent: requests.length,
    answered: late.length,
    flooded,
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

if (import.meta.main) {
  const result = await measureFlood(Number(Deno.args[0] ?? 10));
  console.log(JSON.stringify(result, (_, value) => Math.round(10 * value) / 10 || value));
}
