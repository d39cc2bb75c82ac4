/**
 * The connection of the page, which reconnects, and its token.
 *
 * @module
 */

import { Outbox } from "../client/outbox.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import type { Link } from "./exchange.ts";

/** The first and the longest delay before the page reconnects, in milliseconds; it doubles. */
const FIRST_RETRY = 1000;
const MAX_RETRY = 30_000;

/** Where the page keeps the token until the tab is closed. */
const TOKEN_KEY = "asyncpkt.token";

/** Prefix of the token among the subprotocols, the only place for it that a page can set. */
const TOKEN_PREFIX = "asyncpkt.token.";

/** State of the connection. */
export type ConnectionState =
  | { readonly name: "connecting" }
  | { readonly name: "open" }
  | {
    readonly name: "waiting";
    /** Why it is closed. */
    readonly reason: string;
    /** Whether it was open; else, the attempt failed. */
    readonly wasOpen: boolean;
    /** Time of the next attempt, in milliseconds. */
    readonly retryAt: number;
  };

/** Callbacks of a {@linkcode Connection}. */
export interface ConnectionEvents {
  changed(state: ConnectionState): void;
  connected(link: Link): void;
  disconnected(): void;
  received(frame: unknown): void;
}

/** A WebSocket, and a new one after it closes. */
export class Connection {
  readonly #url: string;
  readonly #events: ConnectionEvents;
  #socket: WebSocket | undefined;
  #failures = 0;
  /** The largest frame that packets may share, in bytes, as former connections have shown. */
  #frameLimit = Infinity;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, events: ConnectionEvents) {
    this.#url = url;
    this.#events = events;
  }

  /** Connects now, unless it is open or connecting. */
  connect(): void {
    if (this.#socket !== undefined) return;
    clearTimeout(this.#retry);
    this.#events.changed({ name: "connecting" });
    const token = savedToken();
    const credentials = token === "" ? [] : [TOKEN_PREFIX + encodeURIComponent(token)];
    const socket = this.#socket = new WebSocket(this.#url, [SUBPROTOCOL, ...credentials]);
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      const isBatched = socket.protocol === SUBPROTOCOL;
      const outbox = new Outbox((frame) => socket.send(frame), isBatched, this.#frameLimit);
      this.#events.changed({ name: "open" });
      this.#events.connected({
        send: (packet, posted) => outbox.add(packet, posted),
        sendAlone: (frame) => socket.send(frame),
        accept: (posted) => outbox.accept(posted),
        repair: (error) => {
          const isRepaired = outbox.repair(error);
          this.#frameLimit = outbox.limit;
          return isRepaired;
        },
      });
    };
    socket.onmessage = ({ data }) => {
      this.#failures = 0; // not on open: a server may close each connection at once
      this.#events.received(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#lost(wasOpen, reasonOf(wasOpen, code, reason));
    };
  }

  /** Drops the connection, as a network failure does. */
  drop(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null; // ignores later frames
    socket.close();
    this.#failures = 0;
    this.#lost(true, "it was dropped");
  }

  /** Stops reconnecting until the next `connect()`. */
  stop(): void {
    clearTimeout(this.#retry);
  }

  #lost(wasOpen: boolean, reason: string): void {
    this.#socket = undefined;
    const wait = retryDelay(this.#failures++);
    this.#retry = setTimeout(() => this.connect(), wait);
    this.#events.disconnected();
    const retryAt = performance.now() + wait;
    this.#events.changed({ name: "waiting", reason, wasOpen, retryAt });
  }
}

/**
 * Returns the delay before reconnecting after some failures, in milliseconds: between half and all
 * of a time that doubles, so that many pages do not reconnect all at once.
 */
export function retryDelay(failures: number, random: number = Math.random()): number {
  return Math.min(MAX_RETRY, FIRST_RETRY * 2 ** failures) * (1 + random) / 2;
}

/** Returns the token that was entered in this tab; empty if none was. */
export function savedToken(): string {
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

/** Keeps a token until the tab is closed. */
export function saveToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** Returns the header that sends the saved token, if there is one. */
export function credentials(): Record<string, string> {
  const token = savedToken();
  return token === "" ? {} : { authorization: `Bearer ${token}` };
}

/** What the server reports of itself; to clients without its token, only its status. */
export interface Health {
  /** The version of asyncpkt. */
  readonly version?: string;
  readonly in_flight?: number;
  /** Whether it has the control API. */
  readonly control?: boolean;
}

/** Returns what the server reports to clients with the saved token; undefined if it does not reply. */
export async function askHealth(): Promise<Health | undefined> {
  try {
    return await (await fetch("healthz", { headers: credentials() })).json();
  } catch {
    return undefined;
  }
}

/**
 * Returns whether the server accepts the saved token. If the server does not reply, it may accept
 * the token later.
 */
export async function isAdmitted(): Promise<boolean> {
  const health = await askHealth();
  return health === undefined || "in_flight" in health;
}

function reasonOf(wasOpen: boolean, code: number, reason: string): string {
  if (!wasOpen) return "the server could not be reached";
  return reason ? `the server closed it: ${reason} (${code})` : `it was closed (${code})`;
}
