/**
 * How many requests the library's client makes in a second, beside the socket alone.
 *
 * @module
 */

import { Client } from "../../client.ts";
import { encodeRequest } from "../../protocol.ts";
import { SMALL } from "./conversion.ts";

const WINDOW = 256;

/** The socket alone: as many frames in flight, each sent as it was made beforehand. */
async function socketAlone(url: string, requests: number): Promise<number> {
  const socket = new WebSocket(url);
  await new Promise((resolve) => socket.onopen = resolve);
  const frames = Array.from({ length: 1000 }, (_, i) => encodeRequest(String(i), SMALL));
  const { promise, resolve } = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  socket.onmessage = () => {
    if (++answered === requests) resolve();
    if (sent < requests) socket.send(frames[sent++ % frames.length]!);
  };
  const from = performance.now();
  while (sent < WINDOW) socket.send(frames[sent++]!);
  await promise;
  const took = performance.now() - from;
  socket.onmessage = null;
  socket.close();
  return requests / took * 1000;
}

/** The client: `WINDOW` loops of a request and its answer. */
async function client(url: string, requests: number): Promise<number> {
  await using client = await Client.connect(url);
  let sent = 0;
  const loop = async () => {
    while (sent++ < requests) await client.request(SMALL);
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: WINDOW }, loop));
  return requests / (performance.now() - from) * 1000;
}

/** The client's way for many, over an iterable. */
async function clientOverIterable(url: string, requests: number): Promise<number> {
  await using client = await Client.connect(url);
  const from = performance.now();
  for await (const { error } of client.requests(repeat(SMALL, requests), { window: WINDOW })) {
    if (error !== undefined) throw error;
  }
  return requests / (performance.now() - from) * 1000;
}

function* repeat(data: string, times: number): Generator<string> {
  for (let i = 0; i < times; i++) yield data;
}

const WAYS = { socketAlone, client, clientOverIterable };

if (import.meta.main) {
  const [way, url, requests] = Deno.args;
  const measure = WAYS[way as keyof typeof WAYS];
  await measure(url!, Number(requests) / 5);
  console.log(await measure(url!, Number(requests)));
  Deno.exit(0);
}
