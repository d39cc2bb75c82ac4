/**
 * `asyncpkt health`: whether a server is healthy, for scripts and containers.
 *
 * @module
 */

import { anySignal } from "../client/any_signal.ts";
import { ConnectionError } from "../client/errors.ts";
import { clientNeeds, readClientAccess, SERVER_FLAGS } from "./client_flags.ts";
import { CommandError, Exit, messageOf, stopSignal, type Streams } from "./command.ts";
import * as flag from "./flags.ts";
import { requirePermissions } from "./permissions.ts";

/** The flags of `asyncpkt health`. */
export const flags = {
  ...SERVER_FLAGS,
  timeout: flag.short("t", flag.time("how long to wait for the answer [10s]", 10_000)),
};

/** Returns the text of `asyncpkt health --help`. */
export const help = () =>
  `Asks a server for its health, GET /healthz, and prints the answer.

Usage: asyncpkt health [flags]

${flag.flagHelp(flags)}

A server with a token reports more than its status only to clients that have the token.

Exit codes: 0 healthy, 1 draining, unhealthy, or no asyncpkt server, 2 wrong usage, 3 no connection,
4 no answer in time, 130 interrupted.

Examples:
  asyncpkt health
  asyncpkt health --url wss://server.example:2707 --ca ca.pem --timeout 2s
`;

/** Prints the health of a server. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const given = flag.readFlags(flags, args);
  await requirePermissions("health", args, clientNeeds(given));
  const access = await readClientAccess(given);
  const { token, caCerts = [] } = access;
  const stop = stopSignal(streams);
  const timeout = AbortSignal.timeout(given.timeout);
  const address = new URL("healthz", given.url.replace(/^ws/, "http"));
  using client = Deno.createHttpClient({ caCerts: [...caCerts] });
  try {
    const response = await fetch(address, {
      client,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      redirect: "manual",
      signal: anySignal(stop, timeout),
    });
    const text = await response.text();
    if (!text.startsWith('{"status":')) {
      const got = `got status ${response.status} from ${address}`;
      throw new CommandError(Exit.failed, `expected the health of an asyncpkt server, ${got}`);
    }
    streams.stdout.writeEscaped(text);
    return response.ok ? Exit.ok : Exit.failed;
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    if (timeout.aborted) {
      const time = `${given.timeout / 1000} s`;
      throw new CommandError(Exit.timedOut, `no answer from ${address} within ${time}`);
    }
    const { failToConnect } = await import("./connect_advice.ts");
    const error = new ConnectionError("connection_failed", messageOf(cause), { cause });
    return await failToConnect(error, { url: given.url, access, signal: streams.signal });
  }
}
