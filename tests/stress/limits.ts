/**
 * Failure tests at the limits of a server: as much as they allow must be accepted, and one more refused.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { formatCount as count } from "../../cli/figures.ts";
import { closeAll, connectAll } from "../../load/connect.ts";
import { encodeFrame, encodeRequest } from "../../protocol.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { plainReplies, withoutDelay } from "../support/plain.ts";
import { exchange } from "../support/raw_tcp.ts";
import { startServerProcess } from "../support/program.ts";
import { PATIENCE, until } from "../support/waiting.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";
import { onServer, type Outcome, Tally, type TrialOptions } from "./trial.ts";

const ALONE = { bystander: false } as const;

/** Fills a server with requests in flight, on a connection and in all, and sends one more of each. */
export async function limits({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const [perConnection, connections] = isQuick ? [2000, 3] : [10_000, 100];
  const inAll = perConnection * connections;
  const limits = ["--max-in-flight", `${perConnection}`, "--max-in-flight-total", `${inAll}`];
  const starting = startServerProcess(["--delay", "600", "--quiet", ...limits]);
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
  }, ALONE);
  return {
    ...tally,
    extent: `${count(perConnection)} requests in flight on a connection, ` +
      `${count(inAll)} in all, and one more of each`,
    requests: inAll + connections + 2,
    badInputs: connections + 1,
    lost: tally.failures.length,
  };
}

/** Opens 10,000 connections, with a request in flight on each. */
export async function manyConnections({ isQuick = false }: TrialOptions): Promise<Outcome> {
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
  await onServer(tally, startServerProcess(["--quiet", ...flags]), async (server) => {
    const before = await server.memory();
    const url = new URL(server.url);
    const { signal } = new AbortController();
    const sockets = await connectAll({ url, connections, timeout: 60_000, signal });
    const idle = await server.memory();
    const next = await exchange(server.port, upgradeRequest());
    tally.check(next.startsWith("HTTP/1.1 503 "), `one more was accepted: ${next}`);

    const answers = new Map<string, number>();
    let ends = 0;
    for (const [i, socket] of sockets.entries()) {
      socket.listen({
        message: (text = "") => {
          const answer = withoutDelay(text);
          answers.set(answer, (answers.get(answer) ?? 0) + 1);
        },
        end: () => ends++,
      });
      socket.send(packet(i));
    }
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
    await closeAll(sockets);
  }, ALONE);
  return {
    ...tally,
    extent: `${count(connections)} connections, one request in flight on each, and one too many` +
      (connections < wanted ? ` (${wanted} need more open files than there may be here)` : ""),
    seen,
    requests: connections,
  };
}
