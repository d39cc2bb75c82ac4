/**
 * Streams of bytes, such as TCP and TLS connections, under a WebSocket.
 *
 * @module
 */

import { HandshakeError, type Head, HeadReader } from "./handshake.ts";

/** The parts of `Deno.Conn` that a WebSocket needs. */
export interface ByteStream extends Pick<Deno.Conn, "read" | "write" | "close" | "closeWrite"> {
  /** Resets the TCP connection, if the stream can. */
  reset?(): void;
}

/**
 * Reads the head of a request or a response.
 *
 * @param role who reads: a client reads a response, a server a request.
 * @returns the head, its bytes, and the bytes that came after it.
 * @throws {HandshakeError} if the peer closes the stream before, or {@linkcode HeadReader.write} throws.
 */
export async function readHead(
  stream: ByteStream,
  role: "client" | "server",
): Promise<{ head: Head; bytes: Uint8Array; rest: Uint8Array }> {
  const reader = new HeadReader(role);
  const buffer = new Uint8Array(1 << 12);
  while (true) {
    const count = await stream.read(buffer);
    if (count === null) {
      const peer = role === "client" ? "server" : "client";
      throw new HandshakeError(`the ${peer} closed the connection`);
    }
    const read = reader.write(buffer.subarray(0, count));
    if (read !== undefined) return { ...read, bytes: reader.bytes };
  }
}

/** Writes all bytes. */
export async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  while (bytes.length > 0) bytes = bytes.subarray(await stream.write(bytes));
}

/** Closes a stream, unless it is closed already. */
export function closeQuietly(stream: ByteStream): void {
  try {
    stream.close();
  } catch {
    // The peer has closed it, or it has become the stream under TLS.
  }
}
