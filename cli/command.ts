/**
 * What all commands have in common: arguments and streams in, an exit code out.
 *
 * @module
 */

import { escapeControls } from "./terminal/escape.ts";
import type { FlagTable } from "./flags.ts";
import type { BufferedWriter } from "./buffered_writer.ts";

/** The streams and signals of a command. */
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
  /** Returns the text of `--help`. */
  readonly help: () => string;
  /** Its flags. */
  readonly flags: FlagTable;
  /** The words that its first argument can be, for completion. */
  readonly words?: readonly string[];
  /** Runs it; resolves to the exit code. */
  run(args: string[], streams: Streams): Promise<number>;
}

/** What each command does, and a function that loads it, by name. */
export type Commands = Readonly<
  Record<string, readonly [about: string, load: () => Promise<Command>]>
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
 * Requests a graceful shutdown once stdin has ended or fails; ignores its content. A test harness, or a
 * task runner such as `npx`, may end without sending a signal, but its end always closes this pipe.
 */
export async function shutDownWithStdin({ stdin, signal, shutDown }: Streams): Promise<void> {
  await stdin.readable.pipeTo(new WritableStream(), { signal }).catch(() => {});
  shutDown("stdin is closed");
}

/**
 * Reports on stderr, as soon as it happens, that an output cannot be written. A reader that has left is
 * not reported.
 *
 * @param what returns the start of the line, such as `asyncpkt send: cannot write to stdout`.
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
