/**
 * How many requests the library's client makes in a second, beside the socket alone. Arguments as a
 * program: a way to send, the URL of a server, and how many requests.
 *
 * @module
 */

import { Client } from "../../../client.ts";
import { encodeRequest } from "../../../protocol.ts";
import { freePort, output } from "../../../tests/support/machine.ts";
import { deno, here, pinned, start } from "../measure.ts";
import { interleave, ratioGoal, resultTable, type Section } from "../report.ts";
import type { Servers } from "../servers.ts";
import { SMALL } from "./conversion.ts";

const WINDOW = 256;

const FRAMES = Array.from({ length: 1000 }, (_, i) => encodeRequest(String(i), SMALL));

/** Sends frames that exist already, without the client. */
async function socketAlone(url: string, requests: number): Promise<void> {
  const socket = new WebSocket(url);
  await new Promise((resolve) => socket.onopen = resolve);
  const { promise, resolve } = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  socket.onmessage = () => {
    if (++answered === requests) resolve();
    if (sent < requests) socket.send(FRAMES[sent++ % FRAMES.length]!);
  };
  while (sent < WINDOW) socket.send(FRAMES[sent++]!);
  await promise;
  socket.onmessage = null;
  socket.close();
}

async function client(url: string, requests: number): Promise<void> {
  await using client = await Client.connect(url);
  let sent = 0;
  const loop = async () => {
    while (sent++ < requests) await client.request(SMALL);
  };
  await Promise.all(Array.from({ length: WINDOW }, loop));
}

async function clientOverIterable(url: string, requests: number): Promise<void> {
  await using client = await Client.connect(url);
  for await (const { error } of client.requests(repeat(SMALL, requests), { window: WINDOW })) {
    if (error !== undefined) throw error;
  }
}

function* repeat(data: string, times: number): Generator<string> {
  for (let i = 0; i < times; i++) yield data;
}

const WAYS: Readonly<Record<string, (url: string, requests: number) => Promise<void>>> = {
  socketAlone,
  client,
  clientOverIterable,
};

const REQUESTS = "500000";

/** Measures requests per second with 256 in flight, against a server that does not convert. */
export async function measureClient(servers: Servers, rounds: number): Promise<Section> {
  const [plain, shared] = [freePort(), freePort()];
  const run = (port: number, shares: boolean) =>
    start(pinned(0, servers.fastAnswers.command(port, shares)), port);
  await using _plain = await run(plain, false);
  await using _shared = await run(shared, true);
  const program = deno("--allow-net=127.0.0.1", here("parts/client.ts"));
  const requests = (way: string, port: number) => async () =>
    Number(await output(pinned(1, [...program, way, `ws://127.0.0.1:${port}`, REQUESTS])));
  const measured = await interleave(rounds, {
    "the socket alone": requests("socketAlone", plain),
    "request()": requests("client", plain),
    "requests()": requests("clientOverIterable", plain),
    "request(), frames shared": requests("client", shared),
    "requests(), frames shared": requests("clientOverIterable", shared),
  });
  return {
    title: "The client",
    text:
      "256 requests in flight on one connection, against a server that answers without converting.",
    goals: [
      ratioGoal(measured, "request()", "the socket alone", 0.45),
      ratioGoal(measured, "request(), frames shared", "the socket alone", 0.75),
    ],
    table: resultTable(["", "requests/s"], measured, 0),
  };
}

if (import.meta.main) {
  const [way, url, count] = Deno.args;
  const requests = Number(count);
  await WAYS[way!]!(url!, requests / 5); // the warm-up
  const from = performance.now();
  await WAYS[way!]!(url!, requests);
  console.log(requests / (performance.now() - from) * 1000);
  Deno.exit(0);
}
