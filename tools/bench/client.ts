/**
 * How many requests the library's client makes in a second, beside the socket alone. Arguments: a
 * way to send, the URL of a server, and how many requests.
 *
 * @module
 */

import { Client } from "../../client.ts";
import { encodeRequest } from "../../protocol.ts";
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

if (import.meta.main) {
  const [way, url, count] = Deno.args;
  const requests = Number(count);
  await WAYS[way!]!(url!, requests / 5); // the warm-up
  const from = performance.now();
  await WAYS[way!]!(url!, requests);
  console.log(requests / (performance.now() - from) * 1000);
  Deno.exit(0);
}
