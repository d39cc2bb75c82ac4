/**
 * HTTP and WebSocket as bytes, for peers that do what no library would.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { FrameDecoder } from "../../websocket/decoder.ts";
import { buildFrame, ZERO_MASK } from "../../websocket/frames.ts";
import {
  checkUpgradeRequest,
  parseHead,
  upgradeRequest,
  upgradeResponse,
} from "../../websocket/handshake.ts";
import { PATIENCE } from "./waiting.ts";

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

/** Accepts a WebSocket on a connection that has just come in; in plain mode without a `protocol`. */
export async function acceptRawSocket(connection: Deno.Conn, protocol?: string): Promise<void> {
  const { key } = checkUpgradeRequest(parseHead(await readHead(connection)));
  await connection.write(encoder.encode(await upgradeResponse(key, protocol)));
}

/** The bytes of a text frame from a client. */
export function clientFrame(text: string): Uint8Array {
  return buildFrame(text, { mask: ZERO_MASK });
}

/** Writes all of some bytes. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** The bytes of a frame from a server; `first` is its first byte. */
export function serverFrame(payload: string | Uint8Array, first = 0x81): Uint8Array {
  return buildFrame(payload, { first });
}

/** Reads on until the client sends a Close frame or goes away, then closes. */
export async function closeAfterPeer(connection: Deno.Conn): Promise<void> {
  await readUntilClose(connection, "server");
  connection.close();
}

/** Reads on until the server sends a Close frame; returns its status code, undefined without one. */
export async function readCloseCode(connection: Deno.Conn): Promise<number | undefined> {
  const payload = await readUntilClose(connection, "client");
  return payload && new DataView(payload.buffer).getUint16(0);
}

async function readUntilClose(connection: Deno.Conn, role: "client" | "server") {
  let payload: Uint8Array<ArrayBuffer> | undefined;
  const close = (content: Uint8Array) =>
    void (payload = content.slice() as Uint8Array<ArrayBuffer>);
  const decoder = new FrameDecoder(role, { text() {}, close });
  while (payload === undefined) {
    const count = await connection.read(decoder.space).catch(() => null);
    if (count === null) break;
    decoder.decode(count);
  }
  return payload;
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
