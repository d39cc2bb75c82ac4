/**
 * Who is let in: what a request is for, or the Response that refuses it. Nothing is waited for here.
 *
 * @module
 */

import { SUBPROTOCOL } from "../protocol.ts";
import { TOKEN_PREFIX } from "../protocol/token.ts";
import { isLoopback } from "./address.ts";
import { isForPage, isPartOfPage, isReading } from "./pages.ts";
import type { Secret } from "./secret.ts";

/** What a page offers that wants plain mode: browsers insist that one of their offers is taken. */
const PLAIN = "asyncpkt.plain";

/** A host with or without a port. */
const HOST = /^(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d+)?$/i;

/** An address, as a URL has it: unlike a name, it cannot be made to mean this machine. */
const ADDRESS = /^(?:\[.*\]|\d+\.\d+\.\d+\.\d+)$/;

/** The form of a Sec-WebSocket-Key. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** How a page that is let in may ask, as of CORS. */
const PREFLIGHT = {
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers": "authorization, content-type",
  "access-control-max-age": "600",
};

/** Whom the server lets in. */
export interface AccessOptions {
  /** Where it listens. */
  readonly hostname: string;
  /** What they have to know. */
  readonly secret: Secret | undefined;
  /** The origins of the pages that may use it, besides its own. */
  readonly allowOrigins: readonly string[];
  /** Whether browsers are shown the console. */
  readonly console: boolean;
}

/** What a request that is let in is for. */
export type Purpose = "upgrade" | "post" | "console" | "health" | "metrics" | "description";

/** What can only be read, by path. */
const READABLE: ReadonlyMap<string, Purpose> = new Map([
  ["/healthz", "health"],
  ["/metrics", "metrics"],
  ["/asyncapi.json", "description"],
]);

/** Decides about requests. */
export class Access {
  readonly #secret: Secret | undefined;
  readonly #console: boolean;
  readonly #allowOrigins: ReadonlySet<string>;
  /** Hosts that the server is known by, however names are resolved elsewhere. */
  readonly #hosts: ReadonlySet<string>;
  /** Whether names other than these can only be somebody's trick. */
  readonly #isLocal: boolean;

  /** @throws {RangeError} if an origin is none. */
  constructor({ hostname, secret, allowOrigins, console }: AccessOptions) {
    this.#secret = secret;
    this.#console = console;
    this.#allowOrigins = new Set(allowOrigins.map(parseOrigin));
    this.#hosts = new Set([
      hostname.toLowerCase(),
      ...[...this.#allowOrigins].map((origin) => new URL(origin).hostname),
    ]);
    this.#isLocal = isLoopback(hostname);
  }

  /** What a request is for if it is let in, or the Response that refuses it. */
  decide(request: Request): Purpose | Response {
    const { method, headers } = request;
    const url = URL.parse(request.url);
    if (url === null || !HOST.test(headers.get("host") || url.host)) {
      return refuse(400, "The Host header is not valid");
    }
    // A page can have its own name resolved to this machine, and then looks like one of the server's own.
    if (this.#secret === undefined && this.#isLocal && !this.#isKnown(url)) {
      return refuse(400, `The Host ${url.hostname} is not this server: see --allow-origin`);
    }
    // The page itself is no secret; it asks for the token, where there is one.
    if (this.#console && isForPage(request, url.pathname)) return "console";
    const isPart = this.#console && isPartOfPage(url.pathname);
    const purpose = isPart ? "console" : READABLE.get(url.pathname);
    if (purpose !== undefined) {
      if (!isReading(method)) return refuseMethod(method, "GET, HEAD");
      // Anybody may ask how it is and what it understands, but not what it does.
      return purpose === "metrics" && !this.knows(request) ? wantToken() : purpose;
    }
    if (url.pathname !== "/") {
      return refuse(404, `Nothing is at ${url.pathname}: packets go to /`);
    }
    const isPreflight = method === "OPTIONS" && headers.has("access-control-request-method");
    if (!isReading(method) && method !== "POST" && !isPreflight) {
      return refuseMethod(method, "GET, HEAD, POST");
    }
    if (!this.#admitsOrigin(headers.get("origin"), url)) {
      return refuse(403, "The Origin is foreign: see --allow-origin");
    }
    // A browser asks this in its own name, without the token.
    if (isPreflight) return new Response(null, { status: 204, headers: PREFLIGHT });
    if (!this.knows(request)) return wantToken();
    return method === "POST" ? "post" : checkUpgrade(request) ?? "upgrade";
  }

  /** Whether a request brings the token, where there is one. */
  knows({ headers }: Request): boolean {
    if (this.#secret === undefined) return true;
    const token = tokenOf(headers);
    return token !== undefined && this.#secret.is(token);
  }

  /** The headers by which a page elsewhere that is let in may read the answer. */
  shareWith({ headers }: Request): Record<string, string> {
    const origin = headers.get("origin");
    if (origin === null || !this.#allowOrigins.has(origin)) return {};
    return { "access-control-allow-origin": origin, "vary": "origin" };
  }

  #admitsOrigin(origin: string | null, url: URL): boolean {
    if (origin === null) return true; // no browser leaves it out
    if (this.#allowOrigins.has(origin)) return true;
    return origin === url.origin && (this.#secret !== undefined || this.#isKnown(url));
  }

  #isKnown({ hostname }: URL): boolean {
    return ADDRESS.test(hostname) || isLoopback(hostname) || this.#hosts.has(hostname);
  }
}

function wantToken(): Response {
  return refuse(401, "Want the token, as in Authorization: Bearer TOKEN", {
    "www-authenticate": 'Bearer realm="asyncpkt"',
  });
}

/** The subprotocol to agree on: the first that is known, never a token; undefined if there is none. */
export function chooseProtocol({ headers }: Request): string | undefined {
  return offersOf(headers).find((name) => name === SUBPROTOCOL || name === PLAIN);
}

/**
 * Reads the origin of a page, such as `https://example.com`.
 *
 * @throws {RangeError} if it is none.
 */
export function parseOrigin(text: string): string {
  const url = URL.parse(text);
  if (url !== null && url.href === `${url.origin}/`) return url.origin;
  throw new RangeError(`want an origin, such as https://example.com, got ${JSON.stringify(text)}`);
}

/** A Response of one line that says why. */
export function refuse(status: number, reason: string, headers: HeadersInit = {}): Response {
  return new Response(reason + "\n", { status, headers });
}

/** Refuses a method; `allow` lists those that the path supports (RFC 9110, section 15.5.6). */
function refuseMethod(method: string, allow: string): Response {
  return refuse(405, `Expected one of ${allow}, got ${method}`, { allow });
}

/** Deno itself looks at neither version nor key (RFC 6455, section 4.2.1). */
function checkUpgrade({ method, headers }: Request): Response | undefined {
  if (method !== "GET" || headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return refuse(426, "This is a WebSocket endpoint; packets may also be sent by POST", {
      upgrade: "websocket",
    });
  }
  if (headers.get("sec-websocket-version") !== "13") {
    return refuse(426, "Want Sec-WebSocket-Version: 13", {
      upgrade: "websocket",
      "sec-websocket-version": "13",
    });
  }
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) {
    return refuse(400, "Want a Sec-WebSocket-Key: 16 bytes in base64");
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
