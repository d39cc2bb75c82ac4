/**
 * The connections of a server: which are admitted, which are open, and which never opened.
 *
 * @module
 */

import { isLoopback, networkOf } from "./address.ts";
import { type ConnectionContext, ServerConnection } from "./connection.ts";
import { guard } from "./events.ts";
import type { ServerGroup } from "./group.ts";
import type { Socket } from "./socket.ts";
import type { ServerStats } from "./stats.ts";

/**
 * Limits of connections. They are below the number of file descriptors that most systems allow.
 * Deno has no deadline for the head of a request: until it is complete, the connection does not
 * count.
 */
export interface ConnectionLimits {
  /** Connections, and POSTs until their body has ended and their response was written. */
  maxConnections: number;
  /**
   * The same from one address, or from one /64 network of IPv6. The default, 1,000, does not apply
   * to this machine, as a proxy on it may serve many clients.
   */
  maxConnectionsPerAddress?: number;
  /** Bytes of answers that a client may leave unread. */
  maxBuffered: number;
}

/** Default limits. */
export const DEFAULT_CONNECTION_LIMITS: Readonly<ConnectionLimits> = {
  maxConnections: 10_000,
  maxBuffered: 1 << 24,
};

/** Default limit of connections from an address other than this machine's. */
export const DEFAULT_PER_ADDRESS = 1000;

/** Time after which an upgrade that has not opened counts as abandoned, in milliseconds. */
const OPEN_TIMEOUT = 5000;

/** The connections of a server. */
export class Connections {
  readonly #context: ConnectionContext;
  readonly #limits: Readonly<ConnectionLimits>;
  readonly #gauges: ServerStats["gauges"];
  readonly #group: ServerGroup | undefined;
  /** Admitted clients that have not left, POSTs included: in total, and by network. */
  #admitted = 0;
  readonly #admittedBy = new Map<string, number>();
  readonly #open = new Set<ServerConnection>();
  /** Upgrades that have not opened yet, each with the timer that gives it up. */
  readonly #opening = new Map<ServerConnection, ReturnType<typeof setTimeout>>();
  /** The code and reason with which all were closed. */
  #farewell: [code: number, reason: string] | undefined;

  /**
   * @param stats counts connections.
   * @param group other servers that share the limits, if any.
   */
  constructor(
    context: ConnectionContext,
    limits: Readonly<ConnectionLimits>,
    { gauges }: ServerStats,
    group?: ServerGroup,
  ) {
    this.#context = context;
    this.#limits = limits;
    this.#gauges = gauges;
    this.#group = group;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Admits a client if there is room.
   *
   * @returns a function to call, once or more, when the client has left; or the reason why there is
   * no room.
   */
  admit(address: string): (() => void) | string {
    const { maxConnections } = this.#limits;
    const perAddress = this.#limits.maxConnectionsPerAddress ??
      (isLoopback(address) ? maxConnections : DEFAULT_PER_ADDRESS);
    const group = this.#group;
    if (this.#admitted + (group?.admittedElsewhere() ?? 0) >= maxConnections) {
      return this.#reject(address, `Too many connections: the limit is ${maxConnections}`);
    }
    const network = networkOf(address);
    const count = this.#admittedBy.get(network) ?? 0;
    if (count + (group?.admittedElsewhere(network) ?? 0) >= perAddress) {
      const reason = `Too many connections from this address: the limit is ${perAddress}`;
      return this.#reject(address, reason);
    }
    this.#count(network, 1);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#count(network, -1);
    };
  }

  /** Adds a socket that is about to open; calls `leave` when it has ended. */
  add(socket: Socket, address: string, batched: boolean, leave: () => void): void {
    const connection = new ServerConnection(socket, address, batched, this.#context, () => {
      if (!this.#stopWaiting(connection)) this.#gauges.abandoned--; // it opened late
      this.#open.add(connection);
      this.#gauges.connections = this.#open.size;
      if (this.#farewell !== undefined) connection.close(...this.#farewell);
    });
    this.#opening.set(connection, setTimeout(() => this.#abandon(connection), OPEN_TIMEOUT));
    connection.ended.then(() => {
      this.#stopWaiting(connection);
      this.#open.delete(connection);
      this.#gauges.connections = this.#open.size;
      leave();
    });
  }

  /** Closes connections, also those that open later; resolves when the open ones have ended. */
  async close(code: number, reason: string): Promise<void> {
    for (const timer of this.#opening.values()) clearTimeout(timer);
    this.#farewell = [code, reason];
    const ended = [...this.#open].map(({ ended }) => ended);
    for (const connection of this.#open) connection.close(code, reason);
    await Promise.all(ended);
  }

  #count(network: string, change: 1 | -1): void {
    this.#admitted += change;
    const count = (this.#admittedBy.get(network) ?? 0) + change;
    if (count > 0) this.#admittedBy.set(network, count);
    else this.#admittedBy.delete(network);
    this.#group?.noteAdmitted(network, change);
  }

  #reject(address: string, reason: string): string {
    const { events } = this.#context;
    guard(events, () => events.rejected?.(address, reason));
    return reason;
  }

  #abandon(connection: ServerConnection): void {
    this.#opening.delete(connection);
    const count = ++this.#gauges.abandoned;
    const { events } = this.#context;
    guard(events, () => events.abandoned?.(connection.address, count));
  }

  /** Returns whether the connection was still waited for. */
  #stopWaiting(connection: ServerConnection): boolean {
    clearTimeout(this.#opening.get(connection));
    return this.#opening.delete(connection);
  }
}
