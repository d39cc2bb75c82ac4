/**
 * For `--preload`: makes a server throw at random in delays, sending, timers and new connections. Its
 * URL has the seed as its query. On SIGTERM, it prints how many errors were thrown.
 *
 * @module
 */

import { Sessions } from "../../session/sessions.ts";
import { randomIntegers } from "../support/random.ts";

const random = randomIntegers(Number(new URL(import.meta.url).search.slice(1)));
let thrown = 0;

/** Makes a function throw once in `calls` calls. */
function makeThrow<T extends object>(owner: T, name: keyof T, calls: number): void {
  const original = owner[name] as (...args: unknown[]) => unknown;
  owner[name] = function (this: T, ...args: unknown[]) {
    if (random(calls) > 0) return original.apply(this, args);
    thrown++;
    throw new Error("as asked");
  } as T[keyof T];
}

makeThrow(Math, "random", 500);
makeThrow(WebSocket.prototype, "send", 3000);
makeThrow(Sessions.prototype, "advance", 200);
makeThrow(Sessions.prototype, "open", 10);
Deno.addSignalListener("SIGTERM", () => console.log(`thrown: ${thrown}`));
