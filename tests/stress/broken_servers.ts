/**
 * Failure tests with servers that throw, run out of descriptors, or leave requests unanswered on purpose.
 *
 * @module
 */

import { formatCount } from "../../cli/figures.ts";
import { Client } from "../../client.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { startProgram } from "../support/program.ts";
import { listening, startServerProcess } from "../support/server_process.ts";
import { until } from "../support/until.ts";
import { ask, onServer, type Outcome, Tally, type TrialOptions } from "./trial.ts";

/** The server's own code throws, wherever Deno calls it. */
export async function throws({ seed, isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const clients = 10;
  const each = isQuick ? 500 : 10_000;
  const script = ["run", "--quiet", "--allow-net=127.0.0.1", "tests/stress/throwing_server.ts"];
  let internal = 0;
  const log = await onServer(
    tally,
    listening(startProgram(Deno.execPath(), [...script, `${seed}`])),
    async ({ url }) => {
      await Promise.all(Array.from({ length: clients }, async () => {
        await using client = await Client.connect(url);
        const datas = Array.from({ length: each }, (_, i) => dataOf(i));
        // Time to connect again: each connection may fail, and the waits in between grow.
        const options = { window: 100, timeout: 300_000 };
        for await (const { index, reply, error } of client.requests(datas, options)) {
          if (error?.code === "internal") internal++;
          else if (JSON.stringify(reply?.data) !== answerOf(index) && tally.lost++ === 0) {
            tally.failures.push(`the first that was lost: ${error ?? reply?.json}`);
          }
        }
      }));
    },
    { bystander: false, leaks: Infinity },
  );
  const { thrown, told, dropped } = JSON.parse(log.at(-1) ?? "{}");
  tally.check(told === thrown, `${thrown} errors, of which ${told} were reported`);
  tally.check(dropped === 0, `${dropped} requests were dropped in the end`);
  return {
    ...tally,
    extent:
      `events, delays, sending and timers that throw now and then, ${clients} clients, seed ${seed}`,
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
  const log = await onServer(
    tally,
    startServerProcess(["--delay", "0", "--quiet"], { maxFiles }),
    async (server) => {
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
        tally.check(!(files < maxFiles - 5), `round ${round}: it has ${files} files only`);
        const { requests } = tally;
        await until("the bystander is answered", () => tally.requests > requests + 1);
        for (const connection of flood) connection.close();
        let after: BrowserSocket | undefined;
        await until("it takes connections again", async () => {
          after = await openBrowserSocket(server.url).catch(() => undefined);
          return after !== undefined;
        });
        await ask(after!, tally);
        await after![Symbol.asyncDispose]();
      }
    },
  );
  const said = log.some((line) => /Too many open files/.test(line));
  tally.check(said, "the log has no line about it");
  const extent = `${rounds} times out of descriptors, of which it may have ${maxFiles}`;
  return { ...tally, extent, faults: rounds };
}

/** The server leaves requests unanswered, and must say in the end how many, and why. */
export async function accounting({ isQuick = false }: TrialOptions): Promise<Outcome> {
  const tally = new Tally();
  const requests = isQuick ? 100 : 1000;
  const left = 50;
  const faults = "drop=0.1,error=0.1,duplicate=0.1,garbage=0.1";
  const ends = { answered: 0, internal: 0, timed_out: 0 };
  const log = await onServer(
    tally,
    startServerProcess(["--delay", "1", "--quiet", "--seed", "7", "--fault", faults]),
    async (server) => {
      await using client = await Client.connect(server.url);
      await Promise.all(Array.from({ length: requests }, async () => {
        const code = await client.request("", { timeout: 5000 })
          .then(() => "answered" as const, ({ code }) => code as keyof typeof ends);
        tally.check(code in ends, `a request ended with ${code}`);
        ends[code]++;
      }));
      const leaving = await openBrowserSocket(server.url);
      leaving.send(Array.from({ length: left }, (_, i) => ({ request_id: `left ${i}`, data: "" })));
      await leaving[Symbol.asyncDispose]();
      await until("they are dropped", async () => (await server.health()).in_flight === 0);
    },
    { bystander: false },
  );
  const { answered, internal, timed_out } = ends;
  const summary = `Drained: ${formatCount(answered)} answered in all, ` +
    `${formatCount(timed_out)} left unanswered on purpose, ${left} dropped with their connections`;
  const said = log.find((line) => line.startsWith("Drained"));
  tally.check(said === summary, `the log says "${said}", expected "${summary}"`);
  return {
    ...tally,
    extent: `${formatCount(requests)} requests to a server with --fault ${faults}, and ${left} ` +
      "more whose client left",
    seen: `${formatCount(answered)} answered, ${formatCount(internal)} with the error internal, ` +
      `${formatCount(timed_out)} not, as the server says in the end`,
    requests: answered + internal,
    faults: timed_out + left,
  };
}

function dataOf(i: number): string {
  return `Hub&&id&&${i}`;
}

function answerOf(i: number): string {
  return `{"Hub":{"id":"${i}"}}`;
}
