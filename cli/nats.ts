/**
 * The flags about NATS, and what they come to.
 *
 * @module
 */

import type { NatsOptions } from "../cluster/nats/nats_connection.ts";
import { hostOf, parseServer, showServers } from "../cluster/nats/server_urls.ts";
import { CommandError, Exit } from "./exit.ts";
import { type Flag, many, text } from "./flags.ts";
import type { ServerLog } from "./log.ts";
import { readTextFile } from "./files.ts";
import { type Need, toConnect, toRead } from "./permissions.ts";

const server: Flag<string | undefined> = {
  placeholder: "URL",
  help: "a NATS server: nats://HOST:4222 or tls://HOST",
  default: undefined,
  parse: parseServer,
};

const prefix: Flag<string> = {
  placeholder: "NAME",
  help: "keeps it apart from others on the same NATS [asyncpkt]",
  default: "asyncpkt",
  parse: parsePrefix,
};

/** The flags of gateways and workers. */
export const NATS_FLAGS = {
  nats: many(server),
  "nats-creds": text("FILE", "the credentials for NATS", undefined),
  "nats-ca": text("FILE", "an authority to trust for NATS, as PEM", undefined),
  "nats-prefix": prefix,
};

/** What the flags say. */
export interface NatsFlags {
  readonly nats: readonly string[];
  readonly "nats-creds": string | undefined;
  readonly "nats-ca": string | undefined;
  readonly "nats-prefix": string;
}

/** Returns what a gateway or worker needs to connect to NATS, and to read what its flags name. */
export function natsNeeds({ nats, "nats-creds": creds, "nats-ca": ca }: NatsFlags): Need[] {
  return [...toConnect(...nats.map(hostOf)), ...toRead(creds, ca)];
}

/**
 * Returns the options of a connection to NATS, whose events go to the log. Reads the files that the flags
 * name.
 *
 * @throws {UsageError} if a file cannot be read.
 */
export async function natsOptions(
  flags: NatsFlags,
  log: ServerLog,
): Promise<NatsOptions> {
  const { nats: servers, "nats-creds": creds, "nats-ca": ca } = flags;
  return {
    servers,
    prefix: flags["nats-prefix"],
    ...(creds === undefined ? {} : { creds: await readTextFile(creds) }),
    ...(ca === undefined ? {} : { ca: await readTextFile(ca) }),
    onStatus: (isConnected) => log.natsStatus(showServers(servers), isConnected),
    onFault: (error) => log.failed?.("null", error),
  };
}

/**
 * Opens a gateway or a worker.
 *
 * @throws {CommandError} if there is no connection to NATS.
 */
export async function openNats<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "NatsConnectionError") throw error;
    throw new CommandError(Exit.noConnection, error.message);
  }
}

function parsePrefix(given: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(given)) return given;
  throw new RangeError(`want up to 64 letters, digits, - and _, got ${JSON.stringify(given)}`);
}
