/**
 * What the commands have in common: arguments and streams in, an exit code out.
 *
 * @module
 */

import { escapeControls } from "./terminal/escape.ts";
import type { FlagTable } from "./flags.ts";
import type { BufferedWriter } from "./buffered_writer.ts";

/** What a command reads from and writes to. */
export interface Streams {
  readonly stdin: { readonly readable: ReadableStream<Uint8Array>; isTerminal(): boolean };
  readonly stdout: BufferedWriter;
  readonly stderr: BufferedWriter;
  /** Aborted by the first SIGINT or SIGTERM, or by `shutDown()`. */
  readonly signal: AbortSignal;
  /** Requests a graceful shutdown, as the first SIGTERM does. */
  shutDown(reason: string): void;
}

/** A command of the program, such as `serve`. */
export interface Command {
  /** The whole help, as `--help` shows it. */
  readonly help: string;
  /** The flags that it takes. */
  readonly flags: FlagTable;
  /** Runs it to its end; resolves to the exit code. */
  run(args: string[], streams: Streams): Promise<number>;
}

/** All commands of the program by name. */
export type Commands = Readonly<
  Record<string, {
    /** What it does, in a few words. */
    readonly about: string;
    readonly load: () => Promise<Command>;
  }>
>;

/** Resolves once `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

/**
 * Aborted when a command that writes to stdout must stop: by the first SIGINT or SIGTERM, or because
 * stdout cannot be written.
 */
export function stopSignal({ stdout, signal }: Streams): AbortSignal {
  return AbortSignal.any([signal, stdout.broken]);
}

/**
 * Reports on stderr, as soon as it happens, that an output cannot be written. A reader that has left is
 * not reported.
 *
 * @param what returns how the line begins, such as `asyncpkt send: cannot write to stdout`.
 */
export function reportFailure(
  output: BufferedWriter,
  what: () => string,
  stderr: BufferedWriter,
): void {
  output.broken.addEventListener("abort", () => {
    if (output.failure !== undefined) {
      stderr.write(escapeControls(`${what()}: ${output.failure.message}`) + "\n");
    }
  });
}
