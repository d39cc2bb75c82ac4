/**
 * Faults of the connection itself, which only the strict transport can inject.
 *
 * @module
 */

import type { TransportFault } from "../session/faults.ts";
import { Opcode } from "../websocket/frames.ts";
import type { Socket } from "./socket.ts";

/** The number of fragments in which the fault `split` sends an answer, each in its own frame. */
const PIECES = 8;

/** The first reserved bit of a frame, which means nothing here (RFC 6455, section 5.2). */
const RESERVED = 0x40;

const encoder = new TextEncoder();

/** A socket that can break rules on purpose, as the strict transport's can. */
export interface FaultySocket extends Socket {
  /** Sends a frame, which may break the RFC. */
  frame(opcode: number, payload: Uint8Array, isFinal?: boolean): void;
  /** Sends a text frame at this rate, in bytes per second. Later frames wait for its end. */
  drip(text: string, rate: number): void;
  /** Sends nothing any more, and ignores what the peer sends; the connection stays open. */
  stall(): void;
}

/** Sends a frame in the way of each fault; a fault has the parameter of its plan. */
export const TRANSPORT_FAULTS: Readonly<
  Record<TransportFault, (socket: FaultySocket, text: string, parameter: number) => void>
> = {
  stall(socket) {
    socket.stall();
  },
  drip(socket, text, rate) {
    socket.drip(text, rate);
  },
  split(socket, text) {
    const bytes = encoder.encode(text);
    const size = Math.ceil(bytes.length / PIECES);
    for (let i = 0; i < PIECES; i++) {
      const opcode = i === 0 ? Opcode.text : Opcode.continuation;
      socket.frame(opcode, bytes.subarray(i * size, (i + 1) * size), i === PIECES - 1);
    }
  },
  badframe(socket, text) {
    socket.frame(RESERVED | Opcode.text, encoder.encode(text));
  },
};

/** Whether a socket can inject faults. */
export function isFaulty(socket: Socket): socket is FaultySocket {
  return "stall" in socket;
}
