/**
 * A server that is told to end amid a load: all that it has accepted is answered, beside a client that
 * never reads or closes.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { clientFrame, openRawSocket } from "../support/raw_tcp.ts";
import { startServerProcess } from "../support/server_process.ts";
import { endedBadly } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const ROUNDS = 10;

const CLIENTS = 4;

/** How many requests are accepted before it is told. */
const LEAD = 500;

/** How many the client has sent that is stuck. */
const STUCK = 100;

/** Drains a server under load, again and again. */
export async function draining(rounds = ROUNDS): Promise<Outcome> {
  const sum = { requests: 0, lost: 0 };
  const failures: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const { accepted, answered, ...result } = await drainOnce();
    sum.requests += accepted.size;
    sum.lost += accepted.difference(answered).size;
    for (const what of result.failures) failures.push(`round ${round}: ${what}`);
    const more = answered.difference(accepted).size;
    if (more > 0) failures.push(`round ${round}: ${more} answers to what was not accepted`);
  }
  return {
    ...sum,
    extent: `${rounds} times, beside ${CLIENTS} clients that go on sending and one that is stuck`,
    faults: rounds,
    failures,
  };
}

async function drainOnce() {
  await using server = await startServerProcess(["--delay", "0.1..1"]);
  const answered = new Set<string>();
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => Client.connect(server.url, { reconnect: false })),
  );
  const loads = clients.map(async (client, c) => {
    for (let i = 0, isOver = false; !isOver; i++) {
      const id = `${c}-${i}`;
      client.request("a&&b&&c", { id }).then(() => answered.add(id), () => isOver = true);
      await delay(1);
    }
  });
  using stuck = await openRawSocket(server.port);
  for (let i = 0; i < STUCK; i++) {
    await stuck.write(clientFrame(`{"request_id":"stuck-${i}","data":""}`));
  }
  const lines = await server.stdout.take(LEAD);
  const result = await server.stop();
  await Promise.all(loads);
  for (const client of clients) await client.closed;

  const failures = endedBadly(result);
  const last = result.stdout.at(-1);
  const ids = [...lines, ...result.stdout].flatMap((line) =>
    /^(\S+): Timeout/.exec(line)?.[1] ?? []
  );
  const accepted = new Set(ids.filter((id) => !id.startsWith("stuck")));
  if (ids.length !== accepted.size + STUCK) failures.push("an id was accepted twice, or never");
  const said = `Drained: ${formatCount(ids.length)} answered in all, 1 connection cut`;
  if (last !== said) failures.push(`the server said ${last}, expected ${said}`);
  return { accepted, answered, failures };
}
