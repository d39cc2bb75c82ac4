/**
 * Files named on the command line.
 *
 * @module
 */

import { messageOf, UsageError } from "./command.ts";

/**
 * Opens a file for reading.
 *
 * @throws {UsageError} if that fails.
 */
export async function openFile(path: string): Promise<ReadableStream<Uint8Array>> {
  return (await explain(Deno.open(path), `cannot read ${path}`, "there is no such file")).readable;
}

/**
 * Reads a text file.
 *
 * @throws {UsageError} if that fails.
 */
export function readTextFile(path: string): Promise<string> {
  return explain(Deno.readTextFile(path), `cannot read ${path}`, "there is no such file");
}

/**
 * Creates a file for writing, or empties it.
 *
 * @throws {UsageError} if that fails.
 */
export function createFile(path: string): Promise<Deno.FsFile> {
  // Deno.create() would need permission to read, too.
  const file = Deno.open(path, { write: true, create: true, truncate: true });
  return explain(file, `cannot write ${path}`, "there is no such folder");
}

async function explain<T>(result: Promise<T>, problem: string, notFound: string): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? notFound : messageOf(error);
    throw new UsageError(`${problem}: ${reason}`);
  }
}
