/**
 * NATS over Deno's own TCP and TLS.
 *
 * `@nats-io/transport-node` works on Deno, but a connection that the server resets at the wrong moment
 * ends the process with an uncaught error. The transport made for Deno is not on npm.
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

/** Size of the read buffer, in bytes. */
const READ = 1 << 16;

/** Connects to NATS. */
export function connect(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new DenoTransport() });
  return NatsConnectionImpl.connect(options);
}

/** A connection to one server. The library makes a new one for each attempt. */
class DenoTransport implements Transport {
  readonly lang = "deno";
  readonly version = Deno.version.deno;
  isClosed = false;
  closeError?: Error;

  readonly #closed = Promise.withResolvers<void | Error>();
  #connection: Deno.TcpConn | Deno.TlsConn | undefined;
  #isEncrypted = false;
  #isConnected = false;
  readonly #buffer = new Uint8Array(READ);
  /** The bytes read while connecting, which the library has to see as well. */
  #first = new Uint8Array();
  /** Resolves when all frames are written. */
  #written = Promise.resolve();

  async connect(server: Server, options: ConnectionOptions): Promise<void> {
    const { hostname, port } = server;
    try {
      this.#connection = await Deno.connect({ hostname, port });
      this.#connection.setNoDelay();
      // The library may have given up meanwhile. Without this, a silent server would keep the socket open.
      if (this.isClosed) throw new ConnectionError("closed");
      const info = await this.#readInfo();
      checkOptions(info, options);
      if (info.tls_required || (info.tls_available && options.tls !== null)) {
        await this.#encrypt(server.tlsName || hostname, options);
      }
      if (this.isClosed) throw new ConnectionError("closed");
      this.#isConnected = true;
    } catch (error) {
      this.discard();
      throw error instanceof Deno.errors.ConnectionRefused
        ? new ConnectionError("connection refused", { cause: error })
        : error;
    }
  }

  /** Reads the server's first message. */
  async #readInfo(): Promise<Parameters<typeof checkOptions>[0]> {
    let message = "";
    while (message === "") {
      const more = await this.#read();
      if (more === undefined) throw new ConnectionError("the server closed the connection");
      this.#first = new Uint8Array([...this.#first, ...more]);
      message = extractProtocolMessage(this.#first);
    }
    const match = INFO.exec(message);
    if (match === null) throw new ConnectionError("it is not a NATS server");
    return JSON.parse(match[1]!);
  }

  async #encrypt(hostname: string, { tls }: ConnectionOptions): Promise<void> {
    const caCerts = tls?.ca === undefined ? [] : [tls.ca];
    const encrypted = await Deno.startTls(this.#connection as Deno.TcpConn, { hostname, caCerts });
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
    }).catch(() => {}); // the read that fails as well has the reason
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

  /** Returns a copy of the bytes that have come, as messages of the library are views of it. */
  async #read(): Promise<Uint8Array | undefined> {
    const count = await this.#connection?.read(this.#buffer);
    return count ? this.#buffer.slice(0, count) : undefined;
  }

  #end(error: Error | undefined): void {
    const wasOpen = this.#isConnected && !this.isClosed;
    if (wasOpen && error !== undefined) this.closeError = error;
    this.discard();
    if (wasOpen) this.#closed.resolve(error);
  }
}
