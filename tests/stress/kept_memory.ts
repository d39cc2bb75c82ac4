/**
 * The memory that a process keeps, without the garbage that V8 has not collected yet.
 *
 * What a process has resident says little: under load, V8 lets its young generation grow to as much as
 * the rest of a server, and keeps that room for later.
 *
 * @module
 */

import type { ServerProcess } from "../support/server_process.ts";

/** The flags of `deno run` for a process that {@linkcode keptMemory} is to look at. */
export const COLLECTING: readonly string[] = [
  "--v8-flags=--expose-gc",
  `--preload=${new URL("./collect_garbage.ts", import.meta.url).pathname}`,
];

/** How often memory is looked at. The least counts, as pages go back to the system bit by bit. */
const LOOKS = 5;

/** Has a process collect its garbage; returns what is left, in bytes. NaN if the process has ended. */
export async function keptMemory(
  program: Pick<ServerProcess, "hasEnded" | "kill" | "stdout" | "memory">,
): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < LOOKS; i++) {
    if (program.hasEnded) return NaN;
    program.kill("SIGUSR2");
    while (await program.stdout.next() !== "garbage collected");
    least = Math.min(least, await program.memory());
  }
  return least;
}
