/**
 * Clients that post and then stall: bodies that do not come, bodies that come byte by byte, answers that
 * are not read. The server gives each up in time, counts it until it leaves, and nobody else notices.
 *
 * @module
 */

import { exchange, writeAll } from "../support/raw_tcp.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
import { until } from "../support/until.ts";
import { expelledIn } from "./bad_clients.ts";
import { onServer, type Outcome, Tally } from "./trial.ts";

const SILENT = 400;
const DRIPPING = 20;
const UNREAD = 5;

/** One connection more: the bystander's. */
const ROOM = SILENT + DRIPPING + UNREAD + 1;

/** The most memory that a body may take that does not come, in bytes. */
const MEMORY_EACH = 120 << 10;

/** Longer than the server waits for any of them, in milliseconds. */
const LONGEST_WAIT = 60_000;

/** From one byte to the next of a body that comes byte by byte, in milliseconds. */
const DRIP = 500;

/** Its answers take 10 MB: more than the system keeps for a client that does not read. */
const LARGE = JSON.stringify(
  Array.from({ length: 100 }, (_, i) => ({ request_id: i, data: `a&&b&&${"c".repeat(100_000)}` })),
);

/** Has clients post and stall. */
export async function slowPosts(): Promise<Outcome> {
  const tally = new Tally();
  const flags = ["--max-packet-size", "16MiB", "--max-connections", `${ROOM}`];
  const expect = (what: string, holds: () => boolean | Promise<boolean>) =>
    until(what, holds, LONGEST_WAIT).catch(({ message }) => tally.failures.push(message));
  let each = 0;
  await onServer(
    tally,
    startServerProcess(["--delay", "0", "--quiet", ...flags]),
    async (server) => {
      const before = await server.memory();
      const silent = await startPosters(server.port, SILENT, "{");
      for (const poster of silent) poster.read();
      await expect("bodies that do not come get 408", async () => {
        each = Math.max(each, (await server.memory() - before) / SILENT);
        return silent.every(({ isLate }) => isLate);
      });
      tally.check(!(each > MEMORY_EACH), `a body that does not come takes ${each} bytes`);
      const unread = await startPosters(server.port, UNREAD, LARGE);
      const dripping = await startPosters(server.port, DRIPPING, "{");
      for (const poster of dripping) poster.read();
      const drip = setInterval(() => dripping.forEach((poster) => poster.write(" ")), DRIP);
      await expect(
        "bodies that come byte by byte get 408, and are closed",
        () => dripping.every(({ isLate, hasEnded }) => isLate && hasEnded),
      );
      clearInterval(drip);
      await expect("unread answers are given up", async () => {
        while (server.stdout.size > 0) tally.faults += expelledIn(await server.stdout.next());
        return tally.faults === UNREAD;
      });
      const others = await startPosters(server.port, DRIPPING, "{");
      tally.check(await isFull(server), "those that have not left no longer count");
      for (const poster of [...silent, ...dripping, ...unread, ...others]) poster.leave();
      await expect("there is room once they have left", async () => !await isFull(server));
    },
  );
  return {
    ...tally,
    extent:
      `${SILENT} POSTs whose body does not come, ${DRIPPING} whose body comes byte by byte, ` +
      `${UNREAD} whose answers are not read`,
    seen: `${Math.round(each / 1024)} KiB of the server's memory for each body that does not come`,
    badInputs: SILENT + DRIPPING,
  };
}

/** Whether the server has no room for another POST. */
async function isFull({ port }: ServerProcess): Promise<boolean> {
  const answer = await exchange(port, headOf(0));
  return answer.startsWith("HTTP/1.1 503 ");
}

function headOf(length: number): string {
  return `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${length}\r\n\r\n`;
}

/** Starts clients one after the other that post `text`: the start of a body of 100,000 bytes, or all. */
async function startPosters(port: number, count: number, text: string): Promise<Poster[]> {
  const head = headOf(Math.max(text.length, 100_000));
  const posters: Poster[] = [];
  while (posters.length < count) {
    const poster = new Poster(await Deno.connect({ hostname: "127.0.0.1", port }));
    await poster.write(head + text);
    posters.push(poster);
  }
  return posters;
}

/** A client that may stall. */
class Poster {
  /** Whether the server has closed the connection. */
  hasEnded = false;
  readonly #connection: Deno.Conn;
  #text = "";

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Whether it was answered that its body is too slow. */
  get isLate(): boolean {
    return this.#text.startsWith("HTTP/1.1 408 ");
  }

  async write(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    await writeAll(this.#connection, bytes).catch(() => {}); // the server has closed it
  }

  /** Reads until the connection ends. */
  async read(): Promise<void> {
    const buffer = new Uint8Array(1024);
    try {
      for (let count; (count = await this.#connection.read(buffer)) !== null;) {
        this.#text += new TextDecoder().decode(buffer.subarray(0, count));
      }
    } catch {
      // It was reset.
    }
    this.hasEnded = true;
  }

  leave(): void {
    this.#connection.close();
  }
}
