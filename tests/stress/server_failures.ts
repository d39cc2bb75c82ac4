/**
 * Failure tests with servers at their limits, servers that throw, run out of file descriptors, or are
 * killed.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { connectAll } from "../../load/connect.ts";
import { encodeFrame, encodeRequest } from "../../protocol.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { freePort } from "../support/machine.ts";
import { plainReplies, withoutDelay } from "../support/plain.ts";
import { listening, startServerProcess, startTask } from "../support/program.ts";
import { randomIntegers } from "../support/random.ts";
import { exchange } from "../support/raw_tcp.ts";
import { PATIENCE, until } from "../support/waiting.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";
import { ask, onServer, Tally, type TransportTrialOptions, type TrialOutcome } from "./trial.ts";

const dataOf = (i: number) => `Hub&&id&&${i}`;
const answerOf = (i: number) => `{"Hub":{"id":"${i}"}}`;

/** The server's own code throws, wherever Deno calls it. */
export async function throws(
  { seed, transport, isQuick = false }: TransportTrialOptions,
): Promise<TrialOutcome> {
  const tally = new Tally();
  const clients = 10;
  const each = isQuick ? 500 : 10_000;
  const runFlags = [`--preload=${new URL(`./throwing.ts?${seed}`, import.meta.url)}`];
  const starting = startServerProcess(["--delay", "0..0.1", "--quiet", "--websocket", transport], {
    runFlags,
  });
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
export async function descriptors(
  { transport, isQuick = false }: TransportTrialOptions,
): Promise<TrialOutcome> {
  const tally = new Tally();
  const rounds = isQuick ? 1 : 10;
  const maxFiles = 80;
  const starting = startServerProcess(["--delay", "0", "--quiet", "--websocket", transport], {
    maxFiles,
  });
  const log = await onServer(tally, starting, async (server) => {
    for (let round = 0; round < rounds; round++) {
      const flood: Deno.Conn[] = [];
      while (flood.length < 2 * maxFiles) { // more do not fit into the queue of the system
        const { port } = server;
        const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => {});
        if (connection === undefined) break;
        flood.push(connection);
      }
      // A connection takes more than one descriptor for a moment, so a few may be free.
      await until("it runs out of files", async () => !(await server.files() < maxFiles - 5));
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
export async function killedServers(
  { seed, transport, isQuick = false }: TransportTrialOptions,
): Promise<TrialOutcome> {
  const tally = new Tally();
  const rounds = isQuick ? 1 : 10;
  const [delays, pause] = isQuick ? ["0.2..1", 0.2] : ["1..5", 2];
  const random = randomIntegers(seed);
  const flags = ["--concurrency", `${REQUESTS}`, "--timeout", "120", "--json"];
  let resent = 0;
  for (let round = 0; round < rounds; round++) {
    const port = freePort();
    const start = async () =>
      await listening(
        await startTask("serve", "--port", `${port}`, "--delay", delays, "--websocket", transport),
      );
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

/** Fills a server with requests in flight, on a connection and in all, and sends one more of each. */
export async function limits(
  { transport, isQuick = false }: TransportTrialOptions,
): Promise<TrialOutcome> {
  const tally = new Tally();
  const [perConnection, connections] = isQuick ? [2000, 3] : [10_000, 100];
  const inAll = perConnection * connections;
  const limits = ["--max-in-flight", `${perConnection}`, "--max-in-flight-total", `${inAll}`];
  const starting = startServerProcess([
    "--delay",
    "600",
    "--quiet",
    "--websocket",
    transport,
    ...limits,
  ]);
  await onServer(tally, starting, async (server) => {
    await using sockets = new AsyncDisposableStack();
    const connect = async () => sockets.use(await openBrowserSocket(server.url));
    const isFull = async () => (await server.health()).in_flight === inAll;
    const expect = async (code: string, socket: BrowserSocket) => {
      const frame = await socket.frames.next();
      tally.check(frame.includes(`"code":"${code}"`), `expected ${code}, got ${frame}`);
    };
    let last: BrowserSocket | undefined;
    for (let c = 0; c < connections; c++) {
      last = await connect();
      for (let id = 0; id < perConnection;) {
        last.send(encodeFrame(Array.from({ length: 1000 }, () => encodeRequest(id++, ""))));
      }
      last.send(encodeRequest("one more", ""));
      await expect("overloaded", last);
    }
    await until("as many are in flight as may be", isFull);
    const other = await connect();
    other.send(encodeRequest(1, ""));
    await expect("overloaded", other);
    last!.send('{"request_id":0,"cancel":true}');
    await expect("cancelled", last!);
    other.send(encodeRequest(1, ""));
    await until("another takes the place of the cancelled one", isFull);
  }, { bystander: false });
  return {
    ...tally,
    extent: `${formatCount(perConnection)} requests in flight on a connection, ` +
      `${formatCount(inAll)} in all, and one more of each`,
    requests: inAll + connections + 2,
    badInputs: connections + 1,
    lost: tally.failures.length,
  };
}

/** Opens 10,000 connections, with a request in flight on each. */
export async function manyConnections(
  { transport, isQuick = false }: TransportTrialOptions,
): Promise<TrialOutcome> {
  const tally = new Tally();
  const wanted = isQuick ? 50 : 10_000;
  const limits = await Deno.readTextFile("/proc/self/limits").catch(() => "");
  const files = Number(/Max open files\s+(\d+)/.exec(limits)?.[1]);
  const connections = Math.min(wanted, Number.isNaN(files) ? wanted : files - 200);
  const packet = (i: number) => encodeRequest(i, `Hub&&name&&qwe&&id&&${i}`);
  const kib = (bytes: number) => (bytes / connections / 1024).toFixed(1);
  // So late that all are in flight before the first is due.
  const flags = ["--delay", isQuick ? "0.5..0.6" : "20..24", "--max-connections", `${connections}`];
  let seen = "";
  await onServer(
    tally,
    startServerProcess(["--quiet", "--websocket", transport, ...flags]),
    async (server) => {
      const before = await server.memory();
      const url = new URL(server.url);
      const { signal } = new AbortController();
      const sockets = await connectAll({ url, connections, timeout: 60_000, signal });
      const idle = await server.memory();
      const next = await exchange(server.port, upgradeRequest());
      tally.check(next.startsWith("HTTP/1.1 503 "), `one more was accepted: ${next}`);

      const answers = new Map<string, number>();
      let ends = 0;
      const running = sockets.map(({ connection, surplus }, i) => {
        connection.listen({
          onMessage: (message) => {
            const answer = withoutDelay(String(message));
            answers.set(answer, (answers.get(answer) ?? 0) + 1);
          },
          onEnd: () => ends++,
        });
        connection.send(packet(i));
        return connection.run(surplus);
      });
      await until("all requests are in flight", async () => {
        return (await server.health()).in_flight === connections;
      }).catch(({ message }) => tally.failures.push(message));
      const busy = await server.memory();
      seen = Number.isNaN(busy)
        ? "the memory is unknown"
        : `${kib(idle - before)} KiB of the server's memory for each connection, ` +
          `${kib(busy - before)} KiB with its request`;
      const end = performance.now() + 25_000 + 2 * PATIENCE;
      while (answers.size + ends < connections && performance.now() < end) await delay(100);
      tally.lost = sockets.filter((_, i) => answers.get(plainReplies(packet(i))[0]!) !== 1).length;
      tally.check(ends === 0, `${ends} connections were lost`);
      for (const { connection } of sockets) connection.close(1000);
      await Promise.all(running);
    },
    { bystander: false },
  );
  return {
    ...tally,
    extent:
      `${formatCount(connections)} connections, one request in flight on each, and one too many` +
      (connections < wanted ? ` (${wanted} need more open files than there may be here)` : ""),
    seen,
    requests: connections,
  };
}
