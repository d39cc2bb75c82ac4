/**
 * The built-in WebSocket as a client: frame by frame, without the project's client.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { parseJson } from "../../protocol/parse_json.ts";
import { agreedRequest, describedAnswer } from "./described.ts";
import { Inbox, PATIENCE } from "./waiting.ts";

/** An open WebSocket. */
export interface BrowserSocket extends AsyncDisposable {
  readonly socket: WebSocket;
  /** Frames as they arrive. */
  readonly frames: Inbox<string>;
  /** Resolves when it ends. */
  readonly closed: Promise<CloseEvent>;
  /** Sends a frame: text, bytes, or a value as JSON. */
  send(packet: unknown): void;
  /** Returns the next frame, parsed. */
  next(): Promise<unknown>;
}

/** Opens a WebSocket, in plain mode without `protocols`. */
export async function openBrowserSocket(
  url: string,
  protocols: string[] = [],
): Promise<BrowserSocket> {
  const socket = new WebSocket(url, protocols);
  const frames = new Inbox<string>();
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<CloseEvent>();
  socket.onopen = () => opened.resolve();
  socket.onmessage = ({ data }) => frames.put(describedAnswer(data));
  socket.onerror = (event) => opened.reject((event as ErrorEvent).error);
  socket.onclose = closed.resolve;
  try {
    await deadline(opened.promise, PATIENCE);
  } catch (error) {
    await closed.promise;
    throw error;
  }
  return {
    socket,
    frames,
    closed: closed.promise,
    send: (packet) => {
      if (packet instanceof Uint8Array) socket.send(packet as Uint8Array<ArrayBuffer>);
      else socket.send(agreedRequest(typeof packet === "string" ? packet : JSON.stringify(packet)));
    },
    next: async () => parseJson(await frames.next()),
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed.promise;
    },
  };
}
