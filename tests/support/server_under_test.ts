/**
 * The server that a suite of tests is about: by itself, or as a gateway with a worker behind it.
 *
 * @module
 */

import type { Elsewhere, Told } from "../../session/responder.ts";
import { NatsResponder } from "../../cluster/nats/nats_responder.ts";
import type { LinkOptions } from "../../cluster/nats/nats_connection.ts";
import { Worker } from "../../cluster/nats/worker.ts";
import { serve, type ServeOptions, type Server } from "../../server.ts";
import { startNatsServer } from "./nats_server.ts";

/** What a module's URL ends in whose tests are to be about a gateway. */
export const AS_GATEWAY = "?gateway";

/** The `serve()` for the tests of the module at `url`. */
export async function serverUnderTest(url: string): Promise<typeof serve> {
  if (!url.endsWith(AS_GATEWAY)) return serve;
  const nats = await startNatsServer();
  globalThis.addEventListener("unload", () => nats.killNow());
  let count = 0;
  return (options = {}) => {
    const opening = new Opening({ servers: [nats.url], prefix: `test${++count}` });
    const server = serveWith(options, opening);
    return {
      ...server,
      get inFlight() {
        return server.inFlight;
      },
      async drain() {
        const drained = await server.drain();
        await opening[Symbol.asyncDispose]();
        return drained;
      },
      async [Symbol.asyncDispose]() {
        await server.drain();
        await opening[Symbol.asyncDispose]();
      },
    };
  };
}

/** Starts nothing behind a server that cannot be started. */
function serveWith(options: ServeOptions, opening: Opening): Server {
  const server = serve({ ...options, elsewhere: opening });
  opening.open();
  return server;
}

/** A gateway and its worker that are yet to be opened: `serve()` does not wait for any. */
class Opening implements Elsewhere, AsyncDisposable {
  readonly hasRoom = true;
  readonly isReachable = true;
  readonly longest = 1 << 18;
  readonly #options: LinkOptions;
  #told: Told | undefined;
  #gateway: NatsResponder | undefined;
  #opened: Promise<[NatsResponder, Worker]> | undefined;
  /** What the gateway is to be told once there is one. */
  readonly #calls: ((gateway: NatsResponder) => void)[] = [];

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  open(): void {
    this.#opened = this.#open();
  }

  begin(told: Told): void {
    this.#told = told;
  }

  take(key: string, source: Uint8Array, at: number, end: number, delay: number): void {
    const data = source.slice(at, end);
    this.#tell((gateway) => gateway.take(key, data, 0, data.length, delay));
  }

  drop(ticket: number): void {
    this.#tell((gateway) => gateway.drop(ticket));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of await this.#opened!) await end[Symbol.asyncDispose]();
  }

  async #open(): Promise<[NatsResponder, Worker]> {
    const gateway = await NatsResponder.open(this.#options);
    const worker = await Worker.open(this.#options);
    gateway.begin(this.#told!);
    this.#gateway = gateway;
    for (const call of this.#calls) call(gateway);
    return [gateway, worker];
  }

  #tell(call: (gateway: NatsResponder) => void): void {
    if (this.#gateway === undefined) this.#calls.push(call);
    else call(this.#gateway);
  }
}
