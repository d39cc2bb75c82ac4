/**
 * Listens with Node's API, whose connections can be reset: `close()` of a `Deno.Conn` always sends a
 * FIN first (Deno 2.7 to 2.9), so this can go when that has an option for it. It is slower, takes
 * longer to load, and accepts nothing more once file descriptors have run out (Deno 2.9). So it
 * serves only where connections may have to be reset.
 *
 * @module
 */

import type { Server, Socket } from "node:net";
import type { SecureContext } from "node:tls";
import type process from "node:process";
import type { ByteStream } from "../websocket/streams.ts";
import type { Certificate } from "./listener.ts";

/** A port that is bound, but not listened on yet. The types of Deno lack it. */
interface BoundPort {
  /** Returns 0, or the negative number of an error. */
  bind(address: string, port: number): number;
  bind6(address: string, port: number): number;
}

/** What `process.binding("tcp_wrap")` returns. */
interface TcpBinding {
  readonly TCP: new (type: number) => BoundPort;
  readonly constants: { readonly SERVER: number };
}

/**
 * Whether this version of Deno can reset connections, as it can from 2.8 on. It must also bind ports
 * at once, which its `Server.listen()` does only some time later, when clients are refused already.
 */
export function canReset(): boolean {
  return "resetAndDestroy" in nodeProcess().getBuiltinModule("node:net").Socket.prototype &&
    tcpBinding()?.TCP !== undefined;
}

/** Returns what this version of Deno lacks to reset connections, if anything. */
export function lackingToReset(): string | undefined {
  return canReset() ? undefined : "Deno 2.8 or later";
}

/** Listens on a port, like a `Deno.Listener`. */
export class ResettableListener {
  readonly addr: Deno.NetAddr;
  readonly #server: Server;
  readonly #accepted: ResettableStream[] = [];
  #accepting: PromiseWithResolvers<ResettableStream> | undefined;

  /** @throws {Deno.errors.AddrInUse} if the port is in use, and other errors of `Deno.listen()`. */
  constructor(address: Deno.TcpListenOptions, certificate: Certificate | undefined) {
    // Picks the port, and checks all that Node would report only later, or not at all.
    const probe = certificate === undefined
      ? Deno.listen(address)
      : Deno.listenTls({ ...address, ...certificate });
    this.addr = probe.addr as Deno.NetAddr;
    probe.close();
    const secure = certificate &&
      nodeProcess().getBuiltinModule("node:tls").createSecureContext({ ...certificate });
    this.#server = nodeProcess().getBuiltinModule("node:net")
      .createServer({ allowHalfOpen: true, noDelay: true })
      .on("connection", (socket) => this.#add(socket, secure))
      .on("error", (error) => this.#fail(error))
      .listen(bind(this.addr));
  }

  /** Waits for the next connection. Call it again only when it has settled. */
  accept(): Promise<ResettableStream> {
    const stream = this.#accepted.shift();
    if (stream !== undefined) return Promise.resolve(stream);
    this.#accepting = Promise.withResolvers();
    return this.#accepting.promise;
  }

  close(): void {
    this.#server.close();
    this.#accepted.forEach((stream) => stream.close());
    this.#fail(new Deno.errors.BadResource("The listener is closed"));
  }

  #add(socket: Socket, secureContext: SecureContext | undefined): void {
    if (socket.remoteAddress === undefined) return void socket.destroy(); // it is gone already
    const stream = new ResettableStream(socket, secureContext);
    if (this.#accepting === undefined) this.#accepted.push(stream);
    this.#accepting?.resolve(stream);
    this.#accepting = undefined;
  }

  #fail(error: unknown): void {
    this.#accepting?.reject(error);
    this.#accepting = undefined;
  }
}

function bind({ hostname, port }: Deno.NetAddr): BoundPort {
  const { TCP, constants } = tcpBinding()!;
  const bound = new TCP(constants.SERVER);
  const error = hostname.includes(":") ? bound.bind6(hostname, port) : bound.bind(hostname, port);
  if (error !== 0) throw new Deno.errors.AddrNotAvailable(`${hostname}:${port}: error ${-error}`);
  return bound;
}

/** Not imported, as that takes 8 ms at each start of a server. */
function nodeProcess(): typeof process {
  return (globalThis as unknown as { process: typeof process }).process;
}

function tcpBinding(): TcpBinding | undefined {
  const { binding } = nodeProcess() as { binding?: (name: string) => unknown };
  return binding?.("tcp_wrap") as TcpBinding | undefined;
}

/** A connection that was accepted, as bytes. */
class ResettableStream implements ByteStream {
  readonly remoteAddr: Deno.NetAddr;
  readonly #tcp: Socket;
  /** The same, or TLS on it. */
  readonly #socket: Socket;
  #wake = () => {};

  constructor(tcp: Socket, secureContext: SecureContext | undefined) {
    this.remoteAddr = { transport: "tcp", hostname: tcp.remoteAddress!, port: tcp.remotePort! };
    this.#tcp = tcp;
    this.#socket = tcp;
    if (secureContext !== undefined) {
      const { TLSSocket } = nodeProcess().getBuiltinModule("node:tls");
      const options = { isServer: true, secureContext, ALPNProtocols: ["http/1.1"] };
      this.#socket = new TLSSocket(tcp, options);
      tcp.on("error", () => this.#socket.destroy());
    }
    for (const event of ["readable", "end", "close"]) this.#socket.on(event, () => this.#wake());
    this.#socket.on("error", () => {}); // it closes after that
  }

  async read(space: Uint8Array): Promise<number | null> {
    const socket = this.#socket;
    while (!socket.destroyed) {
      const bytes: Uint8Array | null = socket.read(Math.min(socket.readableLength, space.length));
      if (bytes !== null && bytes.length > 0) {
        space.set(bytes);
        return bytes.length;
      }
      if (socket.readableEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    throw new Deno.errors.ConnectionReset("The connection is closed");
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(new Deno.errors.BrokenPipe(error.message));
        else resolve(bytes.length);
      });
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  close(): void {
    this.#socket.destroy();
    this.#tcp.destroy();
  }

  /** Ends the connection by a TCP reset. */
  reset(): void {
    this.#tcp.resetAndDestroy();
  }
}
