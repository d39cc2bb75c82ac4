/**
 * The token of a server that lets in only who knows it.
 *
 * @module
 */

/** Where it is kept until the tab is closed. */
const KEY = "asyncpkt.token";

/** What stands before it among the subprotocols, where alone a page can put it. */
const PREFIX = "asyncpkt.token.";

/** The token that was given in this tab; empty if none was. */
export function savedToken(): string {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Keeps a token until the tab is closed. */
export function saveToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

/**
 * What to offer among the subprotocols so that the server sees the token.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { credentialsOf } from "./admission.ts";
 *
 * assertEquals(credentialsOf(""), []);
 * assertEquals(credentialsOf("a/b="), ["asyncpkt.token.a%2Fb%3D"]);
 * ```
 */
export function credentialsOf(token: string): string[] {
  return token === "" ? [] : [PREFIX + encodeURIComponent(token)];
}

/**
 * Whether the server lets in who has this token. It tells everybody how it is, but only those how much it
 * has to do. A server that cannot be asked may do so later.
 */
export async function isAdmitted(token: string): Promise<boolean> {
  try {
    const headers: HeadersInit = token === "" ? {} : { authorization: `Bearer ${token}` };
    const health = await fetch("healthz", { headers });
    return "in_flight" in await health.json();
  } catch {
    return true;
  }
}
