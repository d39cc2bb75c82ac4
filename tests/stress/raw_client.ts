/**
 * A client of bytes, which does what no library would.
 *
 * @module
 */

import net from "node:net";
import { deadline } from "@std/async/deadline";
import { withoutMessage } from "../support/plain.ts";
import { PATIENCE } from "../support/until.ts";
import { FrameDecoder } from "../../websocket/frames.ts";
import { HeadReader } from "../../websocket/handshake.ts";
import { bytesOf, type Leaving } from "./raw_frames.ts";

/** How long a client that has fallen silent stays, in milliseconds. */
const SILENCE = 50;

/** A client of bytes. It is of Node's library, as that of Deno cannot reset a connection. */
export class RawClient {
  /** What the server has said, errors without their messages. */
  readonly answers: string[] = [];
  /** Resolves when the handshake has been answered; rejects if there was none. */
  readonly upgraded: Promise<void>;
  /** Resolves when the connection is closed, however that comes about. */
  readonly ended: Promise<void>;
  readonly #socket: net.Socket;
  #head: HeadReader | undefined = new HeadReader("client");
  #wake = () => {};

  /** Connects. */
  constructor(port: number) {
    const upgraded = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.upgraded = deadline(upgraded.promise, PATIENCE);
    this.upgraded.catch(() => {});
    this.ended = deadline(ended.promise, PATIENCE);
    this.ended.catch(() => {});
    const decoder = new FrameDecoder("client", {
      text: (text) => {
        this.answers.push(withoutMessage(text));
        this.#wake();
      },
    });
    const socket = this.#socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("data", (bytes: Uint8Array) => {
      try {
        if (this.#head === undefined) return decoder.write(bytes);
        const read = this.#head.write(bytes);
        if (read === undefined) return;
        this.#head = undefined;
        upgraded.resolve();
        decoder.write(read.rest);
      } catch (error) {
        this.answers.push(String(error));
        this.#wake();
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      upgraded.reject(new Error("the connection was closed before it was upgraded"));
      ended.resolve();
      this.#wake();
    });
  }

  /** Writes bytes that are given as Latin-1; whether they arrive is not known. */
  async write(text: string): Promise<void> {
    if (text === "" || this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#socket.once("close", resolve);
      this.#socket.write(bytesOf(text), () => {
        this.#socket.off("close", resolve);
        resolve();
      });
    });
  }

  /** Resolves when `count` answers have come; rejects if the connection is closed before. */
  async received(count: number): Promise<void> {
    const enough = Promise.withResolvers<void>();
    this.#wake = () => {
      if (this.answers.length >= count) enough.resolve();
      else if (this.#socket.closed) enough.reject(new Error("the connection was closed"));
    };
    this.#wake();
    await deadline(enough.promise, PATIENCE);
  }

  /** Leaves without a word. */
  async leave(how: Leaving): Promise<void> {
    if (how === "half-close") {
      this.#socket.end();
      await this.ended;
    } else if (how === "silence") {
      await new Promise((resolve) => setTimeout(resolve, SILENCE));
    } else if (how === "reset") {
      this.#socket.resetAndDestroy?.(); // there is none in Deno 2.7
    }
  }

  /** Closes it, if that has not come about yet. */
  destroy(): void {
    this.#socket.destroy();
  }
}
