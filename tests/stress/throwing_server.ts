/**
 * A server that throws now and then, wherever it is called: in events, delays, sending, and the passing of
 * time. It runs in a process of its own, with a seed; when it has drained, it prints how many errors were
 * thrown and reported.
 *
 * @module
 */

import { Sessions } from "../../session/sessions.ts";
import { serve } from "../../server.ts";
import { randomIntegers } from "../support/random.ts";

const random = randomIntegers(Number(Deno.args[0]));
let thrown = 0;
let told = 0;

/** Throws once in so many calls. */
function perhaps(once: number): void {
  if (random(once) > 0) return;
  thrown++;
  throw new Error("as asked");
}

/** Makes a function throw once in so many calls. */
function makeThrow<T extends object>(owner: T, name: keyof T, once: number): void {
  const original = owner[name] as (...args: unknown[]) => unknown;
  owner[name] = function (this: T, ...args: unknown[]) {
    perhaps(once);
    return original.apply(this, args);
  } as T[keyof T];
}

makeThrow(Math, "random", 500);
makeThrow(WebSocket.prototype, "send", 3000);
makeThrow(Sessions.prototype, "advance", 200);
makeThrow(Sessions.prototype, "open", 10);

const events = {
  accepted: () => perhaps(100),
  evicted: () => perhaps(2),
  failed: () => void told++,
};
const server = serve({ port: 0, delay: { min: 0, max: 0.1 }, events });
console.log(`Listening on ${server.url}`);
Deno.addSignalListener("SIGTERM", async () => {
  const { dropped } = await server.drain();
  console.log(JSON.stringify({ thrown, told, dropped }));
  Deno.exit();
});
