/**
 * A WebSocket server made by hand, for clients to be tried on one that is not ours.
 *
 * @module
 */

import { describedRequest } from "./described.ts";
import { Inbox } from "./waiting.ts";

/** A server made by hand. */
export interface HandServer extends AsyncDisposable {
  readonly url: string;
  /** The packets that arrived, parsed, those of shared frames one by one. */
  readonly packets: Inbox<unknown>;
}

/** What a server made by hand does. */
export interface HandServerOptions {
  /** The subprotocol that it agrees to. @default {""} */
  protocol?: string;
  /** Refuses a handshake, where it returns a response; they are counted from 0. */
  onHandshake?(count: number): Response | undefined;
  onOpen?(socket: WebSocket): void;
  /** Called for each packet. */
  onPacket?(packet: Packet, socket: WebSocket): void;
}

/** A packet, as far as tests look at it. */
export interface Packet {
  request_id: string | number;
  data?: string;
  cancel?: boolean;
}

/** Starts a server that takes packets in and does with them what the test says. */
export function startHandServer(options: HandServerOptions): HandServer {
  const { protocol = "", onHandshake, onOpen, onPacket } = options;
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
