/**
 * Listens on one port for as long as the server lives, even if accepting connections fails.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { DenoSocket } from "./deno_socket.ts";
import type { RequestHandler, Upgraded } from "./socket.ts";

/** The certificate of a server and its key. */
export interface Certificate {
  /** The certificate in PEM, followed by any intermediate certificates. */
  readonly cert: string;
  /** The private key in PEM. */
  readonly key: string;
}

/** Time after which to listen again when accepting connections has failed, in milliseconds. */
const RETRY_DELAY = 500;

/**
 * Time after which a server that was shut down certainly accepts no more connections, in
 * milliseconds. It is a few turns of the event loop; if other servers share the port, nothing
 * signals its end.
 */
const RELEASE_TIME = 100;

/** Options for {@linkcode Listener}. */
export interface ListenerOptions {
  readonly hostname: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Makes it `wss` and `https`. */
  readonly tls: Certificate | undefined;
  /** Whether other servers may listen on the same port. */
  readonly reusePort: boolean;
  readonly handler: RequestHandler;
  /** Called with errors; the Response answers the request that failed, if there is one. */
  readonly onError: (error: unknown) => Response;
}

/** Time after which a silent WebSocket is closed, in seconds; Deno pings after half of it. */
export const IDLE_TIMEOUT = 30;

/** Listens from its construction on. */
export class Listener {
  /** The port. */
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
   * Replaces the certificate, unless it is the same.
   *
   * @throws {RangeError} if the new one is invalid; the old one stays in use.
   */
  setCertificate(certificate: Certificate): Promise<void> {
    const renewing = this.#renewed.then(() => this.#setCertificate(certificate));
    this.#renewed = renewing.catch(() => {});
    return renewing;
  }

  /** Stops trying to listen again after an error; connections go on. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#again);
    await this.#renewed;
  }

  /** Stops listening; resolves when all accepted connections have ended. */
  async close(): Promise<void> {
    await this.stop();
    await Promise.all([this.#server.shutdown(), ...this.#retired.values()]);
  }

  #listen(port: number): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, reusePort, handler, onError } = this.#options;
    const server = Deno.serve(
      { hostname, port, reusePort, ...this.#tls, onListen: () => {}, onError },
      (request, info) =>
        handler(request, info, (protocol, headers) => upgrade(request, protocol, headers)),
    );
    // Deno ends a server that cannot accept, such as when file descriptors run out; open
    // connections go on.
    server.finished.catch((error) => {
      onError(error);
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
    }, RETRY_DELAY);
  }

  async #setCertificate(certificate: Certificate): Promise<void> {
    const before = this.#tls;
    if (before === undefined) throw new RangeError("there is no certificate to replace");
    if (before.cert === certificate.cert && before.key === certificate.key) return;
    await checkCertificate(certificate);
    if (this.#isClosed) return;
    let failure: unknown;
    clearTimeout(this.#again);
    this.#retire(this.#server);
    this.#tls = certificate;
    if (this.#options.reusePort) await delay(RELEASE_TIME);
    // The port becomes free a few turns of the event loop later.
    for (let wait = 1; !this.#isClosed; wait = Math.min(2 * wait, RETRY_DELAY)) {
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

  /** Stops a server from listening; it still answers the POSTs that it has accepted. */
  #retire(server: Deno.HttpServer): void {
    const ended = Promise.allSettled([server.shutdown(), server.finished]);
    this.#retired.set(server, ended);
    void ended.then(() => this.#retired.delete(server));
  }
}

/**
 * Checks a certificate and its key.
 *
 * @throws {RangeError} if one is invalid, or they do not belong together.
 */
export async function checkCertificate({ cert, key }: Certificate): Promise<void> {
  // Imported late: this takes longer than the rest of a server's start.
  const { createPrivateKey, X509Certificate } = await import("node:crypto");
  const certificate = read("certificate", () => new X509Certificate(cert));
  const privateKey = read("key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new RangeError("the key does not belong to the certificate");
  }
}

function read<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new RangeError(`the ${what} is not valid PEM`);
  }
}

function upgrade(
  request: Request,
  protocol: string | undefined,
  headers: Record<string, string>,
): Upgraded {
  const options = { idleTimeout: IDLE_TIMEOUT, ...protocol !== undefined && { protocol } };
  const { socket, response } = Deno.upgradeWebSocket(request, options);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return { socket: new DenoSocket(socket), response };
}
