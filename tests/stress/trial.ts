/**
 * What failure tests, fuzzers and the soak share: results, counts, servers under test, and command lines.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { Exit, type FlagTable, UsageError } from "../../cli/command.ts";
import { flagHelp, type FlagValues, HELP_FLAG, readFlags } from "../../cli/flags.ts";
import { encodeRequest } from "../../protocol.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { plainReplies } from "../support/plain.ts";
import type { ProgramResult, ServerProcess, Target } from "../support/program.ts";
import { PATIENCE } from "../support/waiting.ts";

/** Transports of a server. */
export const TRANSPORTS = ["deno", "strict"] as const;

/** A transport of a server. */
export type Transport = typeof TRANSPORTS[number];

/** Options for a failure test. */
export interface TrialOptions {
  /** Duration of tests that can run for any time, in milliseconds. */
  readonly duration: number;
  readonly seed: number;
  /** Whether to do little, for the daily tests. */
  readonly isQuick?: boolean;
}

/** Options for a failure test that is about WebSockets. */
export interface TransportTrialOptions extends TrialOptions {
  /** Transport of the server. */
  readonly transport: Transport;
}

/** Result of a failure test. */
export interface TrialOutcome {
  /** What was done, such as `20 clients for 30 s`. */
  readonly extent: string;
  /** Further observations, such as the memory used. */
  readonly seen?: string;
  /** Requests that were owed an answer. */
  readonly requests: number;
  /** Requests that got no answer, a wrong one, or more than one. */
  readonly lost: number;
  /** Wrong frames, packets and handshakes. */
  readonly badInputs?: number;
  /** Broken connections, killed or stopped processes, exhausted descriptors, and thrown errors. */
  readonly faults?: number;
  /** What went wrong, a sentence each. */
  readonly failures: readonly string[];
}

/** Returns whether nothing went wrong. */
export function isPassed({ lost, failures }: TrialOutcome): boolean {
  return lost === 0 && failures.length === 0;
}

/** After so many failures of a kind, more of them tell nothing new. */
const MAX_FAILURES = 20;

/** Counts for an {@linkcode TrialOutcome}. */
export class Tally {
  requests = 0;
  lost = 0;
  badInputs = 0;
  faults = 0;
  readonly failures: string[] = [];

  /** Adds a failure, unless `holds`. */
  check(holds: boolean, failure: string): void {
    if (!holds) this.failures.push(failure);
  }

  /** Counts lost requests, and keeps the first reasons. */
  lose(count: number, reason: string): void {
    this.lost += count;
    if (this.failures.length < MAX_FAILURES) this.failures.push(reason.slice(0, 700));
  }
}

/** Returns a new random seed. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Int32Array(1))[0]! & 0x3fffffff;
}

/** Options for {@linkcode onServer}. */
export interface OnServerOptions {
  /** Whether another client sends requests meanwhile. @default {true} */
  bystander?: boolean;
  /** Open files that Deno may leak. @default {0} */
  leaks?: number;
}

/**
 * Runs `act` on a server in a process. Meanwhile a bystander sends requests, which must be answered at
 * once. At the end, nothing may be left on the server, and it must drain and exit with 0.
 *
 * @returns the lines of its log that `act` has not taken.
 */
export async function onServer(
  tally: Tally,
  starting: Promise<ServerProcess>,
  act: (server: ServerProcess) => Promise<void>,
  { bystander = true, leaks = 0 }: OnServerOptions = {},
): Promise<string[]> {
  await using server = await starting;
  await (await openBrowserSocket(server.url))[Symbol.asyncDispose]();
  await leftBehind(server, Infinity);
  const files = await server.files(); // after those that a server opens once
  if (bystander) await besideBystander(server.url, tally, () => act(server));
  else await act(server);
  tally.failures.push(...await leftBehind(server, files + leaks));
  const result = await server.stop();
  tally.failures.push(...endedBadly(result));
  return result.stdout;
}

async function besideBystander(url: string, tally: Tally, act: () => Promise<void>) {
  await using socket = await openBrowserSocket(url);
  let isOver = false;
  const asking = (async () => {
    do {
      await ask(socket, tally);
      await delay(20);
    } while (!isOver);
  })();
  try {
    await act();
  } finally {
    isOver = true;
    await asking;
  }
}

/** Sends a request, and counts it as lost unless its answer comes next. */
export async function ask(socket: BrowserSocket, tally: Tally): Promise<void> {
  const packet = encodeRequest(tally.requests, `Hub&&name&&qwe&&id&&${tally.requests}`);
  tally.requests++;
  socket.send(packet);
  if (await socket.frames.next().catch(() => "") !== plainReplies(packet)[0]) tally.lost++;
}

/**
 * Waits until a server has no connection, no request in flight, and at most `files` open files. After
 * `patience` milliseconds, returns what is left, a sentence each.
 */
export async function leftBehind(
  target: Target,
  files: number,
  patience: number = PATIENCE,
): Promise<string[]> {
  const end = performance.now() + patience;
  while (true) {
    if (target.hasEnded) return ["the server's process has ended"];
    const { connections, in_flight } = await target.health();
    const open = await target.files();
    const left = [
      ...connections > 0 ? [`${connections} connections are left`] : [],
      ...in_flight > 0 ? [`${in_flight} requests are left in flight`] : [],
      ...open > files ? [`${open} files are open, ${files} were before`] : [],
    ];
    if (left.length === 0 || performance.now() > end) return left;
    await delay(50);
  }
}

/** Returns what was wrong with the end of a server that was drained, a sentence each. */
export function endedBadly({ code, stderr }: ProgramResult): string[] {
  return code === 0 && stderr === "" ? [] : [`the server ended with ${code}: ${stderr}`];
}

/** Reads the command line of a script; ends the process on `--help` and on wrong usage. */
export function scriptFlags<T extends FlagTable>(
  task: string,
  does: string,
  table: T,
): FlagValues<T> {
  const all = { ...table, help: HELP_FLAG };
  const help = `${does}\n\nUsage: deno task ${task} [flags]\n\n${flagHelp(table)}`;
  try {
    const flags = readFlags(all, Deno.args);
    if (!flags.help) return flags as FlagValues<T>;
    console.log(help);
    Deno.exit(Exit.ok);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${task}: ${error.message}; see deno task ${task} --help`);
    Deno.exit(Exit.usage);
  }
}
