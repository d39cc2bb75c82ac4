/**
 * Explains why a connection cannot be opened.
 *
 * @module
 */

import { ConnectionError } from "./errors.ts";

/**
 * Messages of `WebSocket`, `Deno.connect()` and `Deno.startTls()` in Deno 2.7 and later, and of the
 * load generator's handshake: the kind of failure, the message, and the reason for people, in which
 * `$1` is the first group. The first match counts. Another attempt may succeed.
 */
const TEMPORARY = [
  ["refused", /connection refused/i, "connection refused"],
  [
    "unreachable",
    /unreachable|no route to host|cannot assign requested address/i,
    "the host cannot be reached",
  ],
  // Any of the above, if Deno does not report which.
  ["no_tcp", /^tcp connect error/, "nothing listens there, or the host cannot be reached"],
  [
    "unresolved",
    /^dns error|failed to lookup address|^invalid host/,
    "the host name cannot be resolved",
  ],
  [
    "status",
    /^(?:Invalid status code:|the server answered with status) (?<status>\d+)(?:.*?: (?<detail>.*))?/,
    "the server answered with status $1, not with a WebSocket",
  ],
  // Over TLS, Deno tries HTTP/2 after a status other than 101, and reports only that failure.
  [
    "hidden_status",
    /fatal alert: NoApplicationProtocol|^Didn't receive h2 alpn|^(stream error|connection error)( detected| received)|^stream closed/,
    "the server did not answer with a WebSocket",
  ],
  [
    "broken_off",
    /^connection closed|^operation was canceled|^the server closed|handshake eof|unexpected end of file|reset by peer|broken pipe/i,
    "the server closed the connection during the handshake",
  ],
  ["speaks_tls", /^(the server speaks TLS.*)/, "$1"],
  ["not_http", /(.*not HTTP)$/, "$1"],
  [
    "not_http",
    /^invalid .* parsed|^message head is too large/i,
    "the server does not speak HTTP",
  ],
] as const;

const CERTIFICATE = "the certificate of the server";

/** TLS failures, as rustls reports them. Another attempt would fail the same way. */
const FINAL = [
  ["no_tls", /corrupt message/, "the server does not speak TLS"],
  ["untrusted", /UnknownIssuer/, `${CERTIFICATE} is signed by an unknown authority`],
  ["authority", /CaUsedAsEndEntity/, `${CERTIFICATE} is that of an authority (CA:TRUE)`],
  ["expired", /certificate expired|: Expired/, `${CERTIFICATE} has expired`],
  ["not_yet_valid", /not valid yet|NotValidYet/, `${CERTIFICATE} is not valid yet`],
  ["wrong_name", /not valid for name "(.*?)"/, `${CERTIFICATE} is not for $1`],
  ["invalid_certificate", /^invalid peer certificate: (.*)/, `${CERTIFICATE} is not valid: $1`],
  [
    "tls",
    /^(.*(?:fatal alert|peer is incompatible|peer misbehaved).*)/,
    "the TLS handshake failed: $1",
  ],
] as const;

/** A kind of failure; the same advice helps against all failures of a kind. */
export type FailureKind = (typeof TEMPORARY | typeof FINAL)[number][0] | "other";

/** The reason why a connection cannot be opened. */
export interface ConnectFailure {
  readonly kind: FailureKind;
  /** The reason, for people; it follows "cannot connect to URL: ". */
  readonly reason: string;
  /** The HTTP status of the server's answer, if known. */
  readonly status?: number;
  /** The explanation in the server's answer, if known. */
  readonly detail?: string;
  /** Whether another attempt would fail the same way. */
  readonly isFinal: boolean;
}

/** Explains an error message of the platform. */
export function connectFailure(message: string): ConnectFailure {
  const text = message.replace(/^(NetworkError: )?failed to connect to WebSocket: /, "");
  for (const row of [...TEMPORARY, ...FINAL]) {
    const [kind, pattern, reason] = row;
    const match = pattern.exec(text);
    if (match === null) continue;
    const { status, detail } = match.groups ?? {};
    return {
      kind,
      reason: reason.replace("$1", () => match[1]!),
      // The cause of a status of 500 or more may pass.
      isFinal: status === undefined ? FINAL.some((final) => final === row) : Number(status) < 500,
      ...(status !== undefined && { status: Number(status) }),
      ...(detail !== undefined && { detail }),
    };
  }
  return { kind: "other", reason: text, isFinal: false };
}

/** Explains a {@linkcode ConnectionError} by its cause. */
export function failureOf({ cause }: ConnectionError): ConnectFailure {
  return connectFailure(cause instanceof Error ? cause.message : "");
}

/** Whether another attempt to connect would fail with the same error. */
export function isFinalFailure(error: unknown): boolean {
  return error instanceof ConnectionError && failureOf(error).isFinal;
}
