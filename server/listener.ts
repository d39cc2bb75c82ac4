/**
 * Listening: on one port, for as long as the server lives, whatever befalls that.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { type Certificate, checkCertificate } from "./certificate.ts";

/** How long until one that could not accept connections tries again, in milliseconds. */
const LISTEN_AGAIN = 500;

/**
 * How long until one that listens no more certainly takes in no more, in milliseconds. It is a few turns of
 * the event loop; where others listen on the same port, nothing says when they are over.
 */
const RELEASE = 100;

/** How it listens, and who is told what. */
export interface ListenerOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Makes it `wss` and `https`. */
  readonly tls: Certificate | undefined;
  /** Whether others, which do so as well, may listen on the same port. */
  readonly reusePort: boolean;
  readonly handler: Deno.ServeHandler<Deno.NetAddr>;
  /** Told of a fault; the Response is for who asked, if it was a request's. */
  readonly onFault: (error: unknown) => Response;
}

/** Listens from the start; connections that stand are none of its business. */
export class Listener {
  /** The port that it listens on. */
  readonly port: number;

  readonly #options: ListenerOptions;
  #tls: Certificate | undefined;
  #server: Deno.HttpServer<Deno.NetAddr>;
  /** Servers that no longer listen, until the last of their connections has ended. */
  readonly #retired = new Map<Deno.HttpServer, Promise<unknown>>();
  #renewed = Promise.resolve();
  #isClosed = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  /** @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of listening. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#tls = options.tls;
    this.#server = this.#listen(options.port);
    this.port = this.#server.addr.port;
  }

  /**
   * Listens with another certificate from now on; with the same, nothing happens.
   *
   * @throws {RangeError} if it cannot be used: then the old one is kept.
   */
  renew(certificate: Certificate): Promise<void> {
    const renewing = this.#renewed.then(() => this.#renew(certificate));
    this.#renewed = renewing.catch(() => {});
    return renewing;
  }

  /** Tries no more to listen where that has failed; what it has accepted is still served. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#again);
    await this.#renewed;
  }

  /** Listens no more; resolves when all that it has accepted has ended. */
  async close(): Promise<void> {
    await this.stop();
    await Promise.all([this.#server.shutdown(), ...this.#retired.values()]);
  }

  #listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, reusePort, handler, onFault } = this.#options;
    const server = Deno.serve(
      { hostname, port, reusePort, ...this.#tls, onListen: () => {}, onError: onFault },
      handler,
    );
    // It ends when accepting fails, as when file descriptors run out. The connections that stand live on.
    server.finished.catch((error) => {
      onFault(error);
      if (!this.#retired.has(server)) this.#listenAgain();
    });
    return server;
  }

  #listenAgain(): void {
    if (this.#isClosed) return;
    this.#again = setTimeout(() => {
      try {
        this.#server = this.#listen(this.port);
      } catch {
        this.#listenAgain();
      }
    }, LISTEN_AGAIN);
  }

  async #renew(certificate: Certificate): Promise<void> {
    const before = this.#tls;
    if (before === undefined) throw new RangeError("there is no certificate to be renewed");
    if (before.cert === certificate.cert && before.key === certificate.key) return;
    await checkCertificate(certificate);
    if (this.#isClosed) return;
    let failure: unknown;
    clearTimeout(this.#again);
    this.#retire(this.#server);
    this.#tls = certificate;
    if (this.#options.reusePort) await delay(RELEASE);
    // The port is free only a few turns of the event loop later.
    for (let wait = 1; !this.#isClosed; wait = Math.min(2 * wait, LISTEN_AGAIN)) {
      try {
        this.#server = this.#listen(this.port);
        break;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) {
          this.#tls = before;
          failure ??= error;
        }
        await delay(wait);
      }
    }
    if (failure !== undefined) throw new RangeError(String(failure));
  }

  /** Lets a server end: it listens no more, and what was posted to it is still answered. */
  #retire(server: Deno.HttpServer): void {
    const ended = Promise.allSettled([server.shutdown(), server.finished]);
    this.#retired.set(server, ended);
    void ended.then(() => this.#retired.delete(server));
  }
}
