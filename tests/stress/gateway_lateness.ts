/**
 * A gateway without delays: the lateness that it reports is what its answers took, whatever the uptime.
 *
 * @module
 */

import { openBrowserSocket } from "../support/browser_socket.ts";
import { startNatsServer, whyNoNatsServer } from "../support/nats_server.ts";
import { startTask } from "../support/program.ts";
import { parseMetrics } from "../support/prometheus.ts";
import { startServerProcess } from "../support/server_process.ts";
import { isAnswered } from "./bystander.ts";
import type { Outcome } from "./trial.ts";

const REQUESTS = 200;

/** Sends requests one after the other, so that nothing else is in flight when one comes. */
export async function gatewayLateness(): Promise<Outcome> {
  const missing = await whyNoNatsServer();
  if (missing !== undefined) {
    return { extent: "nothing", requests: 0, lost: 0, failures: [missing] };
  }
  await using nats = await startNatsServer();
  await using server = await startServerProcess(["--quiet", "--delay", "0", "--nats", nats.url]);
  await using worker = await startTask("work", "--nats", nats.url);
  await worker.stdout.next();
  await using socket = await openBrowserSocket(server.url, []);
  const startedAt = performance.now();
  let lost = 0;
  for (let i = 0; i < REQUESTS; i++) if (!await isAnswered(socket, i)) lost++;
  const took = performance.now() - startedAt;

  const url = `${server.url.replace("ws", "http")}/metrics`;
  const samples = parseMetrics(await fetch(url).then((response) => response.text()));
  const reported = 1000 * samples.get("asyncpkt_lateness_seconds_sum")!;
  const each = (time: number) => `${(time / REQUESTS).toFixed(1)} ms`;
  return {
    extent: `${REQUESTS} requests one after the other, by a gateway and a worker`,
    seen: `late by ${each(reported)} on average, of ${each(took)} until the client has the answer`,
    requests: REQUESTS,
    lost,
    failures: reported > 0 && reported < took ? [] : [`it reports ${each(reported)} for each`],
  };
}
