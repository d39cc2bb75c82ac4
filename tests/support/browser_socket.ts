/**
 * The built-in WebSocket as a peer of the server: frame by frame, without the project's client.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { parseJson } from "../../protocol/parse_json.ts";
import { agreedRequest, describedAnswer } from "./described.ts";
import { Inbox, PATIENCE } from "./waiting.ts";

/** A WebSocket that is open. */
export interface BrowserSocket extends AsyncDisposable {
  readonly socket: WebSocket;
  /** The frames that arrive. */
  readonly frames: Inbox<string>;
  /** Resolves to how it ended. */
  readonly closed: Promise<CloseEvent>;
  /** Sends one frame, `packet` as JSON unless it is text or bytes. */
  send(packet: unknown): void;
  /** The next frame, parsed. */
  next(): Promise<unknown>;
}

/** Opens a WebSocket, in plain mode unless `protocols` says more. */
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
