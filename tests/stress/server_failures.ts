/**
 * Failure tests with servers that throw, run out of file descriptors, drain under load, or are killed.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { freePort } from "../support/machine.ts";
import { listening, startProgram, startServerProcess, startTask } from "../support/program.ts";
import { randomIntegers } from "../support/random.ts";
import { clientFrame, openRawSocket } from "../support/raw_tcp.ts";
import { until } from "../support/waiting.ts";
import { ask, endedBadly, onServer, type Outcome, Tally, type TrialOptions } from "./trial.ts";

const dataOf = (i: number) => `Hub&&id&&${i}`;
const answerOf = (i: number) => `{"Hub":{"id":"${i}"}}`;

/** The server's own code throws, wherever Deno calls it. */
export async function throws({ seed, isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const clients = 10;
  const each = isQuick ? 500 : 10_000;
  const script = ["run", "--quiet", "--allow-net=127.0.0.1", "tests/stress/throwing_server.ts"];
  const starting = listening(startProgram(Deno.execPath(), [...script, `${seed}`]));
  let internal = 0;
  const log = await onServer(tally, starting, async ({ url }) => {
    await Promise.all(Array.from({ length: clients }, async () => {
      await using client = await Client.connect(url);
      const datas = Array.from({ length: each }, (_, i) => dataOf(i));
      // Long enough to reconnect, since each attempt may fail and the waits in between grow.
      const options = { window: 100, timeout: 300_000 };
      for await (const { index, reply, error } of client.requests(datas, options)) {
        if (error?.code === "internal") internal++;
        else if (JSON.stringify(reply?.data) !== answerOf(index)) {
          tally.lose(1, `lost: ${error ?? reply?.json}`);
        }
      }
    }));
  }, { bystander: false, leaks: Infinity });
  const { thrown, reported, dropped } = JSON.parse(log.at(-1) ?? "{}");
  tally.check(reported === thrown, `${thrown} errors, of which ${reported} were reported`);
  tally.check(dropped === 0, `${dropped} requests were dropped in the end`);
  return {
    ...tally,
    extent: "events, delays, sending and timers that throw at random, " +
      `${clients} clients, seed ${seed}`,
    seen: `${formatCount(internal)} requests were answered with internal`,
    requests: clients * each,
    faults: thrown,
  };
}

/** The server runs out of file descriptors; its clients must not notice. */
export async function descriptors({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const rounds = isQuick ? 1 : 10;
  const maxFiles = 80;
  const starting = startServerProcess(["--delay", "0", "--quiet"], { maxFiles });
  const log = await onServer(tally, starting, async (server) => {
    for (let round = 0; round < rounds; round++) {
      const flood: Deno.Conn[] = [];
      while (flood.length < 10 * maxFiles) {
        const { port } = server;
        const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => {});
        if (connection === undefined) break;
        flood.push(connection);
      }
      // A connection takes more than one descriptor for a moment, so a few may be free.
      const files = await server.files();
      tally.check(!(files < maxFiles - 5), `round ${round}: it has only ${files} files`);
      const { requests } = tally;
      await until("the bystander is answered", () => tally.requests > requests + 1);
      for (const connection of flood) connection.close();
      let after: BrowserSocket | undefined;
      await until("it accepts connections again", async () => {
        after = await openBrowserSocket(server.url).catch(() => undefined);
        return after !== undefined;
      });
      await ask(after!, tally);
      await after![Symbol.asyncDispose]();
    }
  });
  const isReported = log.some((line) => /Too many open files/.test(line));
  tally.check(isReported, "the log does not report it");
  const extent = `${rounds} times out of descriptors, of which it may have ${maxFiles}`;
  return { ...tally, extent, faults: rounds };
}

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
  const summary = `Drained: ${formatCount(ids.length)} answered, 1 connection cut`;
  tally.check(last === summary, `the log ends with "${last}", expected "${summary}"`);
  tally.requests += accepted.size;
  tally.lost += accepted.difference(answered).size;
}

/** How many requests are in flight when a server is killed. */
const REQUESTS = 1000;

/** Longer than any request takes, in seconds. */
const TIMEOUT = 120;

/** Makes all requests; returns how many were answered, answered twice, and sent again. */
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
  return { answered, twice, resent: client.retryStats.resent };
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
