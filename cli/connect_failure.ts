/**
 * What to say when there is no connection.
 *
 * @module
 */

import { ClientError } from "../client/errors.ts";
import { CommandError, Exit, UsageError } from "./command.ts";
import { escapeControls } from "./escape.ts";

/**
 * Turns an error of connecting to `url` into one for the command line; an interruption is no error, and
 * its exit code is returned.
 */
export function failToConnect(error: unknown, url: string, signal: AbortSignal): number {
  if (signal.aborted) return Exit.interrupted;
  if (error instanceof DOMException && error.name === "SyntaxError") {
    throw new UsageError(`--url: ${error.message}`);
  }
  if (error instanceof ClientError) {
    const message = error.code === "timed_out"
      ? `cannot connect to ${url}: ${error.message}`
      : error.message;
    throw new CommandError(Exit.noConnection, escapeControls(message));
  }
  throw error;
}
