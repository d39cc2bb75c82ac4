/**
 * Failure tests with servers that throw, run out of file descriptors, or are killed.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { freePort } from "../support/machine.ts";
import { listening, startServerProcess, startTask } from "../support/program.ts";
import { randomIntegers } from "../support/random.ts";
import { until } from "../support/waiting.ts";
import { ask, onServer, type Outcome, Tally, type TrialOptions } from "./trial.ts";

const dataOf = (i: number) => `Hub&&id&&${i}`;
const answerOf = (i: number) => `{"Hub":{"id":"${i}"}}`;

/** The server's own code throws, wherever Deno calls it. */
export async function throws({ seed, isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const clients = 10;
  const each = isQuick ? 500 : 10_000;
  const runFlags = [`--preload=${new URL(`./throwing.ts?${seed}`, import.meta.url)}`];
  const starting = startServerProcess(["--delay", "0..0.1", "--quiet"], { runFlags });
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
  tally.check(log.some((line) => line.startsWith("Drained: ")), "it did not drain");
  return {
    ...tally,
    extent: "delays, sending, timers and new connections that throw at random, " +
      `${clients} clients, seed ${seed}`,
    seen: `${formatCount(internal)} requests were answered with internal`,
    requests: clients * each,
    faults: Number(log.find((line) => line.startsWith("thrown: "))?.slice(8)),
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

/** How many requests are in flight when a server is killed. */
const REQUESTS = 1000;

/** The server is killed with requests of `send` in flight and restarted; each must be answered once. */
export async function killedServers({ seed, isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const rounds = isQuick ? 1 : 10;
  const [delays, pause] = isQuick ? ["0.2..1", 0.2] : ["1..5", 2];
  const random = randomIntegers(seed);
  const flags = ["--concurrency", `${REQUESTS}`, "--timeout", "120", "--json"];
  let resent = 0;
  for (let round = 0; round < rounds; round++) {
    const port = freePort();
    const start = async () =>
      await listening(await startTask("serve", "--port", `${port}`, "--delay", delays));
    await using first = await start();
    await using send = await startTask("send", "--url", first.url, ...flags);
    await send.write(Array.from({ length: REQUESTS }, (_, i) => dataOf(i) + "\n").join(""));
    await send.endInput();
    await first.stdout.next(); // the first request
    await delay(random(isQuick ? 500 : 5000));
    first.kill("SIGKILL");
    await first.result();
    await delay(1000 * pause);
    await using _second = await start();
    const { stdout, stderr } = await send.result(240_000);
    const ids = stdout.flatMap((line) => /"data":\{"Hub":\{"id":"(\d+)"\}\}/.exec(line)?.[1] ?? []);
    const twice = ids.length - new Set(ids).size;
    tally.check(twice === 0, `${twice} were answered twice`);
    tally.requests += REQUESTS;
    tally.lost += REQUESTS - ids.length + 2 * twice;
    tally.faults++;
    resent += JSON.parse(stderr.trimEnd().split("\n").at(-1)!).repairs.resent;
  }
  tally.check(resent > 0, "nothing was in flight when the server was killed");
  return {
    ...tally,
    extent: `${rounds} times, ${formatCount(REQUESTS)} requests in flight, restarted ${pause} s ` +
      `later; seed ${seed}`,
    seen: `${formatCount(resent)} requests were sent again`,
  };
}
