/**
 * All connections of a server: who is let in, who is there, and who never arrived.
 *
 * @module
 */

import { isLoopback, networkOf, undressed } from "./address.ts";
import { Connection, type Shared } from "./connection.ts";
import { tellFault } from "./events.ts";
import type { ServerGroup } from "./group.ts";
import type { ServerStats } from "./stats.ts";

/**
 * How much of the network a server takes on. What a process may open is not known to it: that takes more
 * permissions than a server should have. Deno raises that as far as the system allows, which is mostly far
 * beyond these limits; where it is not, the server outlives running out. Nor does Deno have a deadline for
 * a request's head: until it is complete, nobody hears of the connection.
 */
export interface ConnectionLimits {
  /** Connections, and POSTs until their bodies have ended and their answers were written. */
  maxConnections: number;
  /**
   * The same from one address, or from one network of IPv6. Where nothing is said, this machine itself is
   * not held to it, as a proxy on it speaks for many.
   */
  maxConnectionsPerAddress?: number;
  /** Bytes of answers that wait for a peer to read them. */
  maxBuffered: number;
}

/** The limits where nothing else is said. */
export const DEFAULT_CONNECTION_LIMITS: Readonly<ConnectionLimits> = {
  maxConnections: 10_000,
  maxBuffered: 1 << 24,
};

/** How many connections an address of elsewhere may have, where nothing else is said. */
export const DEFAULT_PER_ADDRESS = 1000;

/** How long a connection may be silent, in seconds. Deno sends a ping after half of that. */
export const IDLE_TIMEOUT = 30;

/** How long an upgrade may take to open before it counts as one that never will, in milliseconds. */
const OPENING = 5000;

/** The connections of a server. */
export class Connections {
  readonly #shared: Shared;
  readonly #limits: Readonly<ConnectionLimits>;
  readonly #gauges: ServerStats["gauges"];
  readonly #group: ServerGroup | undefined;
  /** How many were let in and have not ended, POSTs among them: in all, and by network. */
  #admitted = 0;
  readonly #admittedBy = new Map<string, number>();
  readonly #open = new Set<Connection>();
  /** Upgrades that have not opened yet, and since when they could have; the oldest first. */
  readonly #opening = new Map<Connection, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What all were told when they were closed. */
  #farewell: [code: number, reason: string] | undefined;

  /**
   * @param stats where it counts.
   * @param group other servers that share the limits, if there are any.
   */
  constructor(
    shared: Shared,
    limits: Readonly<ConnectionLimits>,
    { gauges }: ServerStats,
    group?: ServerGroup,
  ) {
    this.#shared = shared;
    this.#limits = limits;
    this.#gauges = gauges;
    this.#group = group;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Lets a peer in, if there is room.
   *
   * @returns what to call when it has left, once or more; or the reason why there is no room.
   */
  admit(address: string): (() => void) | string {
    const { maxConnections } = this.#limits;
    const perAddress = this.#limits.maxConnectionsPerAddress ??
      (isLoopback(undressed(address)) ? maxConnections : DEFAULT_PER_ADDRESS);
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
  add(socket: WebSocket, address: string, batched: boolean, leave: () => void): Connection {
    const connection = new Connection(socket, address, batched, this.#shared, () => {
      // If it was given up, it was only slow.
      if (!this.#opening.delete(connection)) this.#gauges.abandoned--;
      this.#open.add(connection);
      this.#gauges.connections = this.#open.size;
      if (this.#farewell !== undefined) connection.close(...this.#farewell);
    });
    this.#opening.set(connection, performance.now());
    this.#timer ??= setTimeout(this.#sweep, OPENING);
    connection.ended.then(() => {
      this.#opening.delete(connection);
      this.#open.delete(connection);
      this.#gauges.connections = this.#open.size;
      leave();
    });
    return connection;
  }

  /** Closes all, and those that have yet to open; resolves when all that are open have ended. */
  async close(code: number, reason: string): Promise<void> {
    clearTimeout(this.#timer);
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
    try {
      this.#shared.events.rejected?.(address, reason);
    } catch (error) {
      tellFault(this.#shared.events, error);
    }
    return reason;
  }

  #sweep = (): void => {
    this.#timer = undefined;
    const latest = performance.now() - OPENING;
    for (const [connection, since] of this.#opening) {
      if (since > latest) {
        this.#timer = setTimeout(this.#sweep, OPENING);
        break;
      }
      this.#opening.delete(connection);
      const count = ++this.#gauges.abandoned;
      try {
        this.#shared.events.abandoned?.(connection.address, count);
      } catch (error) {
        tellFault(this.#shared.events, error);
      }
    }
  };
}
