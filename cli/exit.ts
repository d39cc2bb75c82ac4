/**
 * How commands end: exit codes, and the errors that carry one.
 *
 * @module
 */

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
