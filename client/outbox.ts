/**
 * Puts packets that are sent at the same moment into shared frames.
 *
 * @module
 */

import { encodeFrame, MAX_BATCH } from "../protocol.ts";

/**
 * Deno's WebSocket client writes a frame's header and its content apart, with Nagle's algorithm on: on
 * loopback, a frame of 1,030 to 60,000 bytes then waits 44 ms for the peer's acknowledgement. Shorter and
 * longer ones do not, so packets share frames of less than SHORT bytes or more than LONG.
 */
const SHORT = 1000;
const LONG = 70_000;

/** Packets to be sent, until the current task is done. */
export class Outbox {
  readonly #send: (frame: string) => void;
  readonly #sharesFrames: boolean;
  #packets: string[] = [];
  #length = 0;

  /** @param sharesFrames whether the peer takes arrays; otherwise each packet is sent at once. */
  constructor(send: (frame: string) => void, sharesFrames: boolean) {
    this.#send = send;
    this.#sharesFrames = sharesFrames;
  }

  /** Sends a packet, by the end of the current task. */
  add(packet: string): void {
    if (!this.#sharesFrames) return this.#send(packet);
    this.#length += packet.length + 1;
    if (this.#packets.push(packet) === 1) queueMicrotask(this.flush);
  }

  /** Sends all packets now. */
  flush = (): void => {
    const packets = this.#packets;
    let most = this.#length > LONG ? Infinity : SHORT - 2;
    this.#packets = [];
    this.#length = 0;
    let from = 0;
    while (from < packets.length) {
      let length = packets[from]!.length + 1;
      let to = from + 1;
      while (to < packets.length && to - from < MAX_BATCH && length <= LONG) {
        if (length + packets[to]!.length + 1 > most) break;
        length += packets[to++]!.length + 1;
      }
      if (most === Infinity && length <= LONG) {
        most = SHORT - 2; // what is left, or as much of it as a frame may hold, fills no long one
        continue;
      }
      this.#send(encodeFrame(packets.slice(from, to)));
      from = to;
    }
  };
}
