/**
 * Why a connection cannot be made.
 *
 * @module
 */

import { ConnectionError } from "./errors.ts";
import { isErrorEvent } from "./socket_events.ts";

/** A kind of failure; what helps against it is the same for all of a kind. */
export type FailureKind =
  | "refused"
  | "unreachable"
  | "no_tcp"
  | "unresolved"
  | "broken_off"
  | "not_http"
  | "speaks_tls"
  | "no_tls"
  | "untrusted"
  | "authority"
  | "expired"
  | "not_yet_valid"
  | "wrong_name"
  | "invalid_certificate"
  | "tls"
  | "status"
  | "hidden_status"
  | "other";

/** Why a connection cannot be made. */
export interface ConnectFailure {
  readonly kind: FailureKind;
  /** For people; it follows "cannot connect to URL: ". */
  readonly reason: string;
  /** The HTTP status that the server answered with, if that is known. */
  readonly status?: number;
  /** What the server said of it, if that is known. */
  readonly detail?: string;
  /** Whether another attempt would fail as well. */
  readonly isFinal: boolean;
}

/** A row of the table: a message that matches is of this kind. */
interface Row {
  readonly kind: FailureKind;
  readonly pattern: RegExp;
  /** May name groups of the pattern, such as `$1`; by default the message itself. */
  readonly reason?: string;
}

/**
 * The messages of Deno's `WebSocket`, `Deno.connect` and `Deno.startTls`, on all versions from 2.7, and of
 * the load generator's handshake. The first row that matches counts.
 */
const TABLE: readonly Row[] = [
  // The network.
  { kind: "refused", pattern: /connection refused/i, reason: "connection refused" },
  {
    kind: "unreachable",
    pattern: /unreachable|no route to host|cannot assign requested address/i,
    reason: "the host cannot be reached",
  },
  {
    kind: "no_tcp", // All of the above, where Deno does not say which.
    pattern: /^tcp connect error/,
    reason: "nothing listens there, or the host cannot be reached",
  },
  {
    kind: "unresolved",
    pattern: /^dns error|failed to lookup address|^invalid host/,
    reason: "the host name cannot be resolved",
  },
  // HTTP.
  {
    kind: "status",
    pattern: /^Invalid status code: (?<status>\d+)/,
    reason: "the server answered with status $1, not with a WebSocket",
  },
  {
    kind: "status",
    pattern: /^(the server answered with status (?<status>\d+), [\w ]+)(?:: (?<detail>.*))?/,
    reason: "$1",
  },
  {
    // Over TLS, Deno tries HTTP/2 after a status other than 101, and reports only how that has failed.
    kind: "hidden_status",
    pattern:
      /fatal alert: NoApplicationProtocol|^Didn't receive h2 alpn|^(stream error|connection error)( detected| received)|^stream closed/,
    reason: "the server did not answer with a WebSocket",
  },
  {
    kind: "broken_off",
    pattern:
      /^connection closed|^operation was canceled|^the server closed|handshake eof|unexpected end of file|reset by peer|broken pipe/i,
    reason: "the server closed the connection during the handshake",
  },
  { kind: "speaks_tls", pattern: /^the server speaks TLS/ },
  { kind: "not_http", pattern: /not HTTP$/ },
  {
    kind: "not_http",
    pattern: /^invalid .* parsed|^message head is too large/i,
    reason: "the server does not speak HTTP",
  },
  // TLS, in the words of rustls.
  { kind: "no_tls", pattern: /corrupt message/, reason: "the server does not speak TLS" },
  {
    kind: "untrusted",
    pattern: /UnknownIssuer/,
    reason: "the certificate of the server is signed by an unknown authority",
  },
  {
    kind: "authority",
    pattern: /CaUsedAsEndEntity/,
    reason: "the certificate of the server is that of an authority (CA:TRUE)",
  },
  {
    kind: "expired",
    pattern: /certificate expired|: Expired/,
    reason: "the certificate of the server has expired",
  },
  {
    kind: "not_yet_valid",
    pattern: /not valid yet|NotValidYet/,
    reason: "the certificate of the server is not valid yet",
  },
  {
    kind: "wrong_name",
    pattern: /not valid for name "(.*?)"/,
    reason: "the certificate of the server is not for $1",
  },
  {
    kind: "invalid_certificate",
    pattern: /^invalid peer certificate: (.*)/,
    reason: "the certificate of the server is not valid: $1",
  },
  {
    kind: "tls",
    pattern: /^(.*(?:fatal alert|peer is incompatible|peer misbehaved).*)/,
    reason: "the TLS handshake failed: $1",
  },
];

/** Failures that another attempt would not get past. */
const FINAL: ReadonlySet<FailureKind> = new Set<FailureKind>([
  "no_tls",
  "untrusted",
  "authority",
  "expired",
  "not_yet_valid",
  "wrong_name",
  "invalid_certificate",
  "tls",
]);

/** What Deno's messages begin with when there is no WebSocket. */
const PREFIX = /^(NetworkError: )?failed to connect to WebSocket: /;

/** Returns what a message of the platform's means. */
export function connectFailure(message: string): ConnectFailure {
  const text = message.replace(PREFIX, "");
  for (const { kind, pattern, reason } of TABLE) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const said = reason?.replace("$1", () => match[1]!) ?? text;
    const { status, detail } = match.groups ?? {};
    return {
      kind,
      reason: said,
      // A status of 500 or more may pass.
      isFinal: status === undefined ? FINAL.has(kind) : Number(status) < 500,
      ...(status === undefined ? {} : { status: Number(status) }),
      ...(detail === undefined ? {} : { detail }),
    };
  }
  return { kind: "other", reason: text, isFinal: false };
}

/** Returns the reason that an `error` or `close` gives for a connection that never opened. */
export function reasonOf(event: Event): string {
  if (!isErrorEvent(event) || !event.message) return "the connection was closed";
  return connectFailure(event.message).reason;
}

/** Returns why a connection could not be made, as far as its error has a cause. */
export function failureOf({ cause }: ConnectionError): ConnectFailure {
  return connectFailure(cause instanceof Error ? cause.message : "");
}

/** Whether another attempt to connect would fail the same way. */
export function isFinalFailure(error: unknown): boolean {
  return error instanceof ConnectionError && failureOf(error).isFinal;
}
