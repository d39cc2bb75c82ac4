/**
 * Requests in one frame or POST, and their answers as they arrive.
 *
 * @module
 */

import type { RequestId } from "../../protocol.ts";
import { openBrowserSocket } from "./browser_socket.ts";
import { Inbox } from "./waiting.ts";

/** The ways to ask: a WebSocket in either mode, or a POST. */
export const WAYS = ["plain", "v1", "post"] as const;

/** An answer of a server. */
export interface Answer {
  request_id: RequestId;
  data?: unknown;
  error?: { code: string; message: string };
  delay?: number;
}

/** A client that has asked. */
export interface Asked extends AsyncDisposable {
  readonly answers: Inbox<Answer>;
  /** Resolves when the connection or the response has ended; rejects if a response was cut off. */
  readonly ended: Promise<CloseEvent | undefined>;
  /** Returns the ids of the next answers. */
  ids(count: number): Promise<RequestId[]>;
  /** Sends a frame, with a WebSocket only. */
  send(packet: unknown): void;
}

/** Sends requests with these ids at once. */
export async function ask(
  { url }: { url: string },
  way: typeof WAYS[number],
  ids: readonly RequestId[],
): Promise<Asked> {
  const answers = new Inbox<Answer>();
  const packets = ids.map((request_id) => ({ request_id, data: "a&&b&&c" }));
  const common = {
    answers,
    ids: async (count: number) => (await answers.take(count)).map(({ request_id }) => request_id),
  };
  if (way === "post") {
    const body = JSON.stringify(packets);
    const response = await fetch(url.replace("ws", "http"), { method: "POST", body });
    const ended = readLines(response, (line) => answers.put(JSON.parse(line)));
    const settled = ended.catch(() => {});
    return { ...common, ended, send() {}, [Symbol.asyncDispose]: () => settled as Promise<void> };
  }
  const socket = await openBrowserSocket(url, way === "v1" ? ["asyncpkt.v1"] : []);
  socket.socket.addEventListener("message", ({ data }) => {
    for (const answer of [JSON.parse(data)].flat()) answers.put(answer);
  });
  socket.send(packets);
  return { ...socket, ...common, ended: socket.closed };
}

async function readLines({ body }: Response, take: (line: string) => void): Promise<undefined> {
  let rest = "";
  if (body === null) return; // status 204
  for await (const piece of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    lines.forEach(take);
  }
}
