/**
 * The flooding client of `flood.ts`, in a thread of its own: told a port, it sends packets as fast as they
 * are taken and reads what comes back, until it is told anything more. When it has begun, and when it has
 * ended, it says how many packets it has sent.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import { clientFrame, openRawSocket } from "../support/raw_tcp.ts";

/** How many packets it writes at once. */
const AT_ONCE = 200;

/** What of a worker's scope it needs. */
interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as Scope;
let isOver = false;

scope.onmessage = ({ data: port }) => {
  scope.onmessage = () => isOver = true;
  void flood(port);
};

async function flood(port: number): Promise<void> {
  const connection = await openRawSocket(port);
  const reading = read(connection);
  let sent = 0;
  try {
    for (; !isOver; sent += AT_ONCE) {
      const frames = Array.from(
        { length: AT_ONCE },
        (_, i) => clientFrame(`{"request_id":${sent + i},"data":"Hub&&name&&qwe"}`),
      );
      const bytes = await new Blob(frames as BlobPart[]).bytes();
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
      if (sent === 0) scope.postMessage(AT_ONCE);
      await setImmediate(); // or it would never get round to reading
    }
    connection.close();
  } catch {
    // The server has closed it.
  }
  await reading;
  scope.postMessage(sent);
}

async function read(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1 << 20);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // It is closed.
  }
}
