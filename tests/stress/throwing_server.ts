/**
 * A server that throws at random, wherever it is called: in events, delays, sending and timers. Its
 * argument is a seed. Once drained, it prints how many errors were thrown and reported.
 *
 * @module
 */

import { serve } from "../../server.ts";
import { Sessions } from "../../session/sessions.ts";
import { randomIntegers } from "../support/random.ts";

const random = randomIntegers(Number(Deno.args[0]));
let thrown = 0;
let reported = 0;

/** Throws once in `calls` calls. */
function perhaps(calls: number): void {
  if (random(calls) > 0) return;
  thrown++;
  throw new Error("as asked");
}

/** Makes a function throw once in `calls` calls. */
function makeThrow<T extends object>(owner: T, name: keyof T, calls: number): void {
  const original = owner[name] as (...args: unknown[]) => unknown;
  owner[name] = function (this: T, ...args: unknown[]) {
    perhaps(calls);
    return original.apply(this, args);
  } as T[keyof T];
}

makeThrow(Math, "random", 500);
makeThrow(WebSocket.prototype, "send", 3000);
makeThrow(Sessions.prototype, "advance", 200);
makeThrow(Sessions.prototype, "open", 10);

const server = serve({
  port: 0,
  delay: { min: 0, max: 0.1 },
  events: {
    accepted: () => perhaps(100),
    evicted: () => perhaps(2),
    failed: () => void reported++,
  },
});
console.log(`Listening on ${server.url}`);
Deno.addSignalListener("SIGTERM", async () => {
  const { dropped } = await server.drain();
  console.log(JSON.stringify({ thrown, reported, dropped }));
  Deno.exit();
});
