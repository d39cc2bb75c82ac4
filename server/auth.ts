/**
 * Admission of requests: what a request asks for, or the Response that refuses it. Nothing here is
 * async.
 *
 * @module
 */

import { SUBPROTOCOL } from "../protocol.ts";
import { checkToken, TOKEN_PREFIX } from "../protocol/token.ts";
import { isLoopback } from "./address.ts";

/** Subprotocol of pages in plain mode: browsers fail unless the server accepts an offer. */
const PLAIN = "asyncpkt.plain";

/** A host with or without a port. */
const HOST = /^(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d+)?$/i;

/** An IP address in a URL: unlike a name, an attacker cannot make it resolve to this machine. */
const ADDRESS = /^(?:\[.*\]|\d+\.\d+\.\d+\.\d+)$/;

/** The form of a Sec-WebSocket-Key: 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** The answer to a CORS preflight request. */
const PREFLIGHT = {
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers": "authorization, content-type",
  "access-control-max-age": "600",
};

const CONTROL_PREFLIGHT = {
  ...PREFLIGHT,
  "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
};

/** Options for {@linkcode Access}, as in {@linkcode ServeOptions}. */
export interface AccessOptions {
  readonly hostname: string;
  readonly token?: string | undefined;
  readonly allowOrigins?: readonly string[];
  readonly console?: boolean;
  readonly control?: boolean;
  /** Whether the AsyncAPI description of packets is served. */
  readonly description?: boolean;
}

/** What an admitted request asks for. */
export type Purpose =
  | "upgrade"
  | "post"
  | "console"
  | "health"
  | "metrics"
  | "description"
  | "control";

/** Paths that can only be read. */
const READABLE: ReadonlyMap<string, Purpose> = new Map([
  ["/healthz", "health"],
  ["/metrics", "metrics"],
  ["/asyncapi.json", "description"],
  ["/console.css", "console"],
  ["/console.js", "console"],
  ["/console.svg", "console"],
]);

/** Admits or refuses requests. */
export class Access {
  readonly #isToken: ((text: string) => boolean) | undefined;
  readonly #console: boolean;
  readonly #control: boolean;
  readonly #description: boolean;
  readonly #allowOrigins: ReadonlySet<string>;
  /** Names of the server, however they resolve. */
  readonly #hosts: ReadonlySet<string>;
  /** Whether the server listens on this machine only, so that any other name is an attack. */
  readonly #isLocal: boolean;

  /** @throws {RangeError} if an origin is invalid, or the token cannot be sent in a header. */
  constructor(
    { hostname, token, allowOrigins = [], ...options }: AccessOptions,
  ) {
    const { console = true, control = false, description = true } = options;
    this.#isToken = token === undefined ? undefined : tokenChecker(token);
    this.#console = console;
    this.#control = control;
    this.#description = description;
    this.#allowOrigins = new Set(allowOrigins.map(parseOrigin));
    this.#hosts = new Set([
      hostname.toLowerCase(),
      ...[...this.#allowOrigins].map((origin) => new URL(origin).hostname),
    ]);
    this.#isLocal = isLoopback(hostname);
  }

  /** Returns what a request asks for if it is admitted, or the Response that refuses it. */
  decide(request: Request): Purpose | Response {
    const { method, headers } = request;
    const url = URL.parse(request.url);
    if (url === null || !HOST.test(headers.get("host") || url.host)) {
      return refuse(400, "The Host header is not valid");
    }
    // DNS rebinding: a page whose name resolves to this machine looks like one of the server's own
    // pages.
    if (this.#isToken === undefined && this.#isLocal && !this.#isKnown(url)) {
      return refuse(400, `The Host ${url.hostname} is not this server; see --allow-origin`);
    }
    // The console needs no token; it asks the user for it.
    if (this.#console && isForConsole(request, url.pathname)) return "console";
    const purpose = READABLE.get(url.pathname);
    const isHidden = purpose === "console" && !this.#console ||
      purpose === "description" && !this.#description;
    if (purpose !== undefined && !isHidden) {
      if (!isReading(method)) return refuseMethod(method, "GET, HEAD");
      return purpose === "metrics" && !this.knows(request) ? refuseToken() : purpose;
    }
    const isControl = this.#control && /^\/control(?:\/|$)/.test(url.pathname);
    if (url.pathname !== "/" && !isControl) {
      return refuse(404, `Nothing is at ${url.pathname}; send packets to /`);
    }
    const isPreflight = method === "OPTIONS" && headers.has("access-control-request-method");
    if (!isControl && !isReading(method) && method !== "POST" && !isPreflight) {
      return refuseMethod(method, "GET, HEAD, POST");
    }
    const origin = headers.get("origin");
    if (!this.#admitsOrigin(origin, url)) {
      return refuse(403, `The Origin ${origin} is not allowed; see --allow-origin`);
    }
    // Browsers send preflight requests without the token.
    if (isPreflight) {
      const headers = isControl ? CONTROL_PREFLIGHT : PREFLIGHT;
      return new Response(null, { status: 204, headers });
    }
    if (!this.knows(request)) return refuseToken();
    if (isControl) return "control";
    return method === "POST" ? "post" : checkUpgrade(request) ?? "upgrade";
  }

  /** Whether a request has the token, or needs none. */
  knows({ headers }: Request): boolean {
    if (this.#isToken === undefined) return true;
    const token = tokenOf(headers);
    return token !== undefined && this.#isToken(token);
  }

  /** Returns the headers that let a page of an allowed origin read the answer. */
  shareWith({ headers }: Request): Record<string, string> {
    const origin = headers.get("origin");
    if (origin === null || !this.#allowOrigins.has(origin)) return {};
    return { "access-control-allow-origin": origin, "vary": "origin" };
  }

  #admitsOrigin(origin: string | null, url: URL): boolean {
    if (origin === null) return true; // all browsers send it
    if (this.#allowOrigins.has(origin)) return true;
    return origin === url.origin && (this.#isToken !== undefined || this.#isKnown(url));
  }

  #isKnown({ hostname }: URL): boolean {
    return ADDRESS.test(hostname) || isLoopback(hostname) || this.#hosts.has(hostname);
  }
}

/** Whether a method only reads. Deno answers HEAD like GET, without the body. */
function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** Whether a browser asks for the console; other clients open a WebSocket at the same path. */
function isForConsole({ method, headers }: Request, path: string): boolean {
  return path === "/" && isReading(method) && !headers.has("upgrade") &&
    headers.get("accept")?.includes("text/html") === true;
}

/**
 * Returns a function that checks a token. Its time depends on the length of the guess, not on how
 * much of it is right.
 */
function tokenChecker(token: string): (text: string) => boolean {
  checkToken(token);
  const encoder = new TextEncoder();
  const expected = encoder.encode(token);
  return (text) => {
    const guess = encoder.encode(text);
    let difference = guess.length ^ expected.length;
    for (let i = 0; i < guess.length; i++) difference |= guess[i]! ^ expected[i % expected.length]!;
    return difference === 0;
  };
}

/** Returns the first subprotocol that the server knows, if any; never a token. */
export function chooseProtocol({ headers }: Request): string | undefined {
  return offersOf(headers).find((name) => name === SUBPROTOCOL || name === PLAIN);
}

/** Returns the first subprotocol that the client offers, if any; never a token. */
export function firstProtocol({ headers }: Request): string | undefined {
  return offersOf(headers).find((name) => name !== "" && !name.startsWith(TOKEN_PREFIX));
}

/**
 * Parses the origin of a page, such as `https://example.com`.
 *
 * @throws {RangeError} if the text is not an origin.
 */
export function parseOrigin(text: string): string {
  const url = URL.parse(text);
  if (url !== null && url.href === `${url.origin}/`) return url.origin;
  throw new RangeError(
    `expected an origin, such as https://example.com, got ${JSON.stringify(text)}`,
  );
}

/** Returns a Response whose body is one line, the reason. */
export function refuse(status: number, reason: string, headers: HeadersInit = {}): Response {
  return new Response(reason + "\n", { status, headers });
}

function refuseToken(): Response {
  return refuse(401, "The token is missing or wrong; send Authorization: Bearer TOKEN", {
    "www-authenticate": 'Bearer realm="asyncpkt"',
  });
}

/** Refuses a method; `allow` lists those that the path supports (RFC 9110, section 15.5.6). */
function refuseMethod(method: string, allow: string): Response {
  return refuse(405, `Expected one of ${allow}, got ${method}`, { allow });
}

/** Checks the version and the key, which Deno does not (RFC 6455, section 4.2.1). */
function checkUpgrade({ method, headers }: Request): Response | undefined {
  if (method !== "GET" || headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return refuse(426, "Expected a WebSocket upgrade; packets can also be sent by POST", {
      upgrade: "websocket",
    });
  }
  const version = headers.get("sec-websocket-version");
  if (version !== "13") {
    return refuse(426, `Expected Sec-WebSocket-Version: 13, got ${version ?? "none"}`, {
      upgrade: "websocket",
      "sec-websocket-version": "13",
    });
  }
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) {
    return refuse(400, "Expected a Sec-WebSocket-Key of 16 bytes in base64");
  }
  return undefined;
}

function tokenOf(headers: Headers): string | undefined {
  const [, token] = /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  if (token !== undefined) return token;
  const offer = offersOf(headers).find((name) => name.startsWith(TOKEN_PREFIX));
  try {
    return offer && decodeURIComponent(offer.slice(TOKEN_PREFIX.length));
  } catch {
    return undefined;
  }
}

function offersOf(headers: Headers): string[] {
  const offers = headers.get("sec-websocket-protocol") ?? "";
  return offers.split(",").map((name) => name.trim());
}
