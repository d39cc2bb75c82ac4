/**
 * The socket of the default transport: Deno's WebSocket, with the workarounds that it needs.
 *
 * @module
 */

import { ReadFairness } from "./deno_workarounds.ts";
import type { Socket, SocketHandler } from "./socket.ts";

/** A socket of the default transport. */
export class DenoSocket implements Socket {
  readonly #socket: WebSocket;
  #fairness: ReadFairness | undefined;

  /** @param socket from an upgrade in the same task. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get unsent(): number {
    return this.#socket.bufferedAmount;
  }

  listen(handler: SocketHandler): void {
    const socket = this.#socket;
    const fairness = this.#fairness = new ReadFairness(
      socket,
      (error) => handler.onReadError(error),
    );
    socket.binaryType = "arraybuffer";
    socket.onopen = () => handler.onOpen();
    socket.onmessage = ({ data }) => {
      // On Deno 2.7 a message after the end may come without data.
      if (data === null) return;
      const frame = typeof data === "string" ? data : new Uint8Array(data);
      handler.onMessage(frame);
      fairness.spend(frame.length);
      fairness.endIfSpent();
    };
    // Either may come without the other, and a close twice.
    socket.onerror = socket.onclose = () => handler.onEnd();
  }

  send(text: string): void {
    const fairness = this.#fairness!;
    if (fairness.isEnding) fairness.reopen();
    this.#socket.send(text);
    fairness.spend(text.length);
  }

  close(code: number, reason: string): void {
    this.#fairness?.reopen();
    this.#socket.close(code, reason);
  }
}
