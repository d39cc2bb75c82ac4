/**
 * Files named on the command line, and the token, which is in a file or in the environment.
 *
 * @module
 */

import { checkToken } from "../protocol/token.ts";
import { messageOf, UsageError } from "./command.ts";
import { text } from "./flags.ts";
import { type Need, toRead } from "./permissions.ts";

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

/** The environment variable that may hold the token. */
const VARIABLE = "ASYNCPKT_TOKEN";

/** The flag that names the token's file. The value of a flag for the token itself would be visible to all. */
export const tokenFile = text("FILE", `holds the token; default: ${VARIABLE}, if set`);

/** Returns the permission to read the token. */
export function toReadToken(path: string | undefined): Need[] {
  if (path !== undefined) return toRead(path);
  return [{ action: `read ${VARIABLE}`, permission: { name: "env", variable: VARIABLE } }];
}

/**
 * Reads the token from its file, or without one from the environment, if Deno permits that.
 *
 * @throws {UsageError} if it cannot be read or used; the message does not contain the token.
 */
export async function readToken(path: string | undefined): Promise<string | undefined> {
  const token = path === undefined ? variable() : (await readTextFile(path)).replace(/\r?\n$/, "");
  try {
    if (token !== undefined) checkToken(token);
    return token;
  } catch (error) {
    throw new UsageError(`${path ?? VARIABLE}: ${(error as Error).message}`);
  }
}

function variable(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: VARIABLE });
  return state === "granted" ? Deno.env.get(VARIABLE) : undefined;
}
