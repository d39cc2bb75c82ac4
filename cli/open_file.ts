/**
 * Files that people name.
 *
 * @module
 */

import { UsageError } from "./command.ts";

/**
 * Opens a file to be read.
 *
 * @throws {UsageError} that says why it cannot be.
 */
export async function openFile(path: string): Promise<ReadableStream<Uint8Array>> {
  try {
    return (await Deno.open(path)).readable;
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Deno.errors.NotCapable
      ? `no permission: run with --allow-read=${path}, or give it as stdin`
      : error instanceof Error
      ? error.message
      : String(error);
    throw new UsageError(`cannot read ${path}: ${reason}`);
  }
}
