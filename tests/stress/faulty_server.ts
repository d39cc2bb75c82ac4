/**
 * A plain server with faults, to test fuzzers and the soak.
 *
 * @module
 */

import { plainReplies } from "../support/plain.ts";
import type { Target } from "../support/program.ts";

/** Faults of a server. */
export interface Faults {
  /** Answers a frame. @default {plainReplies} */
  answer?(frame: string): string[];
  /** Connections after which it seems to have ended. @default {Infinity} */
  endsAfter?: number;
}

/** Starts a server within the test. */
export function startFaulty({ answer = plainReplies, endsAfter = Infinity }: Faults): Target {
  const sockets = new Set<WebSocket>();
  let connections = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    connections++;
    if (request.headers.get("upgrade") !== "websocket") return new Response();
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => sockets.add(socket);
    socket.onmessage = ({ data }) => {
      const text = typeof data === "string" ? data : new TextDecoder().decode(data);
      for (const each of answer(text)) {
        socket.send(each.replace(/"code":"\w+"/, '$&,"message":"as asked"'));
      }
    };
    socket.onerror = socket.onclose = () => sockets.delete(socket);
    return response;
  });
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    get hasEnded() {
      return connections > endsAfter;
    },
    health: () => {
      if (connections > endsAfter) return Promise.reject(new Error("the server has ended"));
      const rest = { status: "ok", in_flight: 0, abandoned: 0 };
      return Promise.resolve({ code: 200, connections: sockets.size, ...rest });
    },
    files: () => Promise.resolve(NaN),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.close();
      await server.shutdown();
    },
  };
}
