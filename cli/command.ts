/**
 * What all commands share: arguments and streams, exit codes and errors, and the shutdown.
 *
 * @module
 */

import { anySignal } from "../client/any_signal.ts";
import type { BufferedWriter } from "./buffered_writer.ts";

/** Exit codes. */
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
  /** A threshold failed. */
  threshold: 99,
  /** SIGINT interrupted the command. */
  interrupted: 130,
} as const;

/** A command cannot do its work. The message says why, in one line. */
export class CommandError extends Error {
  override name = "CommandError";
  readonly exit: number;
  /** A command line that works, to paste. It is printed on the line below the message. */
  readonly remedy: string | undefined;

  /** @param exit the exit code. */
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

/** Returns the message of a thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

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

/** A flag: how the help shows it, and how its text becomes a value. */
export interface Flag<T> {
  /** The value's name in the help, such as `URL`; a flag without one is on or off. */
  readonly placeholder?: string;
  /** What it does, in a line. */
  readonly help: string;
  /** The value if the flag is not given. */
  readonly default: T;
  /** Parses the value; throws a RangeError that says what was expected. */
  readonly parse: (text: string) => T;
  /** A letter that can replace the name, as in `-c 10`. */
  readonly short?: string;
  /** Whether it can be repeated; the value is then a list. */
  readonly many?: boolean;
  /** The heading above the flag in the help. */
  readonly heading?: string;
  /** A sentence on the syntax of the value, which the help shows once for all flags that have it. */
  readonly syntax?: string;
}

/** The flags of a command by name. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

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
  return anySignal(signal, stdout.broken);
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
      stderr.writeEscaped(`${what()}: ${output.failure.message}`);
    }
  });
}

/** Exit codes of a process that a signal ends at once. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

/**
 * Time after the first signal in which others are ignored, in milliseconds. On Ctrl-C, a terminal
 * signals every process in its foreground, and task runners such as `deno task` and `npx` forward
 * their signal to the program, which has it already.
 */
const GRACE = 1000;

/**
 * Returns the shutdown of the program: its signal is aborted once a shutdown is requested, by
 * `shutDown()` or by a signal.
 *
 * @param exit ends the process at once.
 */
export function createShutdown(exit: (code: number) => void = Deno.exit) {
  const abort = new AbortController();
  let requestedAt = 0;
  const shutDown = (reason: string): void => {
    if (abort.signal.aborted) return;
    requestedAt = performance.now();
    abort.abort(new Error(reason));
  };
  return {
    signal: abort.signal,
    shutDown,
    /** Handles a signal: requests a shutdown, or exits if one was requested a second ago. */
    receive(signal: keyof typeof EXIT_CODES): void {
      if (!abort.signal.aborted) shutDown(signal);
      else if (performance.now() - requestedAt >= GRACE) exit(EXIT_CODES[signal]);
    },
  };
}
