/**
 * What both ends are told so that clients are let in.
 *
 * @module
 */

import { checkToken } from "../protocol/token.ts";
import { UsageError } from "./exit.ts";
import { type Flag, many, text } from "./flags.ts";
import { readTextFile } from "./files.ts";
import { type Need, toConnect, toRead } from "./permissions.ts";

/** The environment variable that may hold the token. */
const VARIABLE = "ASYNCPKT_TOKEN";

/** The flag that names the file of the token. A flag for the token itself would show it to everybody. */
export const tokenFile: Flag<string | undefined> = text(
  "FILE",
  `holds the token; else ${VARIABLE} does, if it is set`,
  undefined,
);

/** The flags of clients. */
export const CLIENT_ACCESS = {
  "token-file": tokenFile,
  ca: many(text("FILE", "an authority to trust for wss, as PEM", undefined)),
};

/** Returns what a server or client needs to read its token. */
export function toReadToken(path: string | undefined): Need[] {
  const variable: Need = {
    action: `read ${VARIABLE}`,
    permission: { name: "env", variable: VARIABLE },
  };
  return path === undefined ? [variable] : toRead(path);
}

/** Returns what a client needs to connect to a server, and to read what its flags name. */
export function clientNeeds(
  url: string | URL,
  flags: { "token-file": string | undefined; ca: readonly string[] },
): Need[] {
  const { protocol, hostname, port } = URL.parse(url) ?? {};
  const host = `${hostname}:${port || (protocol === "ws:" || protocol === "http:" ? 80 : 443)}`;
  return [
    ...hostname ? toConnect(host) : [],
    ...toReadToken(flags["token-file"]),
    ...toRead(...flags.ca),
  ];
}

/** What clients are told. */
export interface ClientAccess {
  token?: string;
  caCerts?: string[];
}

/**
 * Reads what the flags of {@linkcode CLIENT_ACCESS} name.
 *
 * @throws {UsageError} if it cannot be read or used.
 */
export async function readClientAccess(
  flags: { "token-file": string | undefined; ca: readonly string[] },
): Promise<ClientAccess> {
  const access: ClientAccess = {};
  const token = await readToken(flags["token-file"]);
  if (token !== undefined) access.token = token;
  if (flags.ca.length > 0) access.caCerts = await Promise.all(flags.ca.map(readAuthority));
  return access;
}

/**
 * Reads the token from its file, else from the environment, as far as that may be read; undefined if it is
 * in neither.
 *
 * @throws {UsageError} if it cannot be read or used; it does not say what the token is.
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

/** Deno itself takes text without a certificate for nothing to be added. */
async function readAuthority(path: string): Promise<string> {
  const text = await readTextFile(path);
  const { X509Certificate } = await import("node:crypto");
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new UsageError(`--ca ${path}: there is no valid certificate in it; want PEM`);
  }
}
