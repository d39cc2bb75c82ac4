/**
 * Limits: what is as much as they allow is taken in, and what is one past them is refused with its error.
 *
 * @module
 */

import { formatCount as count } from "../../cli/figures.ts";
import { encodeFrame, encodeRequest } from "../../protocol.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { exchange } from "../support/raw_tcp.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { until } from "../support/until.ts";
import { upgradeRequest } from "../../websocket/handshake.ts";
import { endedBadly, leftBehind } from "./left_behind.ts";
import type { Outcome } from "./trial.ts";

/** The limits where nothing else is said; {@linkcode limits} may be told smaller ones. */
const DEFAULTS = {
  maxPacketSize: 1 << 20,
  maxInFlight: 10_000,
  maxInFlightTotal: 1_000_000,
  maxConsecutiveErrors: 100,
  maxConnectionsPerAddress: 1000,
};

/** How many requests are sent in a frame. */
const TOGETHER = 1000;

/** What is tried, and what comes of it. */
interface Tally {
  requests: number;
  badInputs: number;
  readonly failures: string[];
}

/** Goes to the limits, and one past them. */
export async function limits(options: Partial<typeof DEFAULTS> = {}): Promise<Outcome> {
  const limits = { ...DEFAULTS, ...options };
  const flags = [
    ...["--quiet", "--max-packet-size", `${limits.maxPacketSize}`],
    ...["--max-in-flight", `${limits.maxInFlight}`],
    ...["--max-in-flight-total", `${limits.maxInFlightTotal}`],
    ...["--max-wrong", `${limits.maxConsecutiveErrors}`],
    ...["--max-connections-per-address", `${limits.maxConnectionsPerAddress}`],
  ];
  const tally: Tally = { requests: 0, badInputs: 0, failures: [] };
  const tries: [delay: string, attempt: typeof tryPacketSize][] = [
    ["0", tryPacketSize],
    ["0", tryWrongInARow],
    ["600", tryInFlight],
    ["600", tryConnections],
  ];
  for (const [delay, attempt] of tries) {
    await using server = await startServerProcess(["--delay", delay, ...flags]);
    await attempt(server, limits, tally);
    tally.failures.push(...await leftBehind(server, Infinity), ...endedBadly(await server.stop()));
  }
  return {
    ...tally,
    extent: `a packet of ${count(limits.maxPacketSize)} bytes and of one more; ` +
      `${count(limits.maxConsecutiveErrors)} wrong packets in a row and one fewer; ` +
      `${count(limits.maxInFlight)} requests in flight on a connection and ` +
      `${count(limits.maxInFlightTotal)} in all, and one more of each; ` +
      `${count(limits.maxConnectionsPerAddress)} connections of an address and one more`,
    lost: tally.failures.length,
  };
}

/** Looks whether the next answer is to `id`: with this error, or with data. */
async function expect(
  what: string,
  socket: BrowserSocket,
  id: number,
  code: string | undefined,
  { failures }: Tally,
): Promise<void> {
  const frame = await socket.frames.next();
  const [answer] = [JSON.parse(frame)].flat();
  if (answer.request_id === id && answer.error?.code === code) return;
  failures.push(`${what}: want ${code ?? "an answer"} to ${id}, got ${frame.slice(0, 200)}`);
}

async function tryPacketSize(
  server: ServerProcess,
  { maxPacketSize }: typeof DEFAULTS,
  tally: Tally,
): Promise<void> {
  await using socket = await openBrowserSocket(server.url);
  const room = maxPacketSize - encodeRequest(1, "").length;
  socket.send(encodeRequest(1, "x".repeat(room)));
  await expect("a packet at the limit", socket, 1, undefined, tally);
  socket.send(encodeRequest(1, "x".repeat(room + 1)));
  await expect("a packet past the limit", socket, 1, "packet_too_large", tally);
  tally.requests += 2;
  tally.badInputs++;
}

async function tryWrongInARow(
  server: ServerProcess,
  { maxConsecutiveErrors }: typeof DEFAULTS,
  tally: Tally,
): Promise<void> {
  await using socket = await openBrowserSocket(server.url);
  for (let i = 1; i < maxConsecutiveErrors; i++) socket.send("{");
  socket.send(encodeRequest(1, ""));
  for (let i = 1; i < maxConsecutiveErrors; i++) await socket.frames.next();
  await expect("one wrong packet fewer than the limit", socket, 1, undefined, tally);
  for (let i = 0; i < maxConsecutiveErrors; i++) socket.send("{");
  const { code } = await socket.closed;
  if (code !== 1008) tally.failures.push(`as many wrong packets in a row: closed with ${code}`);
  if (socket.frames.size !== maxConsecutiveErrors) {
    tally.failures.push("not each wrong packet was answered");
  }
  tally.requests += 2 * maxConsecutiveErrors;
  tally.badInputs += 2 * maxConsecutiveErrors - 1;
}

async function tryInFlight(
  server: ServerProcess,
  { maxInFlight: inFlight, maxInFlightTotal }: typeof DEFAULTS,
  tally: Tally,
): Promise<void> {
  await using sockets = new AsyncDisposableStack();
  let sent = 0;
  const isTaken = async () => (await server.health()).in_flight === sent;
  let last: BrowserSocket | undefined;
  while (sent < maxInFlightTotal) {
    last = sockets.use(await openBrowserSocket(server.url, ["asyncpkt.v1"]));
    for (let i = 0; i < inFlight && sent < maxInFlightTotal;) {
      const length = Math.min(TOGETHER, inFlight - i, maxInFlightTotal - sent);
      last.send(encodeFrame(Array.from({ length }, () => encodeRequest(i++, ""))));
      sent += length;
    }
    if (sent > inFlight) continue;
    last.send(encodeRequest(inFlight, ""));
    await expect("one past the limit of a connection", last, inFlight, "overloaded", tally);
  }
  await until("as many are in flight as may be", isTaken).catch(() => {
    tally.failures.push("fewer than the limit were taken in");
  });
  const other = sockets.use(await openBrowserSocket(server.url));
  other.send(encodeRequest(1, ""));
  await expect("one past the limit in all", other, 1, "overloaded", tally);
  last!.send('{"request_id":0,"cancel":true}');
  await expect("a cancel", last!, 0, "cancelled", tally);
  other.send(encodeRequest(1, ""));
  await until("there is room for one again", isTaken).catch(() => {
    tally.failures.push("there is no room where one was cancelled");
  });
  tally.requests += sent + 3;
}

async function tryConnections(
  server: ServerProcess,
  { maxConnectionsPerAddress }: typeof DEFAULTS,
  tally: Tally,
): Promise<void> {
  await using sockets = new AsyncDisposableStack();
  for (let i = 1; i < maxConnectionsPerAddress; i++) {
    sockets.use(await openBrowserSocket(server.url));
  }
  {
    await using _ = await openBrowserSocket(server.url);
    const answer = await exchange(server.port, upgradeRequest());
    if (!answer.startsWith("HTTP/1.1 503 ")) {
      tally.failures.push(`one connection too many: ${answer.slice(0, 12)}`);
    }
  }
  await until("one has left", async () => {
    return (await server.health()).connections === maxConnectionsPerAddress - 1;
  });
  await using _ = await openBrowserSocket(server.url);
  tally.badInputs++;
}
