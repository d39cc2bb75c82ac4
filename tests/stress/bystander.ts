/**
 * A client that has no part in what is done to a server, and is not to notice it.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { encodeRequest } from "../../protocol.ts";
import { type BrowserSocket, openBrowserSocket } from "../support/browser_socket.ts";
import { plainReplies } from "../support/plain.ts";

/** How long it waits from one request to the next, in milliseconds. */
const PAUSE = 20;

/** What a bystander was owed, and did not get. */
export interface Bystanding {
  readonly requests: number;
  readonly lost: number;
}

/**
 * Does something to the server at `url`, and says how a bystander fared meanwhile, who offers the
 * `protocols` and talks in plain mode.
 */
export async function besideBystander(
  url: string,
  act: () => Promise<void>,
  protocols: string[] = [],
): Promise<Bystanding> {
  await using socket = await openBrowserSocket(url, protocols);
  let isOver = false;
  let requests = 0;
  let lost = 0;
  const standBy = async () => {
    for (; !isOver || requests === 0; requests++) {
      if (!await isAnswered(socket, requests)) lost++;
      await delay(PAUSE);
    }
  };
  const standing = standBy();
  try {
    await act();
  } finally {
    isOver = true;
    await standing;
  }
  return { requests, lost };
}

/** Sends a request and looks whether the next that comes is its answer. */
export async function isAnswered(socket: BrowserSocket, id: number): Promise<boolean> {
  const packet = encodeRequest(id, `Hub&&name&&qwe&&id&&${id}`);
  socket.send(packet);
  return await socket.frames.next().catch(() => "") === plainReplies(packet)[0];
}
