/**
 * Servers for tests on Node: {@linkcode start} starts one in a process of its own, which ends with
 * the test's.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Rule } from "../session/rules_schema.ts";
import { TestServer } from "./control.ts";
import { programCommand } from "./program.ts";

export type { ClockState, OpenConnection, Release, Settings } from "../server/steering.ts";
export type { JournalEntry, JournalFilter } from "../session/journal.ts";
export type { RuleState } from "../session/rules.ts";
export type { Effect, Match, Rule } from "../session/rules_schema.ts";
export type * from "./control.ts";

/** Options of {@linkcode start}. Those without a description are the flags of `asyncpkt serve`. */
export interface StartOptions {
  /** What happens to the requests that they match. */
  readonly rules?: readonly Rule[];
  readonly clock?: "real" | "skip" | "manual" | `x${number}`;
  /** Such as `"0.1..0.2"`, or seconds. */
  readonly delay?: string | number;
  readonly seed?: number;
  /** Such as `"drop=0.1,error=0.2"`. */
  readonly fault?: string;
  readonly websocket?: "deno" | "strict";
  /** The token that clients must send. */
  readonly token?: string;
  /** More arguments of `asyncpkt serve`. */
  readonly args?: readonly string[];
}

/**
 * Starts a server on a free port.
 *
 * @throws {Error} with what the server reports, if it cannot start.
 */
export async function start(options: StartOptions = {}): Promise<TestServer> {
  const { rules, token, args: more = [], ...flags } = options;
  if (rules === undefined) return await startProcess(flags, more, token);
  const folder = await mkdtemp(join(tmpdir(), "asyncpkt-"));
  try {
    const file = join(folder, "rules.json");
    await writeFile(file, JSON.stringify(rules));
    return await startProcess({ ...flags, rules: file }, more, token);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function startProcess(
  flags: Readonly<Record<string, unknown>>,
  more: readonly string[],
  token: string | undefined,
): Promise<TestServer> {
  const { command, args, env } = programCommand([
    ..."serve --port=0 --control --log-format=json --quiet --exit-with-stdin".split(" "),
    "--drain-timeout=1ms", // answers in flight are of no use when a test has ended
    ...Object.entries(flags).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}=${value}`]
    ),
    ...more,
  ]);
  const child = spawn(command, args, { env: { ...env, ASYNCPKT_TOKEN: token } });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => errors += text);
  const ended = once(child, "close");
  const log = createInterface(child.stdout);
  const first = await Promise.race([once(log, "line"), ended]);
  if (typeof first[0] !== "string") throw new Error(errors.trim());
  child.stderr.pipe(process.stderr);

  // A test that forgets to close the server ends nevertheless, and the server with it.
  const handles = [child, ...child.stdio as unknown as Socket[]];
  for (const handle of handles) handle.unref();
  const { url, control } = JSON.parse(first[0]);
  return new TestServer(url, control, token, async () => {
    for (const handle of handles) handle.ref();
    child.stdin.end();
    await ended;
  });
}
