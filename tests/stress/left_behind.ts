/**
 * What is left of it all, on a server or of one.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { ProgramResult } from "../support/program.ts";
import type { Target } from "../support/server_process.ts";
import { PATIENCE } from "../support/until.ts";

/** How long until it is looked again whether anything is left, in milliseconds. */
const LOOK_AGAIN = 50;

/**
 * Waits until nothing of what was done to a server is left: no connection, no request in flight, no more
 * files open than `files`. Returns what is left for all the waiting, a sentence each.
 */
export async function leftBehind(
  target: Target,
  files: number,
  patience: number = PATIENCE,
): Promise<string[]> {
  const end = performance.now() + patience;
  while (true) {
    const left = await look(target, files);
    if (left.length === 0 || target.hasEnded || performance.now() > end) return left;
    await delay(LOOK_AGAIN);
  }
}

async function look(target: Target, files: number): Promise<string[]> {
  if (target.hasEnded) return ["the server's process has ended"];
  const { connections, in_flight } = await target.health();
  const open = await target.files();
  return [
    connections > 0 ? [`${connections} connections are left`] : [],
    in_flight > 0 ? [`${in_flight} requests are left in flight`] : [],
    open > files ? [`${open} files are open, ${files} were before`] : [],
  ].flat();
}

/** What was wrong with how a server ended that was told to, a sentence each. */
export function endedBadly({ code, stderr }: ProgramResult): string[] {
  return code === 0 && stderr === "" ? [] : [`the server ended with ${code}: ${stderr}`];
}
