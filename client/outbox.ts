/**
 * Puts packets that are sent at the same moment into shared frames.
 *
 * @module
 */

import { encodeFrame, type ErrorAnswer, MAX_BATCH } from "../protocol.ts";

/**
 * Deno's WebSocket client writes a frame's header and its content apart, with Nagle's algorithm on: on
 * loopback, a frame of 1,030 to 60,000 bytes then waits 44 ms for the peer's acknowledgement. Shorter and
 * longer ones do not, so packets share frames of less than SHORT bytes or more than LONG.
 */
const SHORT = 1000;
const LONG = 70_000;

/** What the outbox notes on a request. */
export interface Posted {
  /** The size of the shared frame that carried it last, in bytes; 0 if it had a frame of its own. */
  frameSize: number;
}

/** A shared frame that the server may still refuse as too large. */
interface DoubtfulFrame {
  /** In bytes. */
  readonly size: number;
  readonly packets: readonly string[];
  readonly posted: readonly (Posted | undefined)[];
}

/**
 * Packets to be sent, until the current task is done.
 *
 * The size that a server takes is only known once it has refused a frame. Its error does not name the
 * frame, but the server takes every frame up to its limit and none beyond. So the first error is about
 * the largest frame that is not known to be accepted, the second about the next largest, and so on.
 */
export class Outbox {
  readonly #send: (frame: string) => void;
  readonly #batched: boolean;
  #limit: number;
  #packets: string[] = [];
  #posted: (Posted | undefined)[] = [];
  #length = 0;
  /** The size of the largest shared frame that is known to be accepted, in bytes. */
  #accepted = 0;
  /** Larger ones. */
  #doubtful: DoubtfulFrame[] = [];

  /**
   * @param batched whether the peer takes arrays; otherwise each packet is sent at once.
   * @param limit the largest frame that packets may share, in bytes, as far as is known.
   */
  constructor(send: (frame: string) => void, batched: boolean, limit = Infinity) {
    this.#send = send;
    this.#batched = batched;
    this.#limit = limit;
  }

  /** The largest frame that packets may share, in bytes, as far as is known; with 0, they share none. */
  get limit(): number {
    return this.#limit;
  }

  /** Sends a packet, by the end of the current task. */
  add(packet: string, posted?: Posted): void {
    if (!this.#batched) return this.#send(packet);
    this.#length += packet.length + 1;
    this.#posted.push(posted);
    if (this.#packets.push(packet) === 1) queueMicrotask(this.flush);
  }

  /** Sends all packets now. */
  flush = (): void => {
    const packets = this.#packets;
    const posted = this.#posted;
    const short = Math.min(SHORT - 2, this.#limit - 1);
    let most = this.#length > LONG ? Math.max(this.#limit - 1, short) : short;
    this.#packets = [];
    this.#posted = [];
    this.#length = 0;
    let from = 0;
    while (from < packets.length) {
      let length = this.#lengthOf(packets[from]!) + 1;
      let to = from + 1;
      while (to < packets.length && to - from < MAX_BATCH && length <= LONG) {
        const more = this.#lengthOf(packets[to]!) + 1;
        if (length + more > most) break;
        length += more;
        to++;
      }
      if (most > short && length <= LONG) {
        most = short; // what is left, or as much of it as a frame may hold, fills no long one
        continue;
      }
      this.#post(packets.slice(from, to), posted.slice(from, to));
      from = to;
    }
  };

  /** An answer has come to a request: the server accepted the frame that carried it. */
  accept({ frameSize }: Posted): void {
    if (frameSize <= this.#accepted) return;
    this.#accepted = frameSize;
    this.#doubtful = this.#doubtful.filter(({ size }) => size > frameSize);
  }

  /**
   * Looks at an error of the server's. If it has refused a shared frame as too large, the packets are sent
   * again, in frames up to its limit; each alone if it does not say its limit.
   *
   * @returns whether they are, so that the error is about nothing any more.
   */
  repair({ request_id, error: { code, limit } }: ErrorAnswer): boolean {
    if (code !== "packet_too_large") return false;
    const isSaid = typeof limit === "number"; // whatever the server has sent
    if (request_id !== null) {
      if (isSaid) this.#lower(limit);
      return false;
    }
    const sizes = this.#doubtful.map(({ size }) => size);
    const largest = Math.max(...sizes, 0);
    if (largest <= (isSaid ? limit : 0)) return false;
    this.#lower(isSaid ? limit : 0);
    const [frame] = this.#doubtful.splice(sizes.indexOf(largest), 1);
    frame!.packets.forEach((packet, i) => this.add(packet, frame!.posted[i]));
    return true;
  }

  #lower(limit: number): void {
    this.#limit = Math.min(this.#limit, limit);
  }

  #post(packets: readonly string[], posted: readonly (Posted | undefined)[]): void {
    const frame = encodeFrame(packets);
    const size = packets.length === 1 ? 0 : byteLength(frame);
    for (const one of posted) if (one !== undefined) one.frameSize = size;
    if (size > this.#accepted) this.#doubtful.push({ size, packets, posted });
    this.#send(frame);
  }

  /** In bytes where that matters: to measure costs more than to share a frame. */
  #lengthOf(packet: string): number {
    return this.#limit === Infinity ? packet.length : byteLength(packet);
  }
}

const encoder = new TextEncoder();
const scratch = new Uint8Array(1 << 18);

/** How many bytes of UTF-8 a text has. Browsers have nothing better for it. */
function byteLength(text: string): number {
  return 3 * text.length > scratch.length
    ? encoder.encode(text).length
    : encoder.encodeInto(text, scratch).written;
}
