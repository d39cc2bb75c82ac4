/**
 * A WebSocket client of raw bytes, which can break rules and reset its connection.
 *
 * @module
 */

import net from "node:net";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { withoutMessage } from "../support/plain.ts";
import { PATIENCE, until } from "../support/waiting.ts";
import { FrameDecoder } from "../../websocket/decoder.ts";
import { parseClose } from "../../websocket/frames.ts";
import { HeadReader } from "../../websocket/handshake.ts";
import { bytesOf, type Leaving } from "./raw_frames.ts";

/** How long a silent client stays, in milliseconds. */
const SILENCE = 50;

/** Whether a client that half-closes still reads: with node:net of Deno 2.7, it does not. */
export const READS_AFTER_HALF_CLOSE = !Deno.version.deno.startsWith("2.7.");

/** A client of raw bytes. It uses node:net, since Deno.Conn cannot be reset. */
export class RawClient {
  /** Answers, errors without their messages. */
  readonly answers: string[] = [];
  /** Status code of the Close frame that came. */
  closeCode: number | undefined;
  /** Resolves when the handshake is answered; rejects if the connection closes before. */
  readonly upgraded: Promise<void>;
  /** Resolves when the connection is closed, for any reason. */
  readonly ended: Promise<void>;
  readonly #socket: net.Socket;

  /** Connects. */
  constructor(port: number) {
    const upgraded = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.upgraded = deadline(upgraded.promise, PATIENCE);
    this.ended = deadline(ended.promise, PATIENCE);
    for (const promise of [this.upgraded, this.ended]) promise.catch(() => {});
    const add = (answer: string) => void this.answers.push(withoutMessage(answer));
    const decoder = new FrameDecoder("client", {
      onText: add,
      onBinary: () => add("bytes"),
      onClose: (payload) => void (this.closeCode = parseClose(payload).code),
    });
    const head = new HeadReader("client");
    let isUpgraded = false;
    const socket = this.#socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("data", (bytes: Uint8Array) => {
      try {
        if (isUpgraded) return decoder.write(bytes);
        const read = head.write(bytes);
        if (read === undefined) return;
        isUpgraded = true;
        upgraded.resolve();
        decoder.write(read.rest);
      } catch (error) {
        add(String(error));
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      upgraded.reject(new Error("the connection was closed before it was upgraded"));
      ended.resolve();
    });
  }

  /** Writes bytes, given as Latin-1. They may not arrive. */
  async write(text: string): Promise<void> {
    if (text === "" || this.#socket.destroyed) return;
    const written = Promise.withResolvers<void>();
    this.#socket.write(bytesOf(text), () => written.resolve());
    await Promise.race([written.promise, this.ended]);
  }

  /** Waits until `count` answers have come, or the connection is closed. */
  async received(count: number): Promise<void> {
    const isDone = () => this.answers.length >= count || this.#socket.closed;
    await until(`${count} answers have come`, isDone);
  }

  /** Leaves without a Close frame. */
  async leave(how: Leaving): Promise<void> {
    if (how === "silence") await delay(SILENCE);
    if (how === "reset") this.#socket.resetAndDestroy?.(); // there is none in Deno 2.7
    if (how !== "half-close") return;
    this.#socket.end();
    await this.ended;
  }

  /** Closes the connection, if it is open. */
  destroy(): void {
    this.#socket.destroy();
  }
}
