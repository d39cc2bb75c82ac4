/**
 * Servers that end with what started them: Ctrl-C in a terminal, which reaches a server under a task
 * runner twice, and a task runner that is killed.
 *
 * @module
 */

import { Client } from "../../client.ts";
import { startProgram } from "../support/program.ts";
import { healthOf, listening } from "../support/server_process.ts";
import { startOnTerminal, whyNoTerminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";
import type { Outcome } from "./trial.ts";

const ROUNDS = 10;

/** Requests in flight when the server must end. */
const REQUESTS = 100;

const TASK = ["task", "serve", "--port", "0", "--delay", "2..3", "--quiet"];

/** Ends servers in both ways, again and again. */
export async function endings(rounds = ROUNDS): Promise<Outcome> {
  const missing = await whyNoTerminal();
  if (missing !== undefined) {
    return { extent: "nothing", requests: 0, lost: 0, failures: [missing] };
  }
  const sum = { requests: 0, lost: 0 };
  const failures: string[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const end of [interrupt, killRunner]) {
      const { answered, failure } = await end();
      sum.requests += REQUESTS;
      sum.lost += REQUESTS - answered;
      if (failure !== undefined) failures.push(`round ${round}: ${failure}`);
    }
  }
  return {
    ...sum,
    extent: `${rounds} times Ctrl-C in a terminal, under deno task; ${rounds} times deno task ` +
      `killed, the server started with --exit-with-stdin; ${REQUESTS} requests in flight`,
    faults: 2 * rounds,
    failures,
  };
}

/** What one server has come to. */
interface Ending {
  readonly answered: number;
  readonly failure?: string;
}

async function interrupt(): Promise<Ending> {
  await using server = startOnTerminal(Deno.execPath(), TASK);
  const [, url] = /Listening on (\S+)/.exec(await server.shows(/^Listening on \S+:\d+$/m))!;
  const answered = await answersAround(url!, () => server.type("\x03"));
  const { code, text } = await server.result();
  return { answered, ...code !== 0 && { failure: `the server ended with ${code}: ${text}` } };
}

async function killRunner(): Promise<Ending> {
  const runner = startProgram(Deno.execPath(), [...TASK, "--exit-with-stdin"]);
  await using server = await listening(runner);
  const answered = await answersAround(server.url, async () => {
    server.kill("SIGKILL");
    await server.endInput(); // as the system does when a harness ends
  });
  const { stdout } = await server.result(); // once the server has closed its stdout, too
  const isDrained = stdout.at(-1)?.startsWith("Drained: ");
  return {
    answered,
    ...!isDrained && { failure: `the server's last words were ${stdout.at(-1)}` },
  };
}

/** Sends requests, has the server end while all are in flight, and counts the answers. */
async function answersAround(url: string, end: () => Promise<void>): Promise<number> {
  const client = await Client.connect(url, { reconnect: false });
  const requests = Array.from({ length: REQUESTS }, () => client.request("a&&b&&c"));
  const settled = Promise.allSettled(requests);
  const port = Number(new URL(url).port);
  await until("all are in flight", async () => (await healthOf(port)).in_flight === REQUESTS);
  await end();
  const answered = (await settled).filter(({ status }) => status === "fulfilled").length;
  await client.closed;
  return answered;
}
