/**
 * What a server says in the end of the requests that it answered and did not, beside what its clients saw.
 *
 * @module
 */

import { Client } from "../../client.ts";
import { formatCount as count } from "../../cli/figures.ts";
import { openBrowserSocket } from "../support/browser_socket.ts";
import { startServerProcess } from "../support/server_process.ts";
import { until } from "../support/until.ts";
import { endedBadly } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

const FAULTS = "drop=0.1,error=0.1,duplicate=0.1,garbage=0.1";

/** How long a client waits, in milliseconds, for answers that are due after a second. */
const TIMEOUT = 5000;

/** How many requests are in flight when their client leaves, whose answers are not due. */
const LEFT = 50;

/** Has a server answer, withhold and lose answers, and compares its account with that of the clients. */
export async function accounting(requests = 1000): Promise<Outcome> {
  const failures: string[] = [];
  const seen = { answered: 0, refused: 0, unanswered: 0 };
  await using server = await startServerProcess([
    ...["--delay", "1", "--quiet", "--seed", "7", "--fault", FAULTS, "--log-format", "text"],
  ]);
  await using client = await Client.connect(server.url);
  await Promise.all(Array.from({ length: requests }, async () => {
    const code = await client.request("", { timeout: TIMEOUT })
      .then(() => "answered", ({ code }) => code);
    if (code === "answered") seen.answered++;
    else if (code === "internal") seen.refused++;
    else if (code === "timed_out") seen.unanswered++;
    else failures.push(`a request ended with ${code}`);
  }));
  const leaving = await openBrowserSocket(server.url);
  leaving.send(Array.from({ length: LEFT }, (_, i) => ({ request_id: `left ${i}`, data: "" })));
  await leaving[Symbol.asyncDispose]();
  await until("they are dropped", async () => (await server.health()).in_flight === 0);
  await client.close();
  const result = await server.stop();
  failures.push(...endedBadly(result));
  const expected = `Drained: ${count(seen.answered)} answered in all, ` +
    `${count(seen.unanswered)} left unanswered on purpose, ${LEFT} dropped with their connections`;
  const said = result.stdout.find((line) => line.startsWith("Drained"));
  if (said !== expected) failures.push(`the server said ${said}, expected ${expected}`);
  return {
    extent: `${count(requests)} requests to a server with --fault ${FAULTS}, and ${LEFT} more ` +
      "whose client left",
    seen: `${count(seen.answered)} answered, ${count(seen.refused)} with the error internal, ` +
      `${count(seen.unanswered)} not, as the server says in the end`,
    requests: seen.answered + seen.refused,
    lost: 0,
    faults: seen.unanswered + LEFT,
    failures,
  };
}
