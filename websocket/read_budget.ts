/**
 * Fairness between connections.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { closeQuietly } from "./streams.ts";

/** Bytes that connections together may read before the event loop looks at all sockets. */
const MOST = 1 << 19;

/** Time to wait if that connection could not be opened, in milliseconds. */
const PAUSE = 5;

const HERE = "127.0.0.1";

/**
 * Bytes that connections may read together. A read whose bytes are there already takes no turn of the event
 * loop, and a turn in which something is ready rarely looks at other sockets: peers that never stop would keep
 * all others waiting. So connections that have spent the budget wait for a byte that goes through a connection
 * from this process to itself. Nothing idles meanwhile: a timer would wait for at least two milliseconds.
 */
export class ReadBudget {
  #spent = 0;
  #renewing: Promise<void> | undefined;
  readonly #loopback = connectToSelf().catch(() => undefined);

  /** Counts bytes that were read; returns what to await before reading on, if anything. */
  spend(bytes: number): Promise<void> | undefined {
    this.#spent += bytes;
    return this.#spent < MOST ? undefined : this.#renewing ??= this.#renew();
  }

  /** Closes its connection. Nobody may spend anything any more. */
  async close(): Promise<void> {
    await this.#renewing;
    (await this.#loopback)?.forEach(closeQuietly);
  }

  async #renew(): Promise<void> {
    const loopback = await this.#loopback;
    if (loopback === undefined) {
      await delay(PAUSE);
    } else {
      const [from, to] = loopback;
      const looked = to.read(new Uint8Array(1));
      await from.write(new Uint8Array(1));
      await looked;
    }
    this.#spent = 0;
    this.#renewing = undefined;
  }
}

async function connectToSelf(): Promise<[from: Deno.TcpConn, to: Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: HERE, port: 0 });
  const connecting = Deno.connect({ hostname: HERE, port: listener.addr.port });
  const [from, to] = await Promise.all([connecting, listener.accept()]);
  from.setNoDelay(true);
  return [from, to];
}
