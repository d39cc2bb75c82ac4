/**
 * What NATS adds to the lateness: the same load on a server by itself, and on a gateway with two workers.
 *
 * `deno run --allow-all tests/stress/nats_lateness.ts [SECONDS] [RATE…]`
 *
 * @module
 */

import { startNatsServer } from "../support/nats_server.ts";
import { startTask, taskArgs } from "../support/program.ts";
import { startServerProcess } from "../support/server_process.ts";

/** How late answers were, in milliseconds beyond their delays. */
export interface Lateness {
  readonly mode: "by itself" | "behind NATS";
  /** Requests a second. */
  readonly rate: number;
  readonly answered: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Measures both at each rate, one after the other, all on this machine. */
export async function measureLateness(
  seconds: number,
  rates: readonly number[],
): Promise<Lateness[]> {
  await using nats = await startNatsServer();
  const behind = ["--nats", nats.url];
  await using alone = await startServerProcess(["--quiet"]);
  await using gateway = await startServerProcess(["--quiet", ...behind]);
  await using one = await startTask("work", ...behind);
  await using two = await startTask("work", ...behind);
  await one.stdout.next();
  await two.stdout.next();
  const servers = [["by itself", alone], ["behind NATS", gateway]] as const;
  const lateness: Lateness[] = [];
  for (const rate of rates) {
    for (const [mode, { url }] of servers) {
      lateness.push({ mode, rate, ...await load(url, rate, seconds) });
    }
  }
  return lateness;
}

async function load(
  url: string,
  rate: number,
  seconds: number,
): Promise<Omit<Lateness, "mode" | "rate">> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...await taskArgs("bench"),
      ...["--url", url, "-q", `${rate}`, "-p", "10000", "-z", `${seconds}s`, "-t", "60"],
      ...["--output-format", "json"],
    ],
  }).output();
  const { counts, overhead_ms: overhead } = JSON.parse(new TextDecoder().decode(stdout));
  const { p50, p99 } = overhead.percentiles;
  return { answered: counts.answered, p50, p99, max: overhead.max };
}

if (import.meta.main) {
  const [seconds = 20, ...rates] = Deno.args.map(Number);
  console.table(await measureLateness(seconds, rates.length > 0 ? rates : [100, 500, 1000]));
}
