/**
 * The memory that a process keeps, without garbage. Resident memory alone tells little: under load, V8
 * lets its young generation grow to as much as the rest of a server, and keeps that room.
 *
 * @module
 */

import type { ServerProcess } from "../support/program.ts";

/** Flags of `deno run` for a process that {@linkcode keptMemory} measures. */
export const COLLECTING: readonly string[] = [
  "--v8-flags=--expose-gc",
  `--preload=${new URL("./collect_garbage.ts", import.meta.url).pathname}`,
];

/** Has a process collect its garbage; returns the rest, in bytes, or NaN if the process has ended. */
export async function keptMemory(
  program: Pick<ServerProcess, "hasEnded" | "kill" | "stdout" | "memory">,
): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 5; i++) { // pages go back to the system bit by bit
    if (program.hasEnded) return NaN;
    program.kill("SIGUSR2");
    while (await program.stdout.next() !== "garbage collected");
    least = Math.min(least, await program.memory());
  }
  return least;
}
