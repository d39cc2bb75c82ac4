/**
 * What the commands have in common: arguments and streams in, an exit code out.
 *
 * @module
 */

import { escapeControls } from "./terminal/escape.ts";
import type { FlagTable } from "./flags.ts";
import type { Output } from "./buffered_writer.ts";

/** The exit codes. */
export const Exit = {
  ok: 0,
  /** Some requests were answered with an error. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** There is no connection, or it was lost; or the server cannot listen. */
  noConnection: 3,
  /** Some requests were not answered in time. */
  timedOut: 4,
  /** A threshold was not kept. */
  threshold: 99,
  /** Interrupted by SIGINT. */
  interrupted: 130,
} as const;

/** What a command reads from and writes to. */
export interface Streams {
  readonly stdin: { readonly readable: ReadableStream<Uint8Array>; isTerminal(): boolean };
  readonly stdout: Output;
  readonly stderr: Output;
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

/** A command cannot do its work; the message says why in one line. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly exit: number;
  /** A command line that works, to be pasted: it is printed below the message, on a line of its own. */
  readonly remedy: string | undefined;

  /** @param exit the exit code that it is worth. */
  constructor(exit: number, message: string, remedy?: string) {
    super(message);
    this.exit = exit;
    this.remedy = remedy;
  }
}

/** The command line is wrong. */
export class UsageError extends CommandError {
  override name = "UsageError";

  constructor(message: string) {
    super(Exit.usage, message);
  }
}

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
export function reportFailure(output: Output, what: () => string, stderr: Output): void {
  output.broken.addEventListener("abort", () => {
    if (output.failure !== undefined) {
      stderr.write(escapeControls(`${what()}: ${output.failure.message}`) + "\n");
    }
  });
}
