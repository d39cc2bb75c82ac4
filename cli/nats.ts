/**
 * Flags that `serve` and `work` share, mostly about NATS.
 *
 * @module
 */

import type { NatsOptions } from "../cluster/nats/nats_connection.ts";
import { hostOf, parseServer, showServers } from "../cluster/nats/server_urls.ts";
import { CommandError, Exit } from "./command.ts";
import {
  choice,
  defined,
  type FlagValues,
  many,
  text,
  toggle,
  unexpected,
  value,
} from "./flags.ts";
import type { ServerLog } from "./log.ts";
import { readTextFile } from "./files.ts";
import { type Need, toConnect, toRead } from "./permissions.ts";

/** The flag for the format of the log. */
export const logFormat = choice("sentences, or one JSON object per line [text]", ["text", "json"]);

/** The flag that ties the life of a command to the program that started it. */
export const exitWithStdin = toggle("shuts down when stdin closes, as on SIGTERM");

/** The flags about NATS. */
export const NATS_FLAGS = {
  nats: many(value("URL", "server of NATS, as nats://HOST:4222", parseServer)),
  "nats-creds": text("FILE", "credentials for NATS"),
  "nats-ca": text("FILE", "an authority to trust for NATS, as PEM"),
  "nats-prefix": value(
    "NAME",
    "keeps it apart from others on the same NATS [asyncpkt]",
    parsePrefix,
    "asyncpkt",
  ),
};

function parsePrefix(text: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(text)) return text;
  throw unexpected('1 to 64 letters, digits, "-" and "_"', text);
}

type NatsFlags = FlagValues<typeof NATS_FLAGS>;

/** Returns the permissions to connect to NATS and to read the files that the flags name. */
export function natsNeeds({ nats, "nats-creds": creds, "nats-ca": ca }: NatsFlags): Need[] {
  return [...toConnect(...nats.map(hostOf)), ...toRead(creds, ca)];
}

/**
 * Opens a connection to NATS, which reports its events to the log.
 *
 * @throws {UsageError} if a file cannot be read.
 * @throws {CommandError} if there is no connection.
 */
export async function openNats<T>(
  flags: NatsFlags,
  log: ServerLog,
  open: (options: NatsOptions) => Promise<T>,
): Promise<T> {
  const { nats: servers, "nats-prefix": prefix, "nats-creds": creds, "nats-ca": ca } = flags;
  const options = defined<NatsOptions>({
    ...{ servers, prefix },
    creds: creds === undefined ? undefined : await readTextFile(creds),
    ca: ca === undefined ? undefined : await readTextFile(ca),
    onStatus: (isConnected) => log.natsStatus(showServers(servers), isConnected),
    onFault: (error) => log.failed?.("null", error),
  });
  try {
    return await open(options);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "NatsConnectionError") throw error;
    throw new CommandError(Exit.noConnection, error.message);
  }
}
