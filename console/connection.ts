/**
 * The connection of the page: comes back by itself when it is lost.
 *
 * @module
 */

import { Outbox } from "../client/outbox.ts";
import { SUBPROTOCOL } from "../protocol.ts";
import type { Link } from "./exchange.ts";

/** How long until a lost connection is tried again, at most, in milliseconds: doubles up to LONGEST. */
const FIRST = 1000;
const LONGEST = 30_000;

/** How it stands with the connection. */
export type ConnectionState =
  | { readonly name: "connecting" }
  | { readonly name: "open" }
  | {
    readonly name: "waiting";
    /** Why there is none. */
    readonly reason: string;
    /** Whether there was one, or the attempt failed. */
    readonly wasOpen: boolean;
    /** When it is tried again, in milliseconds. */
    readonly retryAt: number;
  };

/** Whoever wants to know. */
export interface ConnectionEvents {
  changed(state: ConnectionState): void;
  connected(link: Link): void;
  disconnected(): void;
  received(frame: unknown): void;
}

/** One WebSocket after another. */
export class Connection {
  readonly #url: string;
  readonly #events: ConnectionEvents;
  /** Offered beside the protocol's own name. */
  #credentials: readonly string[] = [];
  #socket: WebSocket | undefined;
  #failures = 0;
  /** The largest frame that packets may share, in bytes, as far as former connections have shown. */
  #frameLimit = Infinity;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, events: ConnectionEvents) {
    this.#url = url;
    this.#events = events;
  }

  /** Connects now, unless there is a connection or one under way. */
  connect(credentials = this.#credentials): void {
    this.#credentials = credentials;
    if (this.#socket !== undefined) return;
    clearTimeout(this.#retry);
    this.#events.changed({ name: "connecting" });
    const socket = this.#socket = new WebSocket(this.#url, [SUBPROTOCOL, ...credentials]);
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      const outbox = new Outbox(
        (frame) => socket.send(frame),
        socket.protocol === SUBPROTOCOL,
        this.#frameLimit,
      );
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
      this.#failures = 0; // not when it opens: a server may close it at once, again and again
      this.#events.received(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#lost(wasOpen, reasonOf(wasOpen, code, reason));
    };
  }

  /** Ends the connection, as a network does that breaks. */
  drop(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    // What still comes on it is not waited for.
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#failures = 0;
    this.#lost(true, "it was dropped");
  }

  /** Tries no more, until somebody connects. */
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
 * How long to wait after so many failures: between a half and the whole of a time that doubles, so that
 * many pages do not come back all at once, and a person sees that there was something.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { retryDelay } from "./connection.ts";
 *
 * assertEquals([0, 1, 2, 9].map((failures) => retryDelay(failures, 1)), [1000, 2000, 4000, 30_000]);
 * assertEquals([0, 1, 2, 9].map((failures) => retryDelay(failures, 0)), [500, 1000, 2000, 15_000]);
 * ```
 */
export function retryDelay(failures: number, random: number = Math.random()): number {
  const most = Math.min(LONGEST, FIRST * 2 ** failures);
  return most * (1 + random) / 2;
}

function reasonOf(wasOpen: boolean, code: number, reason: string): string {
  if (!wasOpen) return "the server could not be reached";
  return reason ? `the server closed it: ${reason} (${code})` : `it was closed (${code})`;
}
