/**
 * The flag `--exit-with-stdin`: ties the life of a command to the program that started it.
 *
 * The end of a test harness, or of a task runner between the two such as `npx`, need not reach the
 * command as a signal. But it always closes the pipe that the command has as stdin.
 *
 * @module
 */

import type { Streams } from "./command.ts";
import { toggle } from "./flags.ts";

/** The flag. */
export const exitWithStdin = toggle("shuts down, as on SIGTERM, when stdin closes");

/** Requests a graceful shutdown once stdin has ended or fails; ignores what stdin holds. */
export async function shutDownWithStdin({ stdin, signal, shutDown }: Streams): Promise<void> {
  await stdin.readable.pipeTo(new WritableStream(), { signal }).catch(() => {});
  shutDown("stdin is closed");
}
