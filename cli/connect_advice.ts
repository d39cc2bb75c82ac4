/**
 * What to do when there is no connection.
 *
 * @module
 */

import {
  type ConnectFailure,
  connectFailure,
  type FailureKind,
  failureOf,
} from "../client/connect_failure.ts";
import { ClientError, ConnectionError } from "../client/errors.ts";
import type { ClientAccess } from "./client_flags.ts";
import { CommandError, Exit, UsageError } from "./exit.ts";

/** How long another look at a failure may take, in milliseconds. */
const PROBE_TIMEOUT = 2000;

/** What helps against a failure. */
type Advice = string | ((failure: ConnectFailure, attempt: Attempt) => string);

/** By kind of failure. */
const ADVICE: Readonly<Record<FailureKind, Advice>> = {
  refused: 'start a server with "asyncpkt serve", or check the port',
  unreachable: "check the host and the network",
  no_tcp: 'start a server with "asyncpkt serve", or check the host and the port',
  unresolved: "check the host name",
  broken_off: "check that the port is that of an asyncpkt server",
  not_http: "check that the port is that of an asyncpkt server",
  speaks_tls: (_, { url }) => `use wss://${new URL(url).host}`,
  no_tls: (_, { url }) =>
    `use ws://${new URL(url).host}, or start the server with --cert and --key`,
  untrusted: (_, { access }) =>
    access.caCerts === undefined
      ? "trust the authority with --ca FILE"
      : "check that --ca is the authority of this server",
  authority: "give the server a certificate with CA:FALSE, and trust its authority with --ca FILE",
  expired: "renew it, or check the clock of this machine",
  not_yet_valid: "check the clock of this machine",
  wrong_name: "connect to a name that it is for, or make a certificate for this one",
  invalid_certificate: "replace it",
  tls: "check the port, and the TLS of the server",
  status: adviceOnStatus,
  hidden_status: "check the port and the path",
  other: "check the address",
};

function adviceOnStatus(
  { status = 0, detail }: ConnectFailure,
  { url, access }: Attempt,
): string {
  if (status === 401) {
    return access.token === undefined
      ? "pass the token with --token-file FILE or in ASYNCPKT_TOKEN"
      : "check the token in --token-file or ASYNCPKT_TOKEN";
  }
  if (status === 403 || status === 407) return "ask whoever runs the server for access";
  if (status === 429 || status === 503) return "try again later";
  if (status >= 500) return "see the log of the server, or of the proxy in front of it";
  if (status >= 300 && status < 400) return "use the address that the server redirects to";
  if (new URL(url).pathname !== "/") return "check the path: an asyncpkt server answers at /";
  return detail === undefined ? "check the address" : `the server says: ${detail}`;
}

/** Failures about which a second look shows more than Deno's WebSocket reports. */
const VAGUE: ReadonlySet<FailureKind> = new Set<FailureKind>([
  "no_tcp",
  "broken_off",
  "not_http",
  "status",
  "hidden_status",
  "other",
]);

/** An attempt to connect. */
export interface Attempt {
  readonly url: string;
  readonly access: ClientAccess;
  /** Aborted if the attempt is interrupted. */
  readonly signal: AbortSignal;
}

/**
 * Turns an error of connecting into one for the command line: one line that says what failed, at which
 * address, and what to do. An interruption is no error; its exit code is returned.
 */
export async function failToConnect(error: unknown, attempt: Attempt): Promise<number> {
  const { url, signal } = attempt;
  if (signal.aborted) return Exit.interrupted;
  if (error instanceof DOMException && error.name === "SyntaxError") {
    throw new UsageError(`--url: ${error.message}`);
  }
  if (!(error instanceof ClientError)) throw error;
  const message = error instanceof ConnectionError
    ? await describe(error, attempt)
    : `cannot connect to ${url}: ${error.message}; check the address, or allow more with --timeout`;
  if (signal.aborted) return Exit.interrupted;
  throw new CommandError(Exit.noConnection, message);
}

/** Says why there is no connection, and what to do. */
async function describe(error: ConnectionError, attempt: Attempt): Promise<string> {
  const failure = await lookAgain(error, attempt);
  const problem = failure.kind === "other"
    ? error.message
    : `cannot connect to ${attempt.url}: ${failure.reason}`;
  const advice = ADVICE[failure.kind];
  return `${problem}; ${typeof advice === "string" ? advice : advice(failure, attempt)}`;
}

/**
 * Finds out more about a failure by another attempt, which takes no other permission. Deno's WebSocket
 * hides the status over TLS, what the server says of it, and why there is no TCP connection.
 */
async function lookAgain(error: ConnectionError, attempt: Attempt): Promise<ConnectFailure> {
  const failure = failureOf(error);
  const { HandshakeError } = await import("../websocket/handshake.ts");
  if (!VAGUE.has(failure.kind) || error.cause instanceof HandshakeError) return failure;
  const { openSocket } = await import("../load/connect.ts");
  const { access, signal } = attempt;
  const url = new URL(attempt.url.replace(/^http/i, "ws"));
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT)]);
  try {
    const socket = await openSocket(url, giveUp, access);
    socket.abort();
    return failure; // it is there by now
  } catch (cause) {
    const found = connectFailure((cause as Error).message);
    return found.kind === "other" ? failure : found;
  }
}
