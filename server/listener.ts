/**
 * What the listeners of both transports share.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import type { RequestHandler } from "./socket.ts";

/** The certificate of a server and its key. */
export interface Certificate {
  /** The certificate in PEM, followed by any intermediate certificates. */
  readonly cert: string;
  /** The private key in PEM. */
  readonly key: string;
}

/** Options for a {@linkcode Listener}. */
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

/** Time after which to accept or listen again after an error, in milliseconds. */
export const RETRY_DELAY = 500;

/** Time after which a silent WebSocket is closed, in seconds. */
export const IDLE_TIMEOUT = 30;

/** Listens on one port, from its construction on. */
export abstract class Listener {
  abstract readonly port: number;
  protected tls: Certificate | undefined;
  protected isStopped = false;
  #changing = Promise.resolve();

  constructor(tls: Certificate | undefined) {
    this.tls = tls;
  }

  /** Stops listening; open connections and accepted requests go on. */
  protected abstract pause(): void | Promise<void>;

  /** Listens again on the same port, with the certificate in use. */
  protected abstract resume(): void;

  /** Stops listening; resolves when all accepted requests have been answered. */
  abstract close(): Promise<void>;

  /** Stops replacing the certificate, and listening again after an error. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.#changing;
  }

  /**
   * Replaces the certificate, unless it is the same.
   *
   * @throws {RangeError} if the new one is invalid; the old one stays in use.
   */
  setCertificate(certificate: Certificate): Promise<void> {
    const changing = this.#changing.then(() => this.#change(certificate));
    this.#changing = changing.catch(() => {});
    return changing;
  }

  async #change(certificate: Certificate): Promise<void> {
    const before = this.tls;
    if (before === undefined) throw new RangeError("there is no certificate to replace");
    if (before.cert === certificate.cert && before.key === certificate.key) return;
    await checkCertificate(certificate);
    if (this.isStopped) return;
    let failure: unknown;
    this.tls = certificate;
    await this.pause();
    // The port becomes free a few turns of the event loop later.
    for (let wait = 1; !this.isStopped; wait = Math.min(2 * wait, RETRY_DELAY)) {
      try {
        this.resume();
        break;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) {
          this.tls = before;
          failure ??= error;
        }
        await delay(wait);
      }
    }
    if (failure !== undefined) throw new RangeError(String(failure));
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
