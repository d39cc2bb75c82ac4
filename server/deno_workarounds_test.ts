import { setImmediate } from "node:timers";
import { assert, assertGreater, assertLess } from "@std/assert";
import { clientFrame, openRawSocket } from "../tests/support/raw_tcp.ts";
import { ReadFairness } from "./deno_workarounds.ts";

/**
 * Far more messages than a turn of {@linkcode ReadFairness} has, and few enough for the socket's
 * buffers.
 */
const MESSAGES = 20_000;

/**
 * Sends a server many messages at once; returns how many it handles before the event loop turns.
 */
async function messagesInOneTurn(onSocket: (socket: WebSocket) => () => void): Promise<number> {
  const inOneTurn = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<void>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    const onMessage = onSocket(socket);
    let count = 0;
    socket.onmessage = () => {
      if (count++ === 0) setImmediate(() => inOneTurn.resolve(count));
      onMessage();
    };
    socket.onerror = socket.onclose = () => ended.resolve();
    return response;
  });
  const peer = await openRawSocket(server.addr.port);
  const frame = clientFrame("x");
  const frames = new Uint8Array(MESSAGES * frame.length);
  for (let at = 0; at < frames.length; at += frame.length) frames.set(frame, at);
  for (let at = 0; at < frames.length;) at += await peer.write(frames.subarray(at));
  const count = await inOneTurn.promise;
  peer.close();
  await ended.promise;
  return count;
}

Deno.test("ReadFairness lets the event loop turn after 1 MiB of messages and their costs", async () => {
  const count = await messagesInOneTurn((socket) => {
    const fairness = new ReadFairness(socket, (error) => {
      throw error;
    });
    return () => {
      fairness.spend(1);
      fairness.endIfSpent();
    };
  });
  assertLess(count, 1000);
});

Deno.test("Deno starves the event loop while a WebSocket has messages; else ReadFairness can go", async () => {
  assertGreater(await messagesInOneTurn(() => () => {}), 1000);
});

Deno.test("ReadFairness finds the private members of Deno's WebSocket that it replaces", async () => {
  let found: unknown[] = [];
  await messagesInOneTurn((socket) => {
    found = [WebSocket.prototype, socket].flatMap(Object.getOwnPropertySymbols)
      .map(({ description }) => description);
    return () => {};
  });
  for (const name of ["[[eventLoop]]", "[[readyState]]"]) assert(found.includes(name), name);
});
