/**
 * Failure tests with servers that end under load, by a signal, with a terminal or with a task runner, and with
 * servers that start after their clients.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { freePort } from "../support/free_port.ts";
import { startProgram, startTask } from "../support/program.ts";
import { randomIntegers } from "../support/random.ts";
import { clientFrame, openRawSocket } from "../support/raw_tcp.ts";
import { healthOf, listening, startServerProcess } from "../support/server_process.ts";
import { startOnTerminal, whyNoTerminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";
import { endedBadly, type Outcome, Tally, type TrialOptions } from "./trial.ts";

/** The server drains under load, beside a client that never reads or closes. */
export async function draining({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const rounds = isQuick ? 1 : 10;
  const clients = 4;
  for (let round = 0; round < rounds; round++) await drainOnce(clients, tally);
  return {
    ...tally,
    extent: `${rounds} times, beside ${clients} clients that go on sending and one that is stuck`,
    faults: rounds,
  };
}

async function drainOnce(clients: number, tally: Tally): Promise<void> {
  await using server = await startServerProcess(["--delay", "0.1..1"]);
  const answered = new Set<string>();
  const loads = Array.from({ length: clients }, async (_, c) => {
    const client = await Client.connect(server.url, { reconnect: false });
    for (let i = 0, isOver = false; !isOver; i++) {
      const id = `${c}-${i}`;
      client.request("a&&b&&c", { id }).then(() => answered.add(id), () => isOver = true);
      await delay(1);
    }
    await client.closed;
  });
  const stuckRequests = 100;
  using stuck = await openRawSocket(server.port);
  for (let i = 0; i < stuckRequests; i++) {
    await stuck.write(clientFrame(`{"request_id":"stuck-${i}","data":""}`));
  }
  const lines = await server.stdout.take(500); // so many are accepted before it drains
  const result = await server.stop();
  await Promise.all(loads);

  const ids = [...lines, ...result.stdout]
    .flatMap((line) => /^(\S+): Timeout/.exec(line)?.[1] ?? []);
  const accepted = new Set(ids.filter((id) => !id.startsWith("stuck")));
  const isOnce = ids.length === accepted.size + stuckRequests;
  tally.failures.push(...endedBadly(result));
  tally.check(isOnce, "an id was accepted twice, or never");
  tally.check(answered.isSubsetOf(accepted), "a request was answered that was not accepted");
  const last = result.stdout.at(-1);
  const summary = `Drained: ${formatCount(ids.length)} answered in all, 1 connection cut`;
  tally.check(last === summary, `the log ends with "${last}", expected "${summary}"`);
  tally.requests += accepted.size;
  tally.lost += accepted.difference(answered).size;
}

/** The server ends with its terminal, or with a task runner that is killed. */
export async function endings({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const missing = await whyNoTerminal();
  if (missing !== undefined) {
    return { extent: "nothing", requests: 0, lost: 0, failures: [missing] };
  }
  const tally = new Tally();
  const rounds = isQuick ? 1 : 10;
  const requests = 100;
  const task = ["task", "serve", "--port", "0", "--delay", "2..3", "--quiet"];
  /** Sends requests, ends the server while all are in flight, and counts the answers. */
  const loadUntil = async (url: string, end: () => Promise<void>) => {
    const client = await Client.connect(url, { reconnect: false });
    const sent = Array.from({ length: requests }, () => client.request("a&&b&&c"));
    const settled = Promise.allSettled(sent);
    const port = Number(new URL(url).port);
    await until("all are in flight", async () => (await healthOf(port)).in_flight === requests);
    await end();
    tally.requests += requests;
    tally.lost += (await settled).filter(({ status }) => status === "rejected").length;
    tally.faults++;
    await client.closed;
  };
  for (let round = 0; round < rounds; round++) {
    {
      // Under a task runner, Ctrl-C reaches a server twice.
      await using server = startOnTerminal(Deno.execPath(), task);
      const [, url] = /Listening on (\S+)/.exec(await server.shows(/^Listening on \S+:\d+$/m))!;
      await loadUntil(url!, () => server.type("\x03"));
      const { code, text } = await server.result();
      tally.check(code === 0, `round ${round}: the server ended with ${code}: ${text}`);
    }
    await using server = await listening(
      startProgram(Deno.execPath(), [...task, "--exit-with-stdin"]),
    );
    await loadUntil(server.url, async () => {
      server.kill("SIGKILL");
      await server.endInput(); // as the system does when a harness ends
    });
    const last = (await server.result()).stdout.at(-1); // once the server has closed its stdout, too
    const isDrained = last?.startsWith("Drained: ") ?? false;
    tally.check(isDrained, `round ${round}: the server's last words were ${last}`);
  }
  return {
    ...tally,
    extent: `${rounds} times Ctrl-C in a terminal, under deno task; ${rounds} times deno task ` +
      `killed, the server started with --exit-with-stdin; ${requests} requests in flight`,
  };
}

/** Servers start up to three seconds after their clients, which wait. */
export async function lateServers({ seed, isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const [rounds, clients, wait] = [isQuick ? 1 : 5, 50, 60];
  const random = randomIntegers(seed);
  let failed = 0;
  for (let round = 0; round < rounds; round++) {
    const port = freePort();
    const url = `ws://127.0.0.1:${port}`;
    const outcomes = Promise.allSettled(Array.from({ length: clients }, async () => {
      const options = { wait: 1000 * wait, onDisconnect: () => failed++ };
      await using client = await Client.connect(url, options);
      await client.request("a&&b&&c");
    }));
    const flags = ["--url", url, "--wait", "--timeout", `${wait}`];
    await using send = await startTask("send", ...flags, "a&&b&&c");
    await delay(random(3000));
    const serving = startTask("serve", "--port", `${port}`, "--delay", "0", "--quiet");
    await using server = await listening(await serving);
    tally.lost += (await outcomes).filter(({ status }) => status === "rejected").length;
    const { code, stdout, stderr } = await send.result(1000 * wait);
    if (stdout.length !== 1) tally.lost++;
    tally.check(code === 0, `send ended with ${code}: ${stderr}`);
    tally.failures.push(...endedBadly(await server.stop()));
  }
  return {
    ...tally,
    extent: `${rounds} times ${clients} clients of the library and one send, up to 3 s before ` +
      `their server; seed ${seed}`,
    seen: `${formatCount(failed)} attempts to connect failed before`,
    requests: rounds * (clients + 1),
    faults: rounds,
  };
}

/** How many requests are in flight when a server is killed. */
const REQUESTS = 1000;

/** Seconds that a request may take here; none may end by that. */
const TIMEOUT = 120;

/** Makes all requests; returns how many were answered, how many answers came twice, and what was resent. */
type Way = (url: string) => Promise<{ answered: number; twice: number; resent: number }>;

/** The server is killed amid requests and started again; each must be answered once. */
export async function killedServers({ seed, isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const rounds = isQuick ? 1 : 10;
  const [delays, pause] = isQuick ? ["0.2..1", 0.2] : ["1..5", 2];
  const random = randomIntegers(seed);
  let resent = 0;
  await Promise.all([byLibrary, bySend].map(async (way: Way) => {
    for (let round = 0; round < rounds; round++) {
      const port = freePort();
      const start = async () =>
        await listening(await startTask("serve", "--port", `${port}`, "--delay", delays));
      await using first = await start();
      const ending = way(`ws://127.0.0.1:${port}`);
      await first.stdout.next(); // the first request
      await delay(random(isQuick ? 500 : 5000));
      first.kill("SIGKILL");
      await first.result();
      await delay(1000 * pause);
      await using _second = await start();
      const result = await ending;
      tally.requests += REQUESTS;
      tally.lost += REQUESTS - result.answered + result.twice;
      tally.faults++;
      resent += result.resent;
      tally.check(result.twice === 0, `${result.twice} were answered twice`);
    }
  }));
  tally.check(resent > 0, "nothing was in flight when the server was killed");
  return {
    ...tally,
    extent: `${rounds} times each by the library and by send, ${formatCount(REQUESTS)} requests ` +
      `in flight, started again ${pause} s later; seed ${seed}`,
    seen: `${formatCount(resent)} requests were sent again`,
  };
}

const byLibrary: Way = async (url) => {
  let twice = 0;
  await using client = await Client.connect(url, { onUnmatched: () => twice++ });
  const replies = await Promise.all(Array.from({ length: REQUESTS }, async (_, i) => {
    const reply = await client.request(dataOf(i), { timeout: 1000 * TIMEOUT }).catch(() => {});
    return JSON.stringify(reply?.data) === answerOf(i);
  }));
  const answered = replies.filter((isRight) => isRight).length;
  return { answered, twice, resent: client.repairs.resent };
};

const bySend: Way = async (url) => {
  const flags = ["--concurrency", `${REQUESTS}`, "--timeout", `${TIMEOUT}`, "--json"];
  await using send = await startTask("send", "--url", url, ...flags);
  await send.write(Array.from({ length: REQUESTS }, (_, i) => dataOf(i) + "\n").join(""));
  await send.endInput();
  const { stdout, stderr } = await send.result(2000 * TIMEOUT);
  const ids = stdout.flatMap((line) => /"data":\{"Hub":\{"id":"(\d+)"\}\}/.exec(line)?.[1] ?? []);
  const answered = new Set(ids).size;
  const { resent } = JSON.parse(stderr.trimEnd().split("\n").at(-1)!).repairs;
  return { answered, twice: ids.length - answered, resent };
};

function dataOf(i: number): string {
  return `Hub&&id&&${i}`;
}

function answerOf(i: number): string {
  return `{"Hub":{"id":"${i}"}}`;
}
