/**
 * `deno task soak`: a server under mixed load, with faults. At the end, no request is lost or answered
 * twice, and neither memory, files nor requests are left.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { choice, integer, time } from "../../cli/flags.ts";
import { formatCount } from "../../cli/figures.ts";
import { randomIntegers } from "../support/random.ts";
import { type ServerProcess, startServerProcess } from "../support/program.ts";
import { COLLECTING, keptMemory } from "./kept_memory.ts";
import {
  dyingClient,
  libraryClient,
  mixedClient,
  oddClient,
  postingClient,
  type Soak,
  type SoakClient,
} from "./soak_clients.ts";
import {
  endedBadly,
  isPassed,
  leftBehind,
  randomSeed,
  scriptFlags,
  Tally,
  TRANSPORTS,
  type TransportTrialOptions,
  type TrialOutcome,
} from "./trial.ts";

/** The clients, all at once. */
const CLIENTS: readonly SoakClient[] = [
  ...Array<SoakClient>(10).fill(mixedClient([])),
  ...Array<SoakClient>(10).fill(mixedClient(["asyncpkt.v1"])),
  ...Array<SoakClient>(3).fill(libraryClient),
  ...Array<SoakClient>(4).fill(postingClient),
  ...Array<SoakClient>(6).fill(dyingClient),
  ...Array<SoakClient>(2).fill(oddClient),
];

/** The most memory at the end, as a multiple of the memory after warming up. */
const MORE_MEMORY = 1.2;

/** How often the server is stopped, and for how long, in milliseconds. */
const FREEZE_EVERY = 10_000;
const FREEZE = 500;

/** Soaks a server; the first half of the time warms it up. */
export async function soak(
  { duration, seed, transport }: TransportTrialOptions,
): Promise<TrialOutcome> {
  const flags = ["--delay", "0..0.5", "--quiet", "--websocket", transport];
  await using server = await startServerProcess(flags, { runFlags: COLLECTING });
  const { url, port } = server;
  const tally = new Tally();
  const random = randomIntegers(seed);
  const load = () =>
    putUnderLoad(
      server,
      { url, port, transport, random, tally, isOver: false },
      duration / 2,
    );
  await load();
  const settled = await keptMemory(server);
  await leftBehind(server, Infinity);
  const files = await server.files();
  await load();
  const after = await keptMemory(server);
  tally.failures.push(...await leftBehind(server, files));
  const seen = `memory of ${mib(settled)} after warming up, ${mib(after)} in the end`;
  tally.check(!(after > MORE_MEMORY * settled), seen);
  tally.failures.push(...endedBadly(await server.stop()));
  return {
    ...tally,
    extent: `${CLIENTS.length} clients for ${duration / 1000} s, seed ${seed}: plain mode, ` +
      "asyncpkt.v1, POST, arrays, cancels, large packets, broken packets and frames, clients that " +
      "die and come back, the server stopped now and then",
    seen,
  };
}

/** Puts a server under load for a while, and waits until all answers have come. */
async function putUnderLoad(server: ServerProcess, soak: Soak, duration: number): Promise<void> {
  const clients = CLIENTS.map((client) =>
    client(soak).catch((error) => soak.tally.lose(1, `a client was broken off: ${error}`))
  );
  const freezing = freezeNowAndThen(server, soak);
  await delay(duration);
  soak.isOver = true;
  await Promise.all([...clients, freezing]);
}

async function freezeNowAndThen(server: ServerProcess, soak: Soak): Promise<void> {
  let next = performance.now() + FREEZE_EVERY;
  for (; !soak.isOver && !server.hasEnded; await delay(FREEZE)) {
    if (performance.now() < next) continue;
    server.kill("SIGSTOP");
    await delay(FREEZE);
    server.kill("SIGCONT");
    soak.tally.faults++;
    next += FREEZE_EVERY;
  }
}

function mib(bytes: number): string {
  return Number.isNaN(bytes) ? "an unknown amount" : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

if (import.meta.main) {
  const { seconds: duration, seed = randomSeed(), websocket: transport } = scriptFlags(
    "soak",
    "Soaks a server.",
    {
      seconds: time("how long to go on [120]", 120_000),
      seed: integer("repeats the load, in another order [random]", undefined),
      websocket: choice("transport of the server [deno]", TRANSPORTS),
    },
  );
  console.log(`soaking the transport ${transport} with seed ${seed} for ${duration / 1000} s`);
  const outcome = await soak({ duration, seed, transport });
  const { requests, lost, badInputs, faults, failures, seen } = outcome;
  console.log(`${formatCount(requests)} requests, ${formatCount(lost)} lost or answered twice`);
  console.log(`${formatCount(badInputs!)} bad inputs, ${formatCount(faults!)} faults`);
  console.log(seen);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  if (!isPassed(outcome)) Deno.exitCode = 1;
}
