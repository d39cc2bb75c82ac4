/**
 * HTTP and WebSocket as bytes, for peers that do what no library would.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { PATIENCE } from "./until.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sends a request as it is and returns the response, as it is. */
export async function exchange(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encoder.encode(request));
  const head = await readHead(connection);
  const length = request.startsWith("HEAD") ? 0 : /content-length: *(\d+)/i.exec(head)?.[1];
  const body = new Uint8Array(Number(length ?? 0));
  for (let at = 0; at < body.length;) {
    at += await deadline(connection.read(body.subarray(at)), PATIENCE) ?? Infinity;
  }
  return head + decoder.decode(body);
}

/** All that comes until the peer closes, or breaks off. */
export async function readToEnd(connection: Deno.Conn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(4096);
  try {
    while (true) {
      const count = await deadline(connection.read(buffer), PATIENCE);
      if (count === null) return text;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return text;
    throw error;
  }
}

/** Connects, and upgrades to a WebSocket in plain mode; all else is up to the caller. */
export async function openRawSocket(port: number): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encoder.encode(upgradeRequest()));
  await readHead(connection);
  return connection;
}

/** The head of a request for a WebSocket; `headers` replaces some, undefined leaves one out. */
export function upgradeRequest(headers: Record<string, string | undefined> = {}): string {
  const all: Record<string, string | undefined> = {
    "Host": "127.0.0.1",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET / HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Accepts a WebSocket on a connection that has just come in; in plain mode without a `protocol`. */
export async function acceptRawSocket(connection: Deno.Conn, protocol?: string): Promise<void> {
  const key = /sec-websocket-key: *(\S+)/i.exec(await readHead(connection))![1]!;
  const magic = encoder.encode(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-1", magic));
  await connection.write(encoder.encode(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      (protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : "") +
      `Sec-WebSocket-Accept: ${btoa(String.fromCharCode(...hash))}\r\n\r\n`,
  ));
}

/** The bytes of a text frame from a client: short, and masked with zeros. */
export function clientFrame(text: string): Uint8Array {
  const content = encoder.encode(text);
  if (content.length > 125) throw new RangeError("Cannot frame more than 125 bytes");
  return new Uint8Array([0x81, 0x80 | content.length, 0, 0, 0, 0, ...content]);
}

/** Writes a text message of `size` mebibytes, in fragments of 8. */
export async function writeLongText(connection: Deno.Conn, size: number): Promise<void> {
  const length = 1 << 23;
  const fragment = new Uint8Array(14 + length).fill(0x61); // its mask is zeros
  const view = new DataView(fragment.buffer);
  view.setUint8(1, 0x80 | 127);
  view.setBigUint64(2, BigInt(length));
  view.setUint32(10, 0);
  for (let i = 8; i <= size; i += 8) {
    view.setUint8(0, (i === size ? 0x80 : 0) | (i === 8 ? 1 : 0));
    for (let at = 0; at < fragment.length;) at += await connection.write(fragment.subarray(at));
  }
}

/** The bytes of a frame from a server; `first` is its first byte. */
export function serverFrame(content: string | Uint8Array, first = 0x81): Uint8Array {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  const length = bytes.length < 126
    ? [bytes.length]
    : bytes.length < 2 ** 16
    ? [126, bytes.length >> 8, bytes.length & 0xff]
    : [127, 0, 0, 0, 0, ...new Uint8Array(Uint32Array.of(bytes.length).buffer).reverse()];
  const frame = new Uint8Array(1 + length.length + bytes.length);
  frame.set([first, ...length]);
  frame.set(bytes, 1 + length.length);
  return frame;
}

/** Reads on until the client sends a Close frame with a code alone or goes away, then closes. */
export async function closeAfterPeer(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  let last = 0;
  for (let count; (count = await connection.read(buffer).catch(() => null)) !== null;) {
    const bytes = [last, ...buffer.subarray(0, count)];
    if (bytes.some((byte, i) => byte === 0x88 && bytes[i + 1] === 0x82)) break;
    last = bytes.at(-1)!;
  }
  connection.close();
}

/** Reads a message's head; byte by byte, so that what follows it stays unread. */
async function readHead(connection: Deno.Conn): Promise<string> {
  let head = "";
  const byte = new Uint8Array(1);
  while (!head.endsWith("\r\n\r\n")) {
    if (await deadline(connection.read(byte), PATIENCE) === null) break;
    head += decoder.decode(byte);
  }
  return head;
}

/** A server of bytes. */
export interface RawServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts a server that hands every connection to `serve`, and closes all when it is disposed of. */
export function startRawServer(serve: (connection: Deno.Conn) => Promise<void>): RawServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      serve(connection).catch(() => {}); // whoever goes away does not matter here
    }
  })();
  return {
    url: `ws://127.0.0.1:${listener.addr.port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of connections) {
        try {
          connection.close();
        } catch {
          // It was closed already.
        }
      }
    },
  };
}
