/**
 * A WebSocket server whose behavior a test defines.
 *
 * @module
 */

import { describedRequest } from "./described.ts";
import { Inbox } from "./waiting.ts";

/** A server whose behavior a test defines. */
export interface MockServer extends AsyncDisposable {
  readonly url: string;
  /** Parsed packets as they arrive, one by one also from shared frames. */
  readonly packets: Inbox<unknown>;
}

/** Behavior of a {@linkcode MockServer}. */
export interface MockServerOptions {
  /** Subprotocol to choose. @default {""} */
  protocol?: string;
  /** Returns a response to refuse a handshake; `count` starts at 0. */
  onHandshake?(count: number): Response | undefined;
  onOpen?(socket: WebSocket): void;
  onPacket?(packet: ClientPacket, socket: WebSocket): void;
  /** Called with whole frames, which then need not hold packets. */
  onFrame?(frame: string, socket: WebSocket): void;
}

/** A client's packet, with the members that tests read. */
export interface ClientPacket {
  request_id: string | number;
  data?: string;
  cancel?: boolean;
}

/** Starts a server. */
export function startMockServer(options: MockServerOptions): MockServer {
  const { protocol = "", onHandshake, onOpen, onPacket, onFrame } = options;
  const packets = new Inbox<unknown>();
  const sockets: WebSocket[] = [];
  const ends: Promise<void>[] = [];
  let handshakes = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const refusal = onHandshake?.(handshakes++);
    if (refusal !== undefined) return refusal;
    const { socket, response } = Deno.upgradeWebSocket(request, protocol ? { protocol } : {});
    const end = Promise.withResolvers<void>();
    sockets.push(socket);
    ends.push(end.promise);
    socket.onopen = () => onOpen?.(socket);
    socket.onmessage = ({ data }) => {
      if (onFrame !== undefined) return onFrame(data, socket);
      for (const packet of [JSON.parse(describedRequest(data))].flat()) {
        packets.put(packet);
        onPacket?.(packet, socket);
      }
    };
    socket.onclose = () => end.resolve();
    socket.onerror = () => {};
    return response;
  });
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    packets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.close();
      await Promise.all(ends);
      await server.shutdown();
    },
  };
}
