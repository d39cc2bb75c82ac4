/**
 * The token, from a file or from the environment.
 *
 * @module
 */

import { checkToken } from "../protocol/token.ts";
import { UsageError } from "./command.ts";
import { text } from "./flags.ts";
import { readTextFile } from "./files.ts";
import { type Need, toRead } from "./permissions.ts";

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
