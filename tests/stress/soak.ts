/**
 * `deno task soak`: a server under mixed load, with faults, for as long as one likes. In the end no request
 * is lost, none was answered twice, and nothing is left of it all: no memory, no file, no request.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { integer, seconds } from "../../cli/flags.ts";
import { formatCount } from "../../cli/figures.ts";
import { randomIntegers } from "../support/random.ts";
import { type ServerProcess, startServerProcess } from "../support/server_process.ts";
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
  type Outcome,
  randomSeed,
  scriptFlags,
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

/** The part of the time that is for warming up. */
const WARM_UP = 1 / 2;

/** How much more memory than after warming up there may be in the end. */
const MORE_MEMORY = 1.2;

/** How often the whole server is stopped, in such looks, and for how long, in milliseconds. */
const FREEZE_EVERY = 20;
const FREEZE = 500;

/** How often it is looked whether the load is over, in milliseconds. */
const LOOK_EVERY = 500;

const MEBIBYTE = 2 ** 20;

/** What a soak is told. */
export interface SoakOptions {
  /** In milliseconds. */
  readonly duration: number;
  readonly seed: number;
}

/** Soaks a server. */
export async function soak({ duration, seed }: SoakOptions): Promise<Outcome> {
  await using server = await startServerProcess(["--delay", "0..0.5", "--quiet"], {
    runFlags: COLLECTING,
  });
  const random = randomIntegers(seed);
  const shared = {
    url: server.url,
    port: server.port,
    random,
    counts: { requests: 0, lost: 0, badInputs: 0, faults: 0 },
    failures: new Set<string>(),
  };
  await load(server, { ...shared, isOver: false }, WARM_UP * duration);
  const settled = await keptMemory(server);
  await leftBehind(server, Infinity);
  const files = await server.files();
  await load(server, { ...shared, isOver: false }, (1 - WARM_UP) * duration);
  const after = await keptMemory(server);
  const failures = [...shared.failures, ...await leftBehind(server, files)];
  if (after > MORE_MEMORY * settled) {
    failures.push(
      `${mebibytes(after)} of memory are left, ${mebibytes(settled)} were after warming up`,
    );
  }
  failures.push(...endedBadly(await server.stop()));
  return {
    ...shared.counts,
    extent:
      `${CLIENTS.length} clients for ${
        duration / 1000
      } s, seed ${seed}: plain mode, asyncpkt.v1, ` +
      "POST, arrays, cancels, large packets, broken packets and frames, clients that die and come " +
      "back, the server stopped now and then",
    seen: `memory of ${mebibytes(settled)} after warming up, ${mebibytes(after)} in the end`,
    failures,
  };
}

/** Puts a server under load for a while, and waits until all that was asked for has come. */
async function load(server: ServerProcess, soak: Soak, duration: number): Promise<void> {
  const clients = CLIENTS.map(async (client) => {
    try {
      await client(soak);
    } catch (error) {
      soak.failures.add(`a client was broken off: ${error}`);
      soak.counts.lost++;
    }
  });
  const freezing = freezeNowAndThen(server, soak);
  await delay(duration);
  soak.isOver = true;
  await Promise.all([...clients, freezing]);
}

async function freezeNowAndThen(server: ServerProcess, soak: Soak): Promise<void> {
  for (let i = 1; !soak.isOver && !server.hasEnded; i++) {
    await delay(LOOK_EVERY);
    if (i % FREEZE_EVERY > 0) continue;
    server.kill("SIGSTOP");
    await delay(FREEZE);
    server.kill("SIGCONT");
    soak.counts.faults++;
  }
}

function mebibytes(bytes: number): string {
  return Number.isNaN(bytes) ? "an unknown amount" : `${(bytes / MEBIBYTE).toFixed(0)} MiB`;
}

if (import.meta.main) {
  const { seconds: duration, seed = randomSeed() } = scriptFlags("soak", "Soaks a server.", {
    seconds: seconds("SECONDS", "how long to go on [120]", 120),
    seed: integer(
      "N",
      "makes up the same load again, in another order [another each time]",
      undefined,
    ),
  });
  console.log(`soaking with seed ${seed} for ${duration / 1000} s`);
  const outcome = await soak({ duration, seed });
  const { requests, lost, badInputs, faults, failures, seen } = outcome;
  console.log(`${formatCount(requests)} requests, ${formatCount(lost)} lost or answered twice`);
  console.log(`${formatCount(badInputs!)} bad inputs, ${formatCount(faults!)} faults`);
  console.log(seen);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  if (!isPassed(outcome)) Deno.exitCode = 1;
}
