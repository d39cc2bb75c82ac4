/**
 * Explains on the command line why there is no connection, and what to do.
 *
 * @module
 */

import {
  type ConnectFailure,
  connectFailure,
  type FailureKind,
  failureOf,
} from "../client/connect_failure.ts";
import { anySignal } from "../client/any_signal.ts";
import { ClientError, ConnectionError } from "../client/errors.ts";
import type { ClientAccess } from "./client_flags.ts";
import { CommandError, Exit } from "./command.ts";

/** Time limit for the second attempt to connect, in milliseconds. */
const PROBE_TIMEOUT = 2000;

/** Failures of which a second attempt may show more than Deno's WebSocket does. */
const VAGUE: readonly FailureKind[] = [
  "no_tcp",
  "broken_off",
  "not_http",
  "status",
  "hidden_status",
  "other",
];

/** An attempt to connect. */
export interface Attempt {
  readonly url: string;
  /** What the server should speak. @default {"packets"} */
  readonly protocol?: string;
  readonly access: ClientAccess;
  /** Aborted if the attempt is interrupted. */
  readonly signal: AbortSignal;
}

/**
 * Turns an error of connecting into one line that says what failed, at which address, and what to do.
 *
 * @returns an exit code if the attempt was interrupted.
 * @throws {CommandError} otherwise.
 */
export async function failToConnect(error: unknown, attempt: Attempt): Promise<number> {
  const { url, signal } = attempt;
  if (signal.aborted) return Exit.interrupted;
  if (!(error instanceof ClientError)) throw error;
  let message = `cannot connect to ${url}: ${error.message}; check the address or raise --timeout`;
  if (error instanceof ConnectionError) {
    const failure = await probe(error, attempt);
    const problem = failure.kind === "other"
      ? error.message
      : `cannot connect to ${url}: ${failure.reason}`;
    message = `${problem}; ${adviceOn(failure, attempt)}`;
  }
  if (signal.aborted) return Exit.interrupted;
  throw new CommandError(Exit.noConnection, message);
}

/**
 * Finds out more about a failure by a second attempt, which needs no other permission. Deno's WebSocket
 * hides why there is no TCP connection, the status over TLS, and the server's text on it.
 */
async function probe(error: ConnectionError, attempt: Attempt): Promise<ConnectFailure> {
  const failure = failureOf(error);
  const { HandshakeError } = await import("../websocket/handshake.ts");
  if (!VAGUE.includes(failure.kind) || error.cause instanceof HandshakeError) return failure;
  const { openSocket } = await import("../load/connect.ts");
  const signal = anySignal(attempt.signal, AbortSignal.timeout(PROBE_TIMEOUT));
  try {
    const { connection } = await openSocket(new URL(attempt.url), signal, attempt.access);
    connection.abort();
    return failure; // by now, the server is there
  } catch (cause) {
    const found = connectFailure((cause as Error).message);
    return found.kind === "other" ? failure : found;
  }
}

function adviceOn(failure: ConnectFailure, attempt: Attempt): string {
  const { host } = new URL(attempt.url);
  const [start, checkPort] = isPackets(attempt)
    ? [
      'start a server with "asyncpkt serve"',
      "check that the port is that of an asyncpkt server",
    ]
    : ["start the server", "check that the port is that of a WebSocket server"];
  const advice: Record<FailureKind, string> = {
    refused: `${start}, or check the port`,
    unreachable: "check the host and the network",
    no_tcp: `${start}, or check the host and the port`,
    unresolved: "check the host name",
    broken_off: checkPort,
    not_http: checkPort,
    speaks_tls: `use wss://${host}`,
    no_tls: `use ws://${host}, or start the server with --cert and --key`,
    untrusted: attempt.access.caCerts === undefined
      ? "trust the authority with --ca FILE"
      : "check that --ca is the authority of this server",
    authority: "use a certificate with CA:FALSE, and trust its authority with --ca FILE",
    expired: "renew it, or check the clock of this machine",
    not_yet_valid: "check the clock of this machine",
    wrong_name: "connect to a name in the certificate, or make a certificate for this name",
    invalid_certificate: "replace it",
    tls: "check the port, and the TLS of the server",
    status: adviceOnStatus(failure, attempt),
    hidden_status: "check the port and the path",
    other: "check the address",
  };
  return advice[failure.kind];
}

function isPackets({ protocol = "packets" }: Attempt): boolean {
  return protocol === "packets";
}

function adviceOnStatus({ status = 0, detail }: ConnectFailure, attempt: Attempt): string {
  const { url, access } = attempt;
  if (status === 401 && access.token === undefined) {
    return "pass the token with --token-file FILE or in ASYNCPKT_TOKEN";
  }
  if (status === 401) return "check the token in --token-file or ASYNCPKT_TOKEN";
  if (status === 403 || status === 407) return "ask whoever runs the server for access";
  if (status === 429 || status === 503) return "try again later";
  if (status >= 500) return "see the log of the server, or of the proxy in front of it";
  if (status >= 300 && status < 400) return "use the address that the server redirects to";
  if (isPackets(attempt) && new URL(url).pathname !== "/") {
    return "check the path: an asyncpkt server answers at /";
  }
  return detail === undefined ? "check the address" : `the server says: ${detail}`;
}
