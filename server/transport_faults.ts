/**
 * Faults of the connection itself, which only the strict transport can inject.
 *
 * @module
 */

import type { Frame } from "../protocol/wire.ts";
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
  /** Sends a message at this rate, in bytes per second. Later frames wait for its end. */
  drip(message: Frame, rate: number): void;
  /** Sends nothing any more, and ignores what the peer sends; the connection stays open. */
  stall(): void;
  reset(): boolean;
}

/** Sends a frame in the way of each fault; a fault has the parameter of its plan. */
export const TRANSPORT_FAULTS: Readonly<
  Record<TransportFault, (socket: FaultySocket, frame: Frame, parameter: number) => void>
> = {
  stall(socket) {
    socket.stall();
  },
  drip(socket, frame, rate) {
    socket.drip(frame, rate);
  },
  split(socket, frame) {
    const bytes = bytesOf(frame);
    const size = Math.ceil(bytes.length / PIECES);
    for (let i = 0; i < PIECES; i++) {
      const opcode = i === 0 ? opcodeOf(frame) : Opcode.continuation;
      socket.frame(opcode, bytes.subarray(i * size, (i + 1) * size), i === PIECES - 1);
    }
  },
  badframe(socket, frame) {
    socket.frame(RESERVED | opcodeOf(frame), bytesOf(frame));
  },
  reset(socket) {
    // Later, as a session must not be closed while it sends.
    queueMicrotask(() => socket.reset());
  },
};

function opcodeOf(frame: Frame): number {
  return typeof frame === "string" ? Opcode.text : Opcode.binary;
}

function bytesOf(frame: Frame): Uint8Array {
  return typeof frame === "string" ? encoder.encode(frame) : frame;
}

/** Whether a socket can inject faults. */
export function isFaulty(socket: Socket): socket is FaultySocket {
  return "stall" in socket;
}
