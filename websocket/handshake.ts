/**
 * Opening handshakes of WebSockets as text (RFC 6455, section 4), for both roles. No I/O.
 *
 * @module
 */

/** Turns a key into its answer (section 1.3). */
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Longest head, in bytes. */
const MAX_HEAD = 1 << 14;

/** How a response begins, and an alert of TLS, with which a server answers plain HTTP. */
const HTTP = "HTTP/";
const TLS_ALERT = "\x15";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** A peer that does not agree to open a WebSocket. */
export class HandshakeError extends Error {
  override name = "HandshakeError";
}

/** Head of an HTTP request or response. */
export interface Head {
  /** First line. */
  readonly start: string;
  /** Values by names in lower case; those of the same name are joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Reads the text of a head, with or without the empty line at its end. */
export function parseHead(text: string): Head {
  const [start = "", ...lines] = text.split("\r\n");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  return { start, headers };
}

/** Returns the status of a response; undefined if it is none. */
export function statusOf({ start }: Head): number | undefined {
  const status = /^HTTP\/\S+ (\d{3})\b/.exec(start)?.[1];
  return status === undefined ? undefined : Number(status);
}

/**
 * Finds the end of a head in bytes that come bit by bit.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { HeadReader } from "./handshake.ts";
 *
 * const reader = new HeadReader("client");
 * const write = (text: string) => reader.write(new TextEncoder().encode(text));
 * assertEquals(write("HTTP/1.1 101 Switching Pro"), undefined);
 * const { head, rest } = write("tocols\r\nUpgrade: websocket\r\n\r\n\x81")!;
 * assertEquals(head.start, "HTTP/1.1 101 Switching Protocols");
 * assertEquals(head.headers.get("upgrade"), "websocket");
 * assertEquals(rest.length, 2);
 * ```
 */
export class HeadReader {
  readonly #role: "client" | "server";
  /** It grows with what comes: many connections may never send a head. */
  #bytes = new Uint8Array(1 << 10);
  #length = 0;

  /** @param role who reads: a client reads a response, a server a request. */
  constructor(role: "client" | "server") {
    this.#role = role;
  }

  /** All bytes that came up to the end of the head; they are valid until the next call. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /**
   * Adds bytes. Returns the head, once it is complete, and the bytes behind it.
   *
   * @throws {HandshakeError} if the head is longer than 16 KiB, or if a response is not HTTP, which may have
   * no end to wait for.
   */
  write(bytes: Uint8Array): { head: Head; rest: Uint8Array } | undefined {
    const before = this.#length;
    this.#append(bytes.subarray(0, MAX_HEAD - before));
    const tail = Math.max(before - 3, 0);
    const at = decoder.decode(this.bytes.subarray(tail)).indexOf("\r\n\r\n");
    const end = tail + at;
    if (this.#role === "client" && (before < HTTP.length || at >= 0)) {
      const text = decoder.decode(this.bytes);
      if (!text.startsWith(HTTP.slice(0, text.length))) throw notHttp(text);
    }
    if (at >= 0) {
      this.#length = end + 4;
      const head = parseHead(decoder.decode(this.#bytes.subarray(0, end)));
      return { head, rest: bytes.slice(this.#length - before) };
    }
    if (this.#length === MAX_HEAD) throw new HandshakeError("the head is too long, over 16 KiB");
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, needed));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }
}

/** Returns a new random key for a request. */
export function createKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
}

/** Returns the answer to a key, by which a server shows that it speaks WebSocket. */
export async function answerKey(key: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-1", encoder.encode(key + MAGIC));
  return btoa(String.fromCharCode(...new Uint8Array(hash)));
}

/**
 * Returns the head of a request for a WebSocket (section 4.1).
 *
 * @param headers replaces headers, and adds others; undefined leaves one out.
 */
export function upgradeRequest(
  headers: Record<string, string | undefined> = {},
  path = "/",
): string {
  return headText(`GET ${path} HTTP/1.1`, {
    "Host": "127.0.0.1",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  });
}

/**
 * Checks the answer to a request with this key, which offers this subprotocol (section 4.1).
 *
 * @param reason the server's own for refusing, if it gives one.
 * @returns the subprotocol that the server agrees to, or an empty string.
 * @throws {HandshakeError} if the server does not agree.
 */
export async function checkUpgradeResponse(
  head: Head,
  key: string,
  protocol: string,
  reason = "",
): Promise<string> {
  const { start, headers } = head;
  if (!/^HTTP\/1\.1 101\b/.test(start)) {
    const status = statusOf(head);
    if (status === undefined) throw notHttp(start);
    throw new HandshakeError(
      `the server answered with status ${status}, not with a WebSocket${reason && `: ${reason}`}`,
    );
  }
  if (headers.get("sec-websocket-accept") !== await answerKey(key)) {
    throw new HandshakeError("the server did not answer the key of the handshake");
  }
  const agreed = headers.get("sec-websocket-protocol") ?? "";
  if (agreed !== "" && agreed !== protocol) {
    const chosen = JSON.stringify(agreed);
    throw new HandshakeError(`the server chose the subprotocol ${chosen}, which was not offered`);
  }
  return agreed;
}

function notHttp(text: string): HandshakeError {
  if (text.startsWith(TLS_ALERT)) return new HandshakeError("the server speaks TLS");
  const line = JSON.stringify(text.slice(0, 80).split(/\r?\n/)[0]);
  return new HandshakeError(`the server answered ${line}, which is not HTTP`);
}

/**
 * Checks a request for a WebSocket (section 4.2.1).
 *
 * @returns the key to answer, and the subprotocols that the client offers.
 * @throws {HandshakeError} if it is none.
 */
export function checkUpgradeRequest(
  { start, headers }: Head,
): { key: string; protocols: readonly string[] } {
  const list = (name: string) => headers.get(name)?.split(",").map((part) => part.trim()) ?? [];
  const has = (name: string, value: string) =>
    list(name).some((part) => part.toLowerCase() === value);
  const key = headers.get("sec-websocket-key") ?? "";
  if (!/^GET \S+ HTTP\/1\.1$/.test(start)) throw new HandshakeError(`the client said ${start}`);
  if (!headers.has("host")) throw new HandshakeError("the client sent no Host");
  if (!has("upgrade", "websocket") || !has("connection", "upgrade")) {
    throw new HandshakeError("the client did not ask for a WebSocket");
  }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) {
    throw new HandshakeError(`the key must have 16 bytes in Base64, got ${JSON.stringify(key)}`);
  }
  const version = headers.get("sec-websocket-version");
  if (version !== "13") throw new HandshakeError(`the version must be 13, got ${version}`);
  return { key, protocols: list("sec-websocket-protocol") };
}

/** Returns the head of a response that opens a WebSocket (section 4.2.2). */
export async function upgradeResponse(
  key: string,
  protocol?: string,
  headers: Record<string, string> = {},
): Promise<string> {
  return headText("HTTP/1.1 101 Switching Protocols", {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Accept": await answerKey(key),
    "Sec-WebSocket-Protocol": protocol,
    ...headers,
  });
}

function headText(start: string, headers: Record<string, string | undefined>): string {
  const lines = Object.entries(headers).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `${start}\r\n${lines.join("")}\r\n`;
}
