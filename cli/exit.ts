/**
 * How commands end: exit codes, and errors that carry one.
 *
 * @module
 */

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
