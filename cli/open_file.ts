/**
 * Files that people name.
 *
 * @module
 */

import { UsageError } from "./exit.ts";

/**
 * Opens a file to be read.
 *
 * @throws {UsageError} that says why it cannot be.
 */
export async function openFile(path: string): Promise<ReadableStream<Uint8Array>> {
  try {
    return (await Deno.open(path)).readable;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * Reads a file that is text.
 *
 * @throws {UsageError} that says why it cannot be.
 */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): UsageError {
  const reason = error instanceof Deno.errors.NotFound
    ? "there is no such file"
    : error instanceof Error
    ? error.message
    : String(error);
  return new UsageError(`cannot read ${path}: ${reason}`);
}
