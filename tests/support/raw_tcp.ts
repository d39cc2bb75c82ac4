/**
 * HTTP and WebSocket as bytes, for peers that break rules.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { FrameDecoder } from "../../websocket/decoder.ts";
import { buildFrame, parseClose, ZERO_MASK } from "../../websocket/frames.ts";
import {
  checkUpgradeRequest,
  parseHead,
  upgradeRequest,
  upgradeResponse,
} from "../../websocket/handshake.ts";
import { PATIENCE } from "./waiting.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Sends a request and returns the response, both as text. */
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

/** Returns all that arrives until the peer closes or resets the connection. */
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

/** Connects, over TLS if there are certificates to trust, and upgrades to a WebSocket in plain mode. */
export async function openRawSocket(port: number, caCerts?: string[]): Promise<Deno.Conn> {
  const address = { hostname: "127.0.0.1", port };
  const connection = caCerts === undefined
    ? await Deno.connect(address)
    : await Deno.connectTls({ ...address, caCerts });
  await connection.write(encoder.encode(upgradeRequest()));
  await readHead(connection);
  return connection;
}

/** Answers the handshake on a new connection; in plain mode without a `protocol`. */
export async function acceptRawSocket(connection: Deno.Conn, protocol?: string): Promise<void> {
  const { key } = checkUpgradeRequest(parseHead(await readHead(connection)));
  await connection.write(encoder.encode(await upgradeResponse(key, protocol)));
}

/** Returns a text frame from a client. */
export function clientFrame(text: string): Uint8Array {
  return buildFrame(text, { mask: ZERO_MASK });
}

/** Writes all of some bytes. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Returns a frame from a server; `first` is its first byte. */
export function serverFrame(payload: string | Uint8Array, first = 0x81): Uint8Array {
  return buildFrame(payload, { first });
}

/** Reads until the client sends a Close frame or leaves, then closes. */
export async function closeAfterPeer(connection: Deno.Conn): Promise<void> {
  await readClose(connection, "server");
  connection.close();
}

/** Reads until the server sends a Close frame; returns its status code, undefined without one. */
export async function readCloseCode(connection: Deno.Conn): Promise<number | undefined> {
  return await readClose(connection, "client");
}

async function readClose(connection: Deno.Conn, role: "client" | "server") {
  let code: number | undefined;
  const close = (payload: Uint8Array) => void (code = parseClose(payload).code);
  const decoder = new FrameDecoder(role, { onText() {}, onClose: close });
  while (code === undefined) {
    const count = await connection.read(decoder.space).catch(() => null);
    if (count === null) break;
    decoder.decode(count);
  }
  return code;
}

/** Reads the head of a message byte by byte, so that the rest stays unread. */
async function readHead(connection: Deno.Conn): Promise<string> {
  let head = "";
  const byte = new Uint8Array(1);
  while (!head.endsWith("\r\n\r\n")) {
    if (await deadline(connection.read(byte), PATIENCE) === null) break;
    head += decoder.decode(byte);
  }
  return head;
}

/** Starts a server that passes each connection to `serve`. Its disposal ends both. */
export function startRawServer(
  serve: (connection: Deno.Conn) => Promise<void>,
): AsyncDisposable & { readonly url: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      serving.push(serve(connection).catch(() => {})); // the client left
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
          // It is closed already.
        }
      }
      await Promise.all(serving);
    },
  };
}
