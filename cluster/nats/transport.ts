/**
 * NATS over Deno's own TCP and TLS.
 *
 * The transport of `@nats-io/transport-node` works on Deno, but when the server resets a connection, such as
 * one that it has just refused, the error can come when nobody listens for it any more, which ends the
 * process; the one that is made for Deno is not on npm.
 *
 * @module
 */

import {
  checkOptions,
  ConnectionError,
  type ConnectionOptions,
  extractProtocolMessage,
  INFO,
  NatsConnectionImpl,
  type Server,
  setTransportFactory,
  type Transport,
} from "@nats-io/nats-core/internal";
import type { NatsConnection } from "@nats-io/nats-core";

/** How much is read at once, in bytes. */
const READ = 1 << 16;

/** Connects to NATS. */
export function connect(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new DenoTransport() });
  return NatsConnectionImpl.connect(options);
}

/** One connection to a server; each attempt to connect has one of its own. */
class DenoTransport implements Transport {
  readonly lang = "deno";
  readonly version = Deno.version.deno;
  /** Whether it is over, be it with `closeError`. */
  isClosed = false;
  closeError?: Error;

  readonly #closed = Promise.withResolvers<void | Error>();
  #connection: Deno.TcpConn | Deno.TlsConn | undefined;
  #isEncrypted = false;
  #isConnected = false;
  readonly #buffer = new Uint8Array(READ);
  /** What has been read already. */
  #first = new Uint8Array();
  /** Resolves when all is written that was to be sent. */
  #written = Promise.resolve();

  async connect(server: Server, options: ConnectionOptions): Promise<void> {
    try {
      const { hostname, port } = server;
      const connection = await Deno.connect({ hostname, port });
      connection.setNoDelay();
      this.#connection = connection;
      const info = await this.#readInfo();
      checkOptions(info, options);
      if (info.tls_required || (info.tls_available && options.tls !== null)) {
        await this.#encrypt(connection, server.tlsName || hostname, options);
      }
      // It may have been given up meanwhile.
      if (this.isClosed) throw new ConnectionError("closed");
      this.#isConnected = true;
    } catch (error) {
      this.discard();
      throw error instanceof Deno.errors.ConnectionRefused
        ? new ConnectionError("connection refused", { cause: error })
        : error;
    }
  }

  /** What the server says first; the library reads it once more. */
  async #readInfo(): Promise<Parameters<typeof checkOptions>[0]> {
    let message = "";
    while (message === "") {
      const more = await this.#read();
      if (more === undefined) throw new ConnectionError("the server closed the connection");
      this.#first = new Uint8Array([...this.#first, ...more]);
      message = extractProtocolMessage(this.#first);
    }
    const match = INFO.exec(message);
    if (match === null) throw new ConnectionError("it is not a server of NATS");
    return JSON.parse(match[1]!);
  }

  async #encrypt(
    connection: Deno.TcpConn,
    hostname: string,
    { tls }: ConnectionOptions,
  ): Promise<void> {
    const caCerts = tls?.ca === undefined ? [] : [tls.ca];
    const encrypted = await Deno.startTls(connection, { hostname, caCerts });
    this.#connection = encrypted;
    await encrypted.handshake();
    this.#isEncrypted = true;
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    let reason: Error | undefined;
    try {
      yield this.#first;
      for (let bytes; (bytes = await this.#read()) !== undefined;) yield bytes;
    } catch (error) {
      reason = error as Error;
    }
    this.#end(reason);
  }

  isEncrypted(): boolean {
    return this.#isEncrypted;
  }

  send(frame: Uint8Array): void {
    this.#written = this.#written.then(async () => {
      for (let at = 0; at < frame.length && !this.isClosed;) {
        at += await this.#connection!.write(frame.subarray(at));
      }
    }).catch(() => {}); // reading tells what is wrong
  }

  async close(error?: Error): Promise<void> {
    if (error === undefined) await this.#written;
    this.#end(error);
  }

  disconnect(): void {
    void this.close();
  }

  closed(): Promise<void | Error> {
    return this.#closed.promise;
  }

  discard(): void {
    this.isClosed = true;
    try {
      this.#connection?.close();
    } catch {
      // It was closed already.
    }
    this.#connection = undefined;
  }

  /** A copy each time, as messages are parts of what was read. */
  async #read(): Promise<Uint8Array | undefined> {
    const count = await this.#connection?.read(this.#buffer);
    return count ? this.#buffer.slice(0, count) : undefined;
  }

  #end(error: Error | undefined): void {
    if (!this.#isConnected || this.isClosed) return this.discard();
    if (error !== undefined) this.closeError = error;
    this.discard();
    this.#closed.resolve(error);
  }
}
