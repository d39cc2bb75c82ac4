/**
 * Flags that `send` and `bench` share.
 *
 * @module
 */

import type { ConnectOptions } from "../client.ts";
import { parsePointer } from "../protocol/json_pointer.ts";
import type { MessageClientWire } from "../protocol/message_client_wire.ts";
import { readTextFile, readToken, tokenFile, toReadToken } from "./files.ts";
import { UsageError } from "./command.ts";
import * as flag from "./flags.ts";
import { type Need, toConnect, toRead } from "./permissions.ts";

/** The flags about the server. */
export const SERVER_FLAGS = {
  url: flag.value("URL", "address [ws://localhost:2707]", parseUrl, "ws://localhost:2707"),
  "token-file": tokenFile,
  ca: flag.many(flag.text("FILE", "an authority to trust for wss, as PEM")),
  timeout: flag.short("t", flag.time("how long to wait for each answer [10s]", 10_000)),
};

/** The flags about the requests. */
export const REQUEST_FLAGS = {
  file: flag.short("f", flag.text("PATH", "reads requests from a file, one per line; - for stdin")),
  concurrency: flag.short(
    "p",
    flag.integer("requests in flight on each connection [100]", 100, 1),
  ),
};

/** The flags about the protocol. */
export const CLIENT_PROTOCOL_FLAGS = flag.group("Protocol", {
  protocol: flag.choice("of the messages [packets]", ["packets", "jsonrpc", "json", "echo"]),
  "id-at": flag.value("POINTER", "JSON Pointer to the id in a message of json [/id]", parseAt),
  "error-at": flag.value("POINTER", "JSON Pointer to the error in one [/error]", parseAt),
  subprotocol: flag.text("NAME", "WebSocket subprotocol to offer; not for packets"),
});

/** The protocols other than packets. */
export const OTHER_PROTOCOLS: readonly string[] = ["jsonrpc", "json", "echo"];

type ProtocolFlags = flag.FlagValues<typeof CLIENT_PROTOCOL_FLAGS>;
type ServerFlags = Pick<flag.FlagValues<typeof SERVER_FLAGS>, "url" | "token-file" | "ca">;

/** Checks the URL of a server; one of http or https becomes one of ws or wss. */
function parseUrl(given: string): string {
  const text = given.replace(/^http/i, "ws");
  const url = URL.parse(text);
  if (url !== null && /^wss?:$/.test(url.protocol) && url.hash === "") return text;
  throw flag.unexpected("ws://HOST:PORT or wss://HOST:PORT", given);
}

function parseAt(text: string): string {
  parsePointer(text);
  return text;
}

/**
 * Checks flags that only some protocols have.
 *
 * @throws {UsageError} if one is given with another protocol.
 */
export function requireProtocol(
  protocol: string,
  protocols: readonly string[],
  isGiven: Readonly<Record<string, boolean>>,
): void {
  const name = Object.keys(isGiven).find((name) => isGiven[name]);
  if (name === undefined || protocols.includes(protocol)) return;
  throw new UsageError(`${name} needs --protocol ${flag.oneOf(protocols)}, got ${protocol}`);
}

/**
 * Returns the protocol that the flags choose; undefined for packets.
 *
 * @throws {UsageError} if a flag has no meaning for the protocol.
 */
export async function readClientProtocol(
  given: ProtocolFlags,
): Promise<MessageClientWire | undefined> {
  const { protocol, subprotocol, "id-at": idAt, "error-at": errorAt } = given;
  requireProtocol(protocol, ["json"], {
    "--id-at": idAt !== undefined,
    "--error-at": errorAt !== undefined,
  });
  requireProtocol(protocol, OTHER_PROTOCOLS, { "--subprotocol": subprotocol !== undefined });
  if (protocol === "packets") return undefined;
  const wires = await import("../protocol/message_client_wire.ts");
  if (protocol === "json") return wires.jsonClientWire({ idAt, errorAt });
  return protocol === "jsonrpc" ? wires.jsonRpcClientWire : wires.echoClientWire;
}

/** Returns the permissions to connect to the server, and to read `path` and the files that flags name. */
export function clientNeeds(flags: ServerFlags, path?: string): Need[] {
  const { protocol, hostname, port } = new URL(flags.url);
  return [
    ...toConnect(`${hostname}:${port || (protocol === "ws:" ? 80 : 443)}`),
    ...toReadToken(flags["token-file"]),
    ...toRead(...flags.ca, path === "-" ? undefined : path),
  ];
}

/** The credentials of a client, and the authorities that it trusts. */
export type ClientAccess = Pick<ConnectOptions, "token" | "caCerts">;

/**
 * Reads the token and the authorities.
 *
 * @throws {UsageError} if a file cannot be read or used.
 */
export async function readClientAccess(flags: ServerFlags): Promise<ClientAccess> {
  return flag.defined<ClientAccess>({
    token: await readToken(flags["token-file"]),
    caCerts: flags.ca.length > 0 ? await Promise.all(flags.ca.map(readAuthority)) : undefined,
  });
}

/** Checks the text too, since Deno ignores text that holds no certificate. */
async function readAuthority(path: string): Promise<string> {
  const text = await readTextFile(path);
  const { X509Certificate } = await import("node:crypto");
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new UsageError(`--ca ${path}: expected a certificate as PEM, got no valid one`);
  }
}
